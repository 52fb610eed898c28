"""Train the small model: one command, any number of slices, resumable from its last checkpoint.

    python -m engine.training.dataset --out runs/data --count 20000
    python -m engine.training.train --data runs/data --run runs/small --budget-minutes 90 --slice-minutes 9

The learning rate follows the minutes trained so far, over all slices, out of the budget.
"""

from __future__ import annotations

import argparse
import copy
import json
import signal
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..model.bundle import VOCABULARY_FILE, SmallModel, read_json
from .dataset import Batch, ShardSet
from .presets import PRESETS, vocabulary
from .recipe import Recipe, add_noise, draw_levels, velocity_loss
from .samples import write_sample_grid

CHECKPOINT_FILE, METRICS_FILE = "checkpoint.pt", "metrics.jsonl"
WARMUP_STEPS = 40


class Optimizers:
    """Muon for the matrices inside the blocks, AdamW for everything else."""

    def __init__(self, model: SmallModel, muon_lr: float, adam_lr: float) -> None:
        inside = {id(p) for name, p in model.named_parameters() if "_blocks." in name and p.ndim == 2}
        matrices = [p for p in model.parameters() if id(p) in inside]
        others = [p for p in model.parameters() if id(p) not in inside]
        self.others = others
        self.parts = [
            (torch.optim.Muon(matrices, lr=muon_lr, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"), muon_lr),
            (torch.optim.AdamW(others, lr=adam_lr, betas=(0.9, 0.98), eps=1e-9, weight_decay=0.0), adam_lr),
        ]

    def step(self, lr_factor: float) -> None:
        nn.utils.clip_grad_norm_(self.others, 1.0)  # Muon's updates have a fixed size already
        for optimizer, lr in self.parts:
            for group in optimizer.param_groups:
                group["lr"] = lr * lr_factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict]:
        return [optimizer.state_dict() for optimizer, _ in self.parts]

    def load_state_dict(self, states: list[dict]) -> None:
        for (optimizer, _), state in zip(self.parts, states, strict=True):
            optimizer.load_state_dict(state)


def lr_factor(step: int, progress: float, hold: float) -> float:
    """Warm up, hold, then fall to zero in a straight line over the rest of the budget."""
    decay = 1.0 if progress < hold else max(0.0, (1.0 - progress) / (1.0 - hold))
    return min(1.0, (step + 1) / WARMUP_STEPS) * decay


class Trainer:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.recipe = options, Recipe()
        self.device = torch.device(options.device)
        self.run: Path = options.run
        self.data = ShardSet(options.data)
        torch.manual_seed(options.seed)
        self.model = SmallModel(PRESETS[options.preset], self.vocabulary())
        initialise(self.model)
        self.model.to(self.device)
        self.ema = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.optimizers = Optimizers(self.model, options.muon_lr, options.adam_lr)
        self.step, self.samples, self.trained_s = 0, 0, 0.0
        if (self.run / CHECKPOINT_FILE).exists():
            self.resume()
        else:
            self.run.mkdir(parents=True, exist_ok=True)
            self.save_run_config()
        # Draws follow from the step a slice begins at: a resumed run sees other samples than it has just seen.
        self.rng = np.random.default_rng([options.seed, self.step])
        self.noise = torch.Generator(self.device).manual_seed(options.seed * 1_000_003 + self.step)
        if options.compile:
            for module in self.model.modules():
                if type(module).__name__ in ("DoubleStreamBlock", "SingleStreamBlock"):
                    module.compile(dynamic=False)

    def vocabulary(self) -> list[str]:
        """The run's own words: the generator may have learned more since it began."""
        path = self.run / "model" / VOCABULARY_FILE
        return read_json(path) if path.exists() else vocabulary()

    def save_run_config(self) -> None:
        config = {
            "model": self.model.config.to_dict(),
            "recipe": asdict(self.recipe),
            "options": {k: str(v) for k, v in vars(self.options).items()},
            "samples_in_data": len(self.data),
            "torch": torch.__version__,
            "parameters": sum(p.numel() for p in self.model.parameters()),
        }
        (self.run / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

    def resume(self) -> None:
        state = torch.load(self.run / CHECKPOINT_FILE, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.ema.load_state_dict(state["ema"])
        self.optimizers.load_state_dict(state["optimizers"])
        self.step, self.samples, self.trained_s = state["step"], state["samples"], state["trained_s"]

    def save(self) -> None:
        state = {
            "model": self.model.state_dict(),
            "ema": self.ema.state_dict(),
            "optimizers": self.optimizers.state_dict(),
            "step": self.step,
            "samples": self.samples,
            "trained_s": self.trained_s,
        }
        part = self.run / (CHECKPOINT_FILE + ".part")
        torch.save(state, part)
        part.replace(self.run / CHECKPOINT_FILE)
        self.ema.save(self.run / "model")

    def tokens(self, batch: Batch) -> tuple[Tensor, Tensor]:
        image = self.model.image_codec.encode(batch.image.to(self.device))
        return image, self.model.depth_codec.encode(batch.depth.to(self.device))

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Image and depth loss of one batch."""
        recipe, size = self.recipe, len(batch.captions)
        image, depth = self.tokens(batch)
        levels = draw_levels(size, recipe, self.noise, self.device)
        given = (levels.image == 0).cpu().numpy()
        dropped = self.rng.random(size) < np.where(given, recipe.given_image_caption_dropout, recipe.caption_dropout)
        captions = ["" if drop else caption for drop, caption in zip(dropped, batch.captions, strict=True)]
        grid = (self.data.size_px // self.model.image_codec.patch_px,) * 2
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            image_out, depth_out = self.model.denoise(
                add_noise(image, levels.image, self.noise),
                add_noise(depth, levels.depth, self.noise),
                self.model.text.ids(captions).to(self.device),
                grid,
                levels.image,
                levels.depth,
            )
        return (
            velocity_loss(image_out, image, levels.image, recipe.t_min),
            velocity_loss(depth_out, depth, levels.depth, recipe.t_min),
        )

    @torch.no_grad()
    def update_ema(self) -> None:
        decay = min(self.options.ema, (1 + self.step) / (10 + self.step))
        for average, value in zip(self.ema.parameters(), self.model.parameters(), strict=True):
            average.lerp_(value, 1 - decay)

    def train(self) -> None:
        options = self.options
        budget_s, slice_s = options.budget_minutes * 60, options.slice_minutes * 60
        started = last_save = last_log = time.monotonic()
        before, last_step = self.trained_s, self.step + (options.slice_steps or sys.maxsize)
        sums, count = np.zeros(2), 0
        stopped = stop_requested()
        while self.trained_s < budget_s and time.monotonic() - started < slice_s and self.step < last_step:
            if stopped.is_set():
                break
            batch = self.data.batch(self.rng.integers(0, len(self.data), options.batch), self.rng)
            image_loss, depth_loss = self.loss(batch)
            (image_loss + self.recipe.depth_weight * depth_loss).backward()
            self.optimizers.step(lr_factor(self.step, self.trained_s / budget_s, options.hold))
            self.update_ema()
            self.step += 1
            self.samples += options.batch
            now = time.monotonic()
            self.trained_s = before + now - started
            if count % 10 == 0 or options.device == "cpu":  # reading a loss waits for the GPU
                sums += (image_loss.item(), depth_loss.item())
                count += 1
            if now - last_log > options.log_s:
                self.log(sums / max(count, 1))
                sums, count, last_log = np.zeros(2), 0, now
            if now - last_save > options.save_s:
                self.save()
                write_sample_grid(self.ema, self.run / f"samples-{self.step:06d}.png")
                last_save = time.monotonic()
        self.save()
        write_sample_grid(self.ema, self.run / f"samples-{self.step:06d}.png")
        print(f"stopped at step {self.step}, {self.samples} samples, {self.trained_s / 60:.1f} min trained", flush=True)

    def log(self, losses: np.ndarray) -> None:
        line = {
            "step": self.step,
            "samples": self.samples,
            "minutes": round(self.trained_s / 60, 2),
            "image_loss": round(float(losses[0]), 4),
            "depth_loss": round(float(losses[1]), 4),
        }
        print(json.dumps(line), flush=True)
        with (self.run / METRICS_FILE).open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(line) + "\n")


def stop_requested() -> threading.Event:
    """Set by Ctrl-C or SIGTERM: the step in hand is finished and everything saved."""
    event = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: event.set())
    return event


OUTPUTS = (
    ".proj.weight",
    "_mlp.2.weight",
    ".linear2.weight",
    ".adaLN_modulation.1.weight",
    "final_layer.linear.weight",
)


@torch.no_grad()
def initialise(model: SmallModel) -> None:
    """Every block starts as the identity: outputs zero, gates alive.

    The layout has no biases, so gates cannot start at one; they start random, and the blocks' outputs at zero.
    """
    transformer = model.dit.transformer
    for name, parameter in transformer.named_parameters():
        if parameter.ndim != 2:
            continue
        fan_in = parameter.shape[1]
        if name.endswith(OUTPUTS):
            nn.init.zeros_(parameter)
        elif ".lin." in name:
            chunks = parameter.view(-1, 3, fan_in, fan_in)  # shift, scale, gate
            nn.init.zeros_(parameter)
            nn.init.normal_(chunks[:, 2], std=1.5 * fan_in**-0.5)
        elif "time_in" in name:
            nn.init.normal_(parameter, std=1.5 * fan_in**-0.5)
        else:
            nn.init.normal_(parameter, std=fan_in**-0.5)
    nn.init.normal_(model.text.tokens.weight[1:], std=1.0)  # row 0 is padding: zero
    for tail in (model.dit.image_tail, model.dit.depth_tail):
        nn.init.zeros_(tail.conv_out.weight)
        nn.init.zeros_(tail.conv_out.bias)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of shards")
    parser.add_argument("--run", type=Path, required=True, help="folder of checkpoint, metrics, samples and model")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="small64")
    parser.add_argument("--budget-minutes", type=float, default=90, help="of training in all, over every slice")
    parser.add_argument("--slice-minutes", type=float, default=9, help="of this call")
    parser.add_argument("--slice-steps", type=int, default=0, help="end this call after so many steps; 0: no limit")
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--muon-lr", type=float, default=5e-3)
    parser.add_argument("--adam-lr", type=float, default=2e-3)
    parser.add_argument("--hold", type=float, default=0.45, help="share of the budget before the learning rate falls")
    parser.add_argument("--ema", type=float, default=0.998)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves torch's choice")
    parser.add_argument("--compile", action="store_true", help="compile the blocks (a minute, then faster)")
    parser.add_argument("--log-s", type=float, default=30)
    parser.add_argument("--save-s", type=float, default=300)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    Trainer(options).train()


if __name__ == "__main__":
    main()
