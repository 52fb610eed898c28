"""Benchmarks: which pixels count, and a whole run on files in a benchmark's own format."""

from __future__ import annotations

import json

import numpy as np
import pytest
from depthwright.engine.__main__ import main
from depthwright.engine.contract.errors import InputError
from depthwright.engine.evaluation.benchmarks import BENCHMARKS
from depthwright.engine.training.readers import Rgbd
from PIL import Image


def rows_and_columns(counted):
    rows, columns = np.nonzero(counted.any(axis=1))[0], np.nonzero(counted.any(axis=0))[0]
    assert counted[np.ix_(rows, columns)].all()  # a rectangle
    return rows[0], rows[-1], columns[0], columns[-1]


def test_nyu_counts_eigens_crop():
    counted = BENCHMARKS["nyuv2"].counted(np.full((480, 640), 3.0, np.float32))
    assert rows_and_columns(counted) == (45, 470, 41, 600)
    with pytest.raises(InputError, match="640 x 480"):
        BENCHMARKS["nyuv2"].counted(np.ones((240, 320), np.float32))


def test_kitti_is_cut_to_its_benchmarks_size_and_counts_either_crop():
    depth = np.full((375, 1242), 20.0, np.float32)
    sample = Rgbd(np.zeros((375, 1242, 3), np.uint8), depth)
    sample.image[23, 13] = 255  # where the cut begins: 375 - 352, (1242 - 1216) / 2
    for name, rows in (("kitti", (143, 348)), ("kitti-eigen", (117, 320))):
        shown = BENCHMARKS[name].shown(sample)
        assert shown.depth.shape == (352, 1216) and shown.image[0, 0, 0] == 255
        assert rows_and_columns(BENCHMARKS[name].counted(shown.depth)) == (*rows, 43, 1171)
    with pytest.raises(InputError, match="600 x 300"):
        BENCHMARKS["kitti"].shown(Rgbd(np.zeros((300, 600, 3), np.uint8), depth[:300, :600]))


def test_ranges_and_unknown_pixels():
    depth = np.array([[0.5, 0.6, 350.0, 351.0, np.nan, np.inf]], np.float32)
    assert BENCHMARKS["diode"].counted(depth).tolist() == [[False, True, True, False, False, False]]
    assert BENCHMARKS["eth3d"].counted(depth).tolist() == [[True, True, True, True, False, False]]
    assert not BENCHMARKS["scannet"].counted(depth)[0, 2:].any()


@pytest.fixture
def diode(tmp_path):
    """Two pictures in DIODE's own files."""
    rng = np.random.default_rng(0)
    scan = tmp_path / "diode/val/indoors/scene_00019/scan_00183"
    scan.mkdir(parents=True)
    for number in range(2):
        name = f"00019_00183_indoors_{number:03}_000"
        Image.fromarray(rng.integers(0, 256, (48, 64, 3), np.uint8)).save(scan / f"{name}.png")
        np.save(scan / f"{name}_depth.npy", np.linspace(1, 5, 48 * 64, dtype=np.float32).reshape(48, 64, 1))
        np.save(scan / f"{name}_depth_mask.npy", np.ones((48, 64), np.float32) * (number == 0))
    return tmp_path / "diode"


def test_a_benchmark_from_files_to_report(diode, entry, tmp_path, capsys):
    out = tmp_path / "report"
    arguments = ["--name", "diode", "--root", diode, "--folder", entry.folder, "--out", out, "--longer-side", 32]
    assert main(["evaluate", "benchmark", *map(str, arguments), "--ensemble", "2", "--steps", "1"]) == 0
    results, text = json.loads((out / "results.json").read_text()), (out / "report.md").read_text()
    assert results["samples"] == 1 and len(results["skipped"]) == 1  # of the second, the mask trusts nothing
    assert set(results["means"]) == {"robust-affine", "affine", "median"}
    assert results["means"]["robust-affine"][0] <= results["means"]["median"][0] + 1e-9  # it has the least AbsRel
    depth = np.linspace(1, 5, 48 * 64)
    constant = results["without a model"]["constant depth"]
    assert constant["median"][0] == pytest.approx((np.abs(np.median(depth) - depth) / depth).mean(), rel=1e-4)
    assert constant["robust-affine"][0] <= constant["median"][0]
    assert "Modality Forcing 9B | 3.35 | 97.7" in text and "MERGE-B | 32.50 | 74.9" in text
    assert f"**this model** | {100 * results['means']['affine'][0]:.2f} |" in text
    assert "ROE" in text and "least squares" in text
    for picture in ("published-0.png", "published-1.png", "examples.png"):
        assert (out / picture).stat().st_size > 1000 and picture in text


def test_mistakes_are_told(diode, tmp_path, capsys):
    def status(*arguments):
        base = ("--root", diode, "--out", tmp_path / "out")
        return main(["evaluate", "benchmark", *map(str, (*base, *arguments))])

    assert status("--name", "sintel") == 2 and "nyuv2" in capsys.readouterr().err
    assert status("--name", "diode", "--align", "shift") == 2 and "robust-affine" in capsys.readouterr().err
    assert status("--name", "diode", "--model", "procedural") == 2
    assert status("--name", "kitti") == 2 and "docs/datasets.md" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
