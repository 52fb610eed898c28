"""The one command that trains the model that ships, rehearsed with a tiny one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from depthwright.engine.model.bundle import load_small
from depthwright.engine.training import train_on_card
from depthwright.engine.training.dataset import ShardSet
from depthwright.engine.training.run_folder import RunFolder
from depthwright.engine.training.sizes import PRESETS
from depthwright.engine.training.train import small_model


def steps(run: Path) -> int:
    checkpoint = RunFolder(run).checkpoint()
    assert checkpoint is not None
    return checkpoint["step"]


@pytest.mark.slow
def test_samples_once_and_training_that_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(train_on_card.os, "cpu_count", lambda: 1)
    small_model("tiny", 0).save(tmp_path / "base")
    run, data = tmp_path / "card" / "run", tmp_path / "card" / "data"
    words = [
        "--run",
        tmp_path / "card",
        "--preset",
        "tiny-fine",
        "--init",
        tmp_path / "base",
        "--batch",
        4,
        "--shard",
        2,
    ]
    time = ["--minutes", 0.1, "--data-minutes", 0]
    asked = [str(word) for word in (*words, *time)]
    assert train_on_card.main([*asked, "--budget-minutes", "0.01"]) == 0
    made = {path: path.stat().st_mtime_ns for path in data.glob("*.npz")}
    assert len(made) == 1 and len(ShardSet(data)) == 2
    first = load_small(run / "model")
    assert first.config == PRESETS["tiny-fine"]
    taken = steps(run)
    assert train_on_card.main([*asked, "--budget-minutes", "0.02"]) == 0
    assert made == {path: path.stat().st_mtime_ns for path in data.glob("*.npz")}
    second = load_small(run / "model")
    assert steps(run) > taken > 0
    assert any(not torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
