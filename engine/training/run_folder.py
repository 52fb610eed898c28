"""What a run leaves: its configuration before the first step, checkpoints, metrics, sample grids and the model.

config.json            model, recipe, settings, words, versions; config-STEP.json where a resumed run has others
checkpoint.pt          weights, their average, optimizers, and how far the run has come
metrics.jsonl          a line every few seconds; tensorboard/ has the same where TensorBoard is installed
samples-STEP.png       the fixed prompts, unselected
model/                 the averaged weights as a model folder
"""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..contract.errors import ModelError
from ..contract.version import VERSION
from ..model.bundle import VOCABULARY_FILE, read_json

CHECKPOINT_FILE, METRICS_FILE, CONFIG_FILE, MODEL_FOLDER = "checkpoint.pt", "metrics.jsonl", "config.json", "model"


def versions() -> dict[str, str]:
    import accelerate

    return {
        "depthwright": VERSION,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "accelerate": accelerate.__version__,
    }


class RunFolder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._board = None

    def begin(self, config: dict[str, Any], step: int) -> None:
        """Write down what the run is before it does anything. ModelError where it is resumed with another model."""
        self.path.mkdir(parents=True, exist_ok=True)
        config = json.loads(json.dumps({**config, "versions": versions()}, default=str))
        first = self.path / CONFIG_FILE
        if first.exists():
            before = read_json(first)
            if _trained(before.get("model", {})) != _trained(config["model"]):
                raise ModelError(
                    f"The run in {self.path.name} trains another model.",
                    "Resume it with the preset it was begun with, or choose a new folder.",
                )
            if before != config:
                self._write(self.path / f"config-{step:06d}.json", config)
        else:
            self._write(first, config)
        self._board = tensorboard(self.path / "tensorboard")

    def _write(self, path: Path, config: dict[str, Any]) -> None:
        part = path.with_suffix(".part")
        part.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        part.replace(path)

    def vocabulary(self) -> list[str] | None:
        """The run's own words: the generator may have learned more since it began. None for a new run."""
        if (self.path / CONFIG_FILE).exists():
            words = read_json(self.path / CONFIG_FILE).get("vocabulary")
            if words:
                return words
        file = self.path / MODEL_FOLDER / VOCABULARY_FILE
        return read_json(file) if file.exists() else None

    def checkpoint(self) -> dict[str, Any] | None:
        """The last one saved, on the CPU; None for a new run. ModelError where it cannot be read."""
        path = self.path / CHECKPOINT_FILE
        if not path.exists():
            return None
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise ModelError(
                f"The checkpoint of the run in {self.path.name} is damaged.",
                "Begin the run again in a new folder; its last model is in the folder model.",
                f"{path}: {error}",
            ) from error

    def save_checkpoint(self, state: dict[str, Any]) -> None:
        part = self.path / (CHECKPOINT_FILE + ".part")
        torch.save(state, part)
        part.replace(self.path / CHECKPOINT_FILE)

    def save_model(self, save: Callable[[Path], None]) -> None:
        """The model folder, whole: written beside the old one, which goes when the new one is complete."""
        folder = self.path / MODEL_FOLDER
        part, old = folder.with_suffix(".part"), folder.with_suffix(".old")
        for stale in (part, old):
            shutil.rmtree(stale, ignore_errors=True)
        save(part)
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
        shutil.rmtree(old, ignore_errors=True)

    def log(self, step: int, values: dict[str, float]) -> None:
        with (self.path / METRICS_FILE).open("a", encoding="utf-8") as handle:
            handle.write(json.dumps({"step": step, **values}) + "\n")
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def samples(self, step: int) -> Path:
        return self.path / f"samples-{step:06d}.png"


def _trained(model: dict[str, Any]) -> dict[str, Any]:
    """What of a model's configuration its weights depend on: how it is sampled may change while it is trained.

    A size that is None is as if it were not there: earlier versions did not know all of them.
    """
    outputs = model.get("parametrisation", {})
    kept = {name: outputs.get(name) for name in ("image_x_prediction", "depth_x_prediction")}
    sizes = {name: size for name, size in model.get("transformer", {}).items() if size is not None}
    return model | {"parametrisation": kept, "transformer": sizes}


def tensorboard(folder: Path) -> Any | None:
    """A TensorBoard writer, or None where TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder))
