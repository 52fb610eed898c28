"""Edge mask and back-projection against the reference's golden vectors; tears on shapes of known depth."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
from depthwright.engine.geometry import edges
from depthwright.engine.geometry.camera import Intrinsics
from safetensors.numpy import load_file

GOLDEN_DIR = Path(os.environ.get("DEPTHWRIGHT_GOLDEN", Path(__file__).parents[2] / "golden"))


@pytest.fixture(scope="module")
def golden():
    path = GOLDEN_DIR / "pointcloud.safetensors"
    if not path.exists():
        pytest.skip("no pointcloud vectors in the golden folder")
    return load_file(path)


@pytest.mark.parametrize("name", ["depth", "depth_finite"])
@pytest.mark.parametrize(("relative", "window_px"), [(0.04, 3), (0.04, 5), (0.01, 3)])
def test_edge_mask_is_the_references(golden, name, relative, window_px):
    mask = edges.edge_mask(golden[f"in.{name}"], relative, window_px)
    assert np.array_equal(mask, golden[f"edge_mask.{name}.rtol{relative:g}.k{window_px}"])


@pytest.mark.parametrize("fov_deg", [65, 40])
@pytest.mark.parametrize("relative", [0.04, 0.0])
def test_back_projection_is_the_references(golden, fov_deg, relative):
    depth = golden["in.depth"]
    height, width = depth.shape
    keep = np.isfinite(depth) & (depth > 0)
    if relative > 0:
        keep &= ~edges.edge_mask(depth, relative)
    points = Intrinsics.from_fov(width, height, math.radians(fov_deg)).unproject(depth)[keep]
    expected = golden[f"cloud.fov{fov_deg}.rtol{relative:g}.sor0.points_uncentred"] * np.float32([1, -1, -1])
    np.testing.assert_allclose(points, expected, rtol=1e-5, atol=1e-7)


def test_a_floor_to_the_horizon_is_not_torn_but_a_box_on_it_is():
    rows = np.arange(1, 65)[:, None] * np.ones((1, 64))
    disparity = rows / 100.0  # horizon just above row 0; the first steps are jumps of 100 %, 50 %, 33 % ...
    assert not edges.torn_steps(disparity, 0.1, axis=0).any()
    disparity[20:40, 20:40] = 0.6
    down, across = edges.torn_steps(disparity, 0.1, axis=0), edges.torn_steps(disparity, 0.1, axis=1)
    assert down[19, 20:40].all()  # the box's top edge before the floor far behind
    assert across[20:40, 19].all() and across[20:40, 39].all()
    assert not down[:, :18].any() and not across[:, :18].any()
