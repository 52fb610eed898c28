"""Pictures of the 120 foreign prompts for a judge who does not see the prompts: shuffled, numbered, the key apart.

    python -m engine.evaluation.blind_sheet --model engine/builtin/neural --out runs/blind
    python -m engine.evaluation.blind_sheet --out runs/blind --answers runs/blind/answers.json

--out gets sheet-NN.jpg with numbered pictures, each beside its depth; questions.json: for each number the candidate
prompts where there are some; key.json, which the judge does not open. The answers: {"1": ["free name", 2], ...}, a name
without candidates and the position of the chosen candidate, from 0 (null where there are none). Matches are counted;
whether a free name is right is decided beside the key: named.txt lists both.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from .. import catalog
from ..backends.modality_forcing import ModalityForcingBackend
from ..contract.request import Request
from ..training.samples import depth_pixels

PROMPTS_FILE = Path(__file__).with_name("foreign_prompts.json")
SIDE_PX, SHOWN_PX, COLUMNS, ROWS = 512, 256, 4, 5
SHUFFLE = 9  # seed


def foreign_prompts() -> list[dict[str, Any]]:
    return json.loads(PROMPTS_FILE.read_text(encoding="utf-8"))["prompts"]


def made(model: Path, prompts: list[dict[str, Any]], steps: int | None) -> list[tuple[np.ndarray, np.ndarray]]:
    """A picture (S, S, 3) and its depth shown as one, for each prompt: its own seed, once."""
    import torch

    entry = replace(catalog.find("builtin"), folder=str(model.resolve()))
    backend, out = ModalityForcingBackend(), []
    for prompt in prompts:
        request = Request(
            prompt=prompt["prompt"], target=prompt["target"], model="builtin", seed=prompt["seed"],
            width_px=SIDE_PX, height_px=SIDE_PX, steps=steps,
        )  # fmt: skip
        output = backend.run(entry, catalog.resolve(request), {}, lambda *_: None)
        out.append((output.image, depth_pixels(torch.from_numpy(output.depth[None]))[0]))
    return out


def shuffled(count: int) -> np.ndarray:
    """Which prompt stands at which place."""
    return np.random.default_rng(SHUFFLE).permutation(count)


def sheets(pictures: list[tuple[np.ndarray, np.ndarray]], order: np.ndarray) -> list[Image.Image]:
    """Pages of COLUMNS x ROWS numbered pictures with their depth."""
    pages, a_page = [], COLUMNS * ROWS
    width, height = 2 * SHOWN_PX + 8, SHOWN_PX + 18
    for start in range(0, len(order), a_page):
        page = Image.new("RGB", (COLUMNS * width, ROWS * height), "white")
        draw = ImageDraw.Draw(page)
        for place, which in enumerate(order[start : start + a_page]):
            x, y = place % COLUMNS * width, place // COLUMNS * height
            draw.text((x + 2, y + 2), str(start + place + 1), fill="black", font_size=14)
            for number, pixels in enumerate(pictures[which]):
                small = Image.fromarray(pixels).resize((SHOWN_PX, SHOWN_PX), Image.Resampling.LANCZOS)
                page.paste(small, (x + number * SHOWN_PX, y + 18))
        pages.append(page)
    return pages


def scored(prompts: list[dict[str, Any]], order: np.ndarray, answers: dict[str, list[Any]]) -> tuple[int, int, str]:
    """Right matches, questions with candidates, and a line for every free name beside its prompt."""
    right = asked = 0
    lines = []
    for place, which in enumerate(order, 1):
        prompt, (name, choice) = prompts[which], answers.get(str(place), ["", None])
        lines.append(f"{place}\t{name}\t{prompt['prompt']}")
        if candidates := prompt.get("candidates"):
            asked += 1
            right += choice is not None and candidates[choice] == prompt["prompt"]
    return right, asked, "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="model folder")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--answers", type=Path, help="of the judge: count them instead of making pictures")
    parser.add_argument("--steps", type=int)
    options = parser.parse_args()
    prompts = foreign_prompts()
    order = shuffled(len(prompts))
    if options.answers:
        answers = json.loads(options.answers.read_text(encoding="utf-8"))
        right, asked, names = scored(prompts, order, answers)
        (options.out / "named.txt").write_text(names, encoding="utf-8")
        print(f"{right} of {asked} matched among their candidates ({100 * right / max(asked, 1):.0f} %)")
        return
    if not options.model:
        parser.error("--model is needed to make pictures")
    options.out.mkdir(parents=True, exist_ok=True)
    for number, page in enumerate(sheets(made(options.model, prompts, options.steps), order), 1):
        page.save(options.out / f"sheet-{number:02}.jpg", quality=90)
    asked = {place: prompts[which].get("candidates") for place, which in enumerate(order, 1)}
    (options.out / "questions.json").write_text(json.dumps(asked, indent=1) + "\n", encoding="utf-8")
    key = {place: prompts[which]["prompt"] for place, which in enumerate(order, 1)}
    (options.out / "key.json").write_text(json.dumps(key, indent=1) + "\n", encoding="utf-8")
    print(f"{len(prompts)} pictures in {options.out}")


if __name__ == "__main__":
    main()
