"""The study's machinery: sparse scenes, a run in two stages, and findings that follow from the numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from depthwright.engine.contract.errors import InputError
from depthwright.engine.study import __main__ as study
from depthwright.engine.study import findings, study_report
from depthwright.engine.study.data import Scenes, kept_scenes
from depthwright.engine.study.measure import LEVELS, constant_depth, measure
from depthwright.engine.study.runs import INDEPENDENT, MORE_RUNS, RUNS, SIZE_PX, Run


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> Scenes:
    path = tmp_path_factory.mktemp("study") / "scenes.npz"
    made = kept_scenes(path, 6, SIZE_PX)
    again = kept_scenes(path, 6, SIZE_PX)
    assert np.array_equal(made.depth, again.depth) and made.captions == again.captions
    return made


def test_a_sparse_scene_always_shows_the_same_pixels(scenes):
    sparse = scenes.sparse(0.05)
    known = ~np.isnan(sparse.depth)
    assert known.mean() == pytest.approx(0.05, abs=0.01)
    assert np.array_equal(sparse.depth[known], scenes.depth[known])
    # Mirrored or not, image and depth go together, and what is known stays known.
    first, again = (sparse.draw(0, step, 8, range(8)) for step in (0, 0))
    assert torch.equal(first.image, again.image) and first.captions == again.captions
    full = scenes.draw(0, 0, 8, range(8))
    shown = ~first.depth.isnan()
    assert torch.equal(first.image, full.image) and torch.equal(first.depth[shown], full.depth[shown])
    assert torch.equal(sparse.draw(0, 0, 8, [2, 5]).image, first.image[[2, 5]])


def test_a_run_in_two_stages_is_trained_and_measured(scenes, tmp_path):
    run = Run("images first", INDEPENDENT, hidden=48, pairs=3, images_first=0.5)
    model = study.trained(run, scenes, tmp_path, steps=4)
    assert all((tmp_path / stage / "checkpoint.pt").exists() for stage in ("images", "pairs"))
    found = measure(model, scenes)
    assert np.array(found["errors"]["depth"]).shape == (len(LEVELS),) * 2
    assert all(accuracy["abs_rel"] > 0 for accuracy in found["i2d"])
    assert 0 < constant_depth(scenes)["delta1"] < 1


def test_every_run_has_its_own_name():
    names = [run.name for run in (*RUNS, *MORE_RUNS)]
    assert len(set(names)) == len(names) == 18


# ---- findings


def result(depth: float = 1.0, image: float = 1.0) -> dict:
    grid = np.ones((len(LEVELS),) * 2)
    accuracy = {"abs_rel": 0.3, "delta1": 0.6}
    return {
        "errors": {"depth": (grid * depth).tolist(), "image": (grid * image).tolist()},
        "i2d": [accuracy] * 2,
        "cpu_s": 9,
    }


@pytest.fixture
def results() -> dict:
    every = {run.name: result() for run in (*RUNS, *MORE_RUNS)}
    every |= {
        "all modes, seed 1": result(1.05, 1.02),
        "5 % of the pixels": result(1.08),
        "1 % of the pixels": result(1.4),
    }
    every["images first, large"] = result(0.7)
    every["shared level"] = result(2.0)
    every["trajectories"] = {"log2_alpha": [-5, 5], "abs_rel": [[0.3, 0.4, 0.5], [0.1, 0.2, 0.25]]}
    accuracy = [{"abs_rel": value, "delta1": 0.5} for value in (0.2, 0.1, 0.15)]
    every["steps"] = {
        "steps": [1, 4, 16], "materials": accuracy, "scenes": accuracy,
        "constant": {"materials": accuracy[0], "scenes": accuracy[0]},
    }  # fmt: skip
    every["constant depth"] = {"abs_rel": 0.42, "delta1": 0.35}
    every["versions"] = {"steps": 200, "batch": 32}
    return every


def test_differences_count_when_they_exceed_the_noise(results):
    assert findings.noise(results) == pytest.approx(0.05 / 1.025)
    assert findings.compared(1.08, 1.0, 0.05) == "within the noise (+8%) of"
    assert findings.compared(1.4, 1.0, 0.05) == "40% higher than"
    assert "perhaps noise" in findings.compared(1.4, 1.0, None)
    sparse = findings.about_sparsity(results)
    assert "from pure noise, against learning from every pixel: 5 %: within the noise (+8%), 1 %: 40% higher" in sparse
    assert "large: with images first the error of depth is 30% lower than without" in findings.about_sizes(results)
    assert "depth of an image, 100% higher;" in findings.about_levels(results)
    assert "neither is 0: +41%" in findings.about_levels(results)
    assert "+0.217, more than twice" in findings.about_trajectories(results)
    assert "materials: AbsRel 0.200 with one step, 0.150 with 16, the least, 0.100, with 4" in findings.about_steps(
        results
    )


def test_what_has_not_run_is_not_told():
    for question in findings.QUESTIONS.values():
        assert question({}) == findings.MISSING


@pytest.mark.slow
def test_the_page_is_brought_up_to_date(results, tmp_path):

    folder, docs = tmp_path / "results", tmp_path / "docs"
    folder.mkdir()
    docs.mkdir()
    for name, values in results.items():
        (folder / f"{name}.json").write_text(json.dumps(values))
    page = (Path(study_report.__file__).parents[2] / "docs" / "study.md").read_text()
    (docs / "study.md").write_text(page)
    study_report.write(folder, docs)
    written = (docs / "study.md").read_text()
    assert "| all modes | 1.0000 |" in written and findings.about_sparsity(results) in written
    table = study_report.runs_table(results)
    assert (
        study_report.replaced(study_report.replaced(written, "runs", table), "runs", table).count("| all modes |") == 1
    )
    assert {path.name for path in (docs / "pictures").iterdir()} == {f"study-{name}.png" for name in study_report.PLOTS}
    with pytest.raises(InputError, match="no place for 'steps'"):
        (docs / "study.md").write_text(written.replace("<!-- steps -->", ""))
        study_report.write(folder, docs)
