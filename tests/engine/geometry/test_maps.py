"""Maps against what is known exactly: analytic surfaces, and light gathered ray by ray."""

from __future__ import annotations

import numpy as np
import pytest
from depthwright.engine.geometry import maps

BOTH, NONE = (True, True), (False, False)


def analytic(size: int, amplitude: float = 0.06):
    """height (S, S) on a tile of side 1, and its exact slopes down and across; steep: up to 45 degrees and more."""
    y, x = np.mgrid[0:size, 0:size] / size
    a, b = 2 * np.pi * (2 * x + y), 2 * np.pi * (x - 3 * y)
    height = amplitude * (np.sin(a) + 0.6 * np.cos(b))
    across = amplitude * 2 * np.pi * (2 * np.cos(a) - 0.6 * np.sin(b))
    down = amplitude * 2 * np.pi * (np.cos(a) + 3 * 0.6 * np.sin(b))
    return height, down, across


def angle_deg(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip((a * b).sum(-1), -1.0, 1.0)))


@pytest.mark.parametrize("size", [48, 256])
@pytest.mark.parametrize("wrap", [BOTH, NONE, (True, False)])
def test_normals_are_the_analytic_ones_within_a_degree(size, wrap):
    height, down, across = analytic(size)
    exact = np.stack([-across, down, np.ones_like(down)], -1)
    exact /= np.linalg.norm(exact, axis=-1, keepdims=True)
    error = angle_deg(maps.normals(height, 1 / size, wrap), exact)
    # A border that does not wrap is followed by a guess, two pixels deep.
    edges = tuple(slice(None) if wraps else slice(2, -2) for wraps in wrap)
    assert error[edges].max() < 1.0
    assert error.max() < (1.0 if size > 200 else 14.0)


def test_eight_bits_hold_a_normal_within_a_degree():
    height, _, _ = analytic(64)
    exact = maps.normals(height, 1 / 64, BOTH)
    stored = np.rint(maps.normal_colours(exact) * 255) / 255 * 2 - 1
    stored /= np.linalg.norm(stored, axis=-1, keepdims=True)
    assert angle_deg(stored, exact).max() < 1.0


def test_the_conventions():
    bump = np.exp(-((np.mgrid[0:33, 0:33] - 16.0) ** 2).sum(0) / 40)
    for directx in (False, True):
        colours = maps.normal_colours(maps.normals(bump, 1.0, NONE), directx=directx)
        assert colours[16, 22, 0] > 0.5 > colours[16, 10, 0]  # right of the bump it faces right
        above, below = colours[10, 16, 1], colours[22, 16, 1]
        assert (above < 0.5 < below) if directx else (above > 0.5 > below)
        np.testing.assert_allclose(colours[16, 16], [0.5, 0.5, 1.0], atol=1e-6)


def lit_by_rays(relief: np.ndarray, pixel: float, points: np.ndarray, rays: int = 300) -> np.ndarray:
    """Ambient light at pixels (N, 2), by marching cosine-weighted rays through a surface that goes round."""
    height_px, width_px = relief.shape
    rng = np.random.default_rng(1)
    facing = maps.normals(relief, pixel, BOTH).astype(np.float64)
    light = np.empty(len(points))

    def surface(y, x):
        y0, x0 = np.floor(y).astype(int), np.floor(x).astype(int)
        fy, fx = y - y0, x - x0
        at = lambda r, c: relief[r % height_px, c % width_px]  # noqa: E731
        top = at(y0, x0) * (1 - fx) + at(y0, x0 + 1) * fx
        return top * (1 - fy) + (at(y0 + 1, x0) * (1 - fx) + at(y0 + 1, x0 + 1) * fx) * fy

    for index, (row, column) in enumerate(points):
        # Points even over a disc, lifted to the hemisphere, are cosine-weighted directions.
        u, phi = rng.random(rays), 2 * np.pi * rng.random(rays)
        normal = facing[row, column]
        tangent = np.cross(normal, [0.0, 1.0, 0.0])
        tangent /= np.linalg.norm(tangent)
        basis = np.stack([tangent, np.cross(normal, tangent), normal])
        direction = np.stack([np.sqrt(u) * np.cos(phi), np.sqrt(u) * np.sin(phi), np.sqrt(1 - u)], -1) @ basis
        flat = np.hypot(direction[:, 0], direction[:, 1]).clip(1e-9)
        top = relief.max()
        travelled = np.arange(0.5, 3.0 * max(relief.shape), 0.5)[None, :]  # in pixels, over the ground
        across = column + travelled * (direction[:, 0] / flat)[:, None]
        down = row - travelled * (direction[:, 1] / flat)[:, None]
        level = relief[row, column] + travelled * pixel * (direction[:, 2] / flat)[:, None]
        hidden = ((surface(down, across) > level + 1e-4) & (level <= top)).any(1) | (direction[:, 2] <= 0)
        light[index] = 1.0 - hidden.mean()
    return light


def bricks(size: int) -> np.ndarray:
    """Steep-sided blocks with joints between, and a bump on each; tiles."""
    y, x = np.mgrid[0:size, 0:size] / size
    row = np.floor(y * 4)
    u, v = (x * 2 + 0.5 * (row % 2)) % 1, (y * 4) % 1
    edge = np.minimum(np.minimum(u, 1 - u) * 2, np.minimum(v, 1 - v))
    return 0.06 * np.clip(edge / 0.15, 0, 1) + 0.02 * np.sin(np.pi * u) * np.sin(np.pi * v)


@pytest.mark.slow
@pytest.mark.parametrize("relief", [analytic(64)[0], bricks(64), 0.3 * bricks(96)], ids=["waves", "bricks", "shallow"])
def test_ambient_occlusion_is_what_rays_find(relief):
    size = len(relief)
    light = maps.ambient_occlusion(relief, 1 / size, BOTH)
    rng = np.random.default_rng(0)
    points = rng.integers(0, size, (120, 2))
    reference = lit_by_rays(relief, 1 / size, points)
    error = light[points[:, 0], points[:, 1]] - reference
    assert np.abs(error).mean() < 0.05
    assert abs(error.mean()) < 0.03
    assert np.ptp(reference) > 0.1  # there was something to find
    assert np.corrcoef(light[points[:, 0], points[:, 1]], reference)[0, 1] > 0.95


def test_nothing_hides_the_sky_of_a_plain_and_half_is_gone_at_a_cliff():
    assert maps.ambient_occlusion(np.zeros((20, 30)), 0.1, NONE).min() == 1.0
    cliff = np.where(np.arange(200) < 100, 0.0, 1e4)[None, :].repeat(40, 0)
    light = maps.ambient_occlusion(cliff, 1.0, NONE)
    assert light[20, 90] == pytest.approx(0.5, abs=0.05)
    assert light[20, 150] == pytest.approx(1.0, abs=0.01)


def test_curvature_of_a_ball_is_one_over_its_radius():
    y, x = np.mgrid[-20:21, -20:21] * 0.1
    ball = np.sqrt(25.0 - x**2 - y**2)
    curved = maps.curvature(ball, 0.1, NONE)
    np.testing.assert_allclose(curved[4:-4, 4:-4], 1 / 5.0, rtol=1e-3)
    np.testing.assert_allclose(maps.curvature(-ball, 0.1, NONE)[4:-4, 4:-4], -1 / 5.0, rtol=1e-3)


def test_curvature_as_tones():
    tones = maps.curvature_tones(maps.curvature(analytic(64)[0], 1 / 64, BOTH))
    assert tones.min() >= 0.0 and tones.max() <= 1.0 and np.median(tones) == pytest.approx(0.5, abs=0.1)
    assert np.all(maps.curvature_tones(np.zeros((4, 4))) == 0.5)


@pytest.mark.parametrize("shift", [(0, 17), (23, 0), (9, 40)])
def test_all_maps_tile_exactly_when_the_height_does(shift):
    """Cut at another place, the maps are the same: no border shows."""
    relief = bricks(64)
    moved = np.roll(relief, shift, (0, 1))
    for make in (maps.normals, maps.ambient_occlusion, maps.curvature):
        np.testing.assert_allclose(
            np.roll(make(relief, 1 / 64, BOTH), shift, (0, 1)), make(moved, 1 / 64, BOTH), atol=1e-5, rtol=1e-5
        )


def test_a_map_that_tiles_one_way_does_not_look_across_the_other_border():
    relief = np.zeros((32, 32))
    relief[:, :2] = 1.0
    across = maps.ambient_occlusion(relief, 1 / 32, (False, True))[:, -1]
    not_across = maps.ambient_occlusion(relief, 1 / 32, (True, False))[:, -1]
    assert across.max() < 0.75 < not_across.min()


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (2, 300), (3, 1)])
def test_tiny_and_thin_reliefs_have_maps(shape):
    relief = np.random.default_rng(0).random(shape)
    for wrap in (BOTH, NONE):
        for make in (maps.normals, maps.ambient_occlusion, maps.curvature):
            assert np.isfinite(make(relief, 0.1, wrap)).all()
