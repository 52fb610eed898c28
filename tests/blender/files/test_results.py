"""A result's folder is whole or not there, and never another result's."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from depthwright.engine import catalog
from depthwright.engine.contract.errors import InputError
from depthwright.engine.contract.request import Request
from depthwright.engine.contract.result import Result
from depthwright.engine.contract.settled import Settled
from depthwright.scene.files import pictures, results

RNG = np.random.default_rng(2)


@pytest.fixture
def result() -> Result:
    depth = RNG.uniform(1, 3, (24, 32)).astype(np.float32)
    depth[:4] = np.inf
    return Result(
        image=RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8),
        depth=depth,
        request=catalog.resolve(Request(prompt="mossy bricks", seed=7)),
        model={"id": "procedural", "label": "Procedural", "license": "GPL-3.0-or-later"},
        versions={"depthwright": "0.1.0"},
    )


def test_four_files_that_hold_it(result, tmp_path):
    folder = results.save(result, tmp_path / "deep" / "out")
    assert sorted(p.name for p in folder.iterdir()) == ["depth.exr", "image.png", "preview.png", "request.json"]
    image, depth, record = results.load(folder)
    assert np.array_equal(image, result.image) and np.array_equal(depth, result.depth)
    assert Settled.from_dict(record["request"]) == result.request
    assert record["model"] == result.model and record["depth"]["farthest"] == pytest.approx(depth[4:].max())
    assert pictures.read_image(folder / "preview.png").shape == (24, 64, 3)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["out"]


def test_what_the_depth_is_measured_in_is_said(result, tmp_path):
    units = {}
    for target, model in (("material", "procedural"), ("scene", "procedural"), ("scene", "builtin")):
        request = catalog.resolve(Request(prompt="hills", target=target, model=model))
        folder = results.save(replace(result, request=request), tmp_path / f"{target}-{model}")
        units[target, model] = results.record_of(folder)["depth"]["unit"].partition(":")[0]
    assert list(units.values()) == ["relative", "metre", "relative"]


def test_the_same_again_is_written_anew_another_is_refused(result, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    results.save(result, tmp_path / "out")
    results.save(result, tmp_path / "out")
    with pytest.raises(InputError, match="another result"):
        results.save(replace(result, request=catalog.resolve(Request(prompt="sand"))), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "request.json").read_text())["request"]["prompt"] == "mossy bricks"
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


def test_a_place_that_cannot_be_written(result, tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError):
            results.save(result, place)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_nothing_is_left_when_writing_breaks_off(result, tmp_path, monkeypatch):
    def full(path, depth):
        raise OSError("No space left on device")

    monkeypatch.setattr(pictures, "write_depth", full)
    with pytest.raises(InputError, match="cannot be written"):
        results.save(result, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
