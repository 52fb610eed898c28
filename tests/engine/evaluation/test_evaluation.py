"""The evaluation as a whole: ensembles, baselines, sharing out over processes, the command and its report."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from depthwright.engine.__main__ import main
from depthwright.engine.evaluation import held_out
from depthwright.engine.evaluation.baselines import class_means, classes, luminance_depth
from depthwright.engine.evaluation.crew import Crew
from depthwright.engine.evaluation.ensemble import ensembled
from depthwright.engine.evaluation.metrics import depth_error, has_depth
from depthwright.engine.evaluation.published_numbers import TABLES
from depthwright.engine.evaluation.rollouts import Settings, estimate_depth
from depthwright.engine.evaluation.scale_alignment import WAYS
from depthwright.engine.model.bundle import load_small
from depthwright.engine.training.dataset import ShardSet, write_shard

COUNT = 10


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("held-out")
    write_shard(folder / "0.npz", 40, COUNT, 16)
    return folder


@pytest.fixture(scope="module")
def tiny_model(entry):
    return Path(entry.folder)


def test_an_ensemble_is_nearer_to_the_truth_than_its_members_and_keeps_the_unit():
    rng = np.random.default_rng(0)
    truth = rng.uniform(1, 5, (16, 16))
    members = np.stack([
        (truth * np.exp(rng.normal(0, 0.15, truth.shape))) * rng.uniform(0.3, 3) + rng.uniform(0, 1) for _ in range(8)
    ])  # fmt: skip
    together = ensembled(members)
    assert together.mean() == pytest.approx(members.mean(), rel=0.02)

    def error(depth):
        return held_out.all_errors(depth[None], truth[None], "affine")[0, 0]

    assert error(together) < 0.6 * min(error(member) for member in members)
    assert np.allclose(ensembled(members[:1]), members[0])


def test_baselines():
    images = np.stack([np.full((3, 2, 2), value) for value in (-1.0, 1.0)])
    assert np.allclose(luminance_depth(images, 0.5)[:, 0, 0], np.exp([0.5, -0.5]))  # brighter is nearer
    names = classes(["red brick wall", "two red boxes on sand floor", "green hills", "snowy mountains terrain"],
                    np.array([True, False, False, True]))  # fmt: skip
    assert names == ["brick", "objects boxes", "hills hills", "terrain mountains"]
    disparity = np.array([[[1.0, 3.0]], [[2.0, 6.0]], [[4.0, 1.0]], [[5.0, 0.0]]])  # medians 2, 4, 2.5, 5
    found = class_means(disparity, ["a", "a", "b", "c"])
    assert np.allclose(found[0], 1 / np.array([[0.5, 1.5]]))  # of the other one, in units of its median
    assert np.allclose(found[1], 1 / np.array([[0.5, 1.5]]))
    assert np.allclose(found[2:], 1.0)  # alone of their class: constant


def test_a_samples_noise_is_its_own(shards, tiny_model):
    """Whatever batch it comes in: so that batches and processes can be cut in any way."""
    model, batch = load_small(tiny_model), ShardSet(shards).batch(np.arange(6))
    whole = estimate_depth(model, batch.image, [""] * 6, range(6), Settings(2))
    alone = estimate_depth(model, batch.image[4:5], [""], [4], Settings(2))
    assert np.allclose(whole[4], alone[0], rtol=1e-4)
    assert not np.allclose(whole[4], estimate_depth(model, batch.image[4:5], [""], [4], Settings(2, draw=1))[0])


def test_processes_do_not_change_results():
    load = partial(torch.full, (2,), 3.0)
    with Crew(load, 1) as one, Crew(load, 2) as two:
        arguments = [(torch.tensor(float(n)),) for n in range(5)]
        alone, shared = (list(crew.map(torch.add, arguments)) for crew in (one, two))
    assert [a.tolist() for a in alone] == [s.tolist() for s in shared] == [[n + 3.0] * 2 for n in range(5)]


def test_the_command_writes_a_report(shards, tiny_model, tmp_path, capsys):
    out = tmp_path / "report"
    arguments = ["--data", shards, "--model", tiny_model, "--out", out, "--count", COUNT, "--steps", 1, 2]
    assert main(["evaluate", "held-out", *map(str, arguments), "--ensemble", "2", "--d2i", "6", "--joint", "6"]) == 0
    assert capsys.readouterr().out.strip().endswith("report.md")
    results = json.loads((out / "results.json").read_text())
    text = (out / "report.md").read_text()
    assert results["samples"]["all"] == COUNT == results["samples"]["materials"] + results["samples"]["scenes"]
    assert results["main"] == "model, 2 steps, no caption"
    for name, values in results["methods"].items():
        assert f"| {name} | {values['materials'][0]:.3f} |" in text
    assert set(results["alignments"]) == set(WAYS) - {"none"}
    assert results["alignments"]["median"]["all"] == results["methods"][results["main"]]["all"][:5]
    for picture in ("methods.png", "classes.png", "examples.png"):
        assert (out / picture).stat().st_size > 5000 and picture in text

    truth = ShardSet(shards).batch(np.arange(COUNT)).depth.numpy()
    constant = [depth_error(np.full(d.shape, np.median(d[has_depth(d)])), d).abs_rel for d in truth]
    assert results["methods"]["constant depth"]["all"][0] == pytest.approx(np.mean(constant), abs=1e-5)


def test_too_few_samples_are_refused(shards, tiny_model, tmp_path, capsys):
    arguments = ["--data", shards, "--model", tiny_model, "--out", tmp_path / "out", "--count", 99]
    assert main(["evaluate", "held-out", *map(str, arguments)]) == 2
    assert "engine.training.dataset" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_installed_extension_has_no_such_command(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "depthwright.engine.evaluation", None)  # it comes without this package
    with pytest.raises(SystemExit):
        main(["evaluate", "held-out"])
    assert "invalid choice: 'evaluate'" in capsys.readouterr().err


def test_published_numbers_name_their_protocol():
    for table in TABLES:
        assert table.way in WAYS and table.protocol and table.source
    paper = TABLES[0].rows
    assert paper["Modality Forcing 9B"]["nyuv2"] == (2.52, 98.9) and "scannet" not in paper["MoGe-2"]
    # 57.3 % lower than JointDiT on average: the paper's own sum
    means = [np.mean([v[0] for v in paper[name].values()]) for name in ("Modality Forcing 9B", "JointDiT")]
    assert 1 - means[0] / means[1] == pytest.approx(0.573, abs=0.005)
