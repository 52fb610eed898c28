"""Forty fixed prompts, one seed each, nothing chosen: what the built-in model's card shows.

python -m engine.evaluation.prompt_grid --model engine/builtin/neural --out docs/pictures/builtin-prompts.jpg
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ..model.bundle import load_small
from ..training.samples import depth_pixels, image_pixels, sample_joint

PROMPTS = (
    "red brick wall", "small grey cobblestones", "brown wood planks", "blue ceramic tiles",
    "green hexagon tiles", "grey roof shingles", "red fish scale shingles", "tan sand dunes",
    "brown cracked earth", "coarse grey gravel", "grey rock cliff", "layered brown rock",
    "grey moon craters", "glowing orange lava", "cracked cyan ice", "blue corrugated metal",
    "rusty grey corrugated metal", "grey diamond plate", "purple woven fabric", "green leaves",
    "orange leaves", "mossy stone wall", "checkered black tiles", "large white brick wall",
    "green grass", "moss", "brown bark", "snow", "brown leather", "white marble", "grey concrete",
    "snowy mountains terrain", "islands terrain in blue water",
    "green hills under blue sky", "snowy mountains under sunset sky", "desert floor to the horizon",
    "long corridor with grey walls and brown wooden floor", "two red boxes on grass floor under blue sky",
    "room with white walls and wooden floor", "street with tall buildings under blue sky",
)  # fmt: skip
COLUMNS, SIDE_PX, LABEL_PX, GAP_PX = 5, 128, 22, 4


def sheet(images: np.ndarray, depths: np.ndarray, prompts: tuple[str, ...]) -> Image.Image:
    """Images and depths (B, S, S, 3) uint8, side by side under their prompts, COLUMNS to a row."""
    cell_w, cell_h = 2 * SIDE_PX + GAP_PX, SIDE_PX + LABEL_PX
    rows = -(-len(prompts) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * cell_w, rows * cell_h), "white")
    draw = ImageDraw.Draw(page)
    for index, prompt in enumerate(prompts):
        x, y = index % COLUMNS * cell_w, index // COLUMNS * cell_h
        lines = (prompt[:42], prompt[42:])
        for number, line in enumerate(lines):
            draw.text((x + 2, y + 10 * number), line, fill="black", font_size=9)
        for number, pixels in enumerate((images[index], depths[index])):
            picture = Image.fromarray(pixels).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
            page.paste(picture, (x + number * SIDE_PX, y + LABEL_PX))
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="model folder")
    parser.add_argument("--out", type=Path, required=True, help="JPEG to write")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=2.5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    model = load_small(options.model)
    image, depth = sample_joint(model, list(PROMPTS), steps=options.steps, guidance=options.guidance, seed=options.seed)
    if model.upsampler:
        image, depth = model.upsampler.sharpened(image, depth, (False, False))
    page = sheet(image_pixels(image), depth_pixels(depth), PROMPTS)
    part = options.out.with_suffix(".part")
    page.save(part, format="JPEG", quality=88)
    part.replace(options.out)


if __name__ == "__main__":
    main()
