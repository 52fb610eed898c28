"""Seamless on the axes that tile: rolls by pixels, and the measure of a seam."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from depthwright.engine import catalog
from depthwright.engine.backends.frame import plan_frame
from depthwright.engine.contract.errors import InputError
from depthwright.engine.contract.request import Request
from depthwright.engine.evaluation.tile_seams import of_material, seam_ratio
from depthwright.engine.model.denoiser import Parametrisation
from depthwright.engine.model.patches import from_patches, to_patches
from depthwright.engine.model.resample import resize
from depthwright.engine.sampling import sampler
from depthwright.engine.sampling.sampler import initial_noise, sample
from depthwright.engine.sampling.tiling import random_offset, roll, seen_from_both_sides

GRID, PATCH = (3, 4), 8


def test_a_roll_moves_pixels_whatever_patches_they_are_in():
    pixels = torch.randn(2, 24, 32, 3)
    tokens = to_patches(pixels, PATCH)
    for offset in ((0, 0), (8, 16), (5, 31), (0, 3)):
        rolled = roll(tokens, GRID, offset, PATCH)
        assert torch.equal(from_patches(rolled, GRID, PATCH, 3), pixels.roll(offset, (1, 2)))
        assert torch.equal(roll(rolled, GRID, (-offset[0], -offset[1]), PATCH), tokens)


def test_whole_tokens_move_where_they_are_no_pixels():
    tokens = torch.arange(12.0).reshape(1, 12, 1)
    assert roll(tokens, GRID, (0, 1))[0, :4, 0].tolist() == [3, 0, 1, 2]


def test_offsets_reach_every_pixel_of_a_ring_and_leave_the_other_axis():
    def drawn(rings):
        generator = torch.Generator().manual_seed(0)
        return np.array([random_offset(GRID, rings, generator, PATCH) for _ in range(600)])

    both, columns = drawn((True, True)), drawn((False, True))
    assert set(both[:, 0]) == set(range(24)) and set(both[:, 1]) == set(range(32))
    assert not columns[:, 0].any() and np.array_equal(columns[:, 1], both[:, 1])
    assert not drawn((False, False)).any()


class Bordered:
    """Predicts 1 on the outermost pixels of the grid it is shown, a little of what it sees elsewhere."""

    def __init__(self):
        self.looks = 0

    def __call__(self, img, depth, **_):
        self.looks += 1
        frame = torch.ones(1, *(side * PATCH for side in GRID), 1)
        frame[:, 1:-1, 1:-1] = 0
        frame = to_patches(frame, PATCH)
        return frame.repeat_interleave(3, dim=-1) + 0.1 * img, frame + 0.1 * depth


def tile_of(model, rings, noise=None, steps=3):
    shapes = [(1, 12, values * PATCH**2) for values in (3, 1)]
    image, _ = sample(
        model,
        torch.zeros(1, 2, 4),
        mode="joint",
        grid=GRID,
        num_steps=steps,
        seed=5,
        parametrisation=Parametrisation(image_x_prediction=True),
        image_channels=shapes[0][2],
        depth_channels=shapes[1][2],
        tile=rings,
        patch_px=PATCH,
        noise=noise or initial_noise("joint", *shapes, 5),
    )
    return from_patches(image, GRID, PATCH, 3)


@pytest.mark.parametrize("shift", [(0, 0), (5, 0), (11, 26)])
def test_no_place_of_a_tile_is_like_no_other(shift, monkeypatch):
    """Noise and offsets moved by as much, the tile is the same one, moved: where it is cut is where chance put it.

    As every noise and every offset is as likely as another, so is every place for the cut.
    """
    made = tile_of(Bordered(), (True, True))
    sides = [side * PATCH for side in GRID]

    def moved_offset(*args):
        return tuple((at - by) % side for at, by, side in zip(random_offset(*args), shift, sides, strict=True))

    monkeypatch.setattr(sampler, "random_offset", moved_offset)
    noise = initial_noise("joint", (1, 12, 192), (1, 12, 64), 5)
    moved = tile_of(Bordered(), (True, True), tuple(roll(tokens, GRID, shift, PATCH) for tokens in noise))
    assert torch.allclose(moved, made.roll(shift, (1, 2)), atol=1e-5)


@pytest.mark.parametrize("rings", [(True, True), (True, False), (False, True)])
def test_the_last_step_leaves_no_border_on_a_ring(rings):
    offset = (5 * rings[0], 19 * rings[1])

    def predict(image, depth, *_):
        return Bordered()(image, depth)

    state = torch.zeros(1, 12, 192), torch.zeros(1, 12, 64)
    seen = seen_from_both_sides(predict, state, (torch.tensor(0.1),) * 2, GRID, rings, offset, PATCH)
    for tokens, values in zip(seen, (3, 1), strict=True):
        frame = from_patches(tokens, GRID, PATCH, values)[0, ..., 0].roll(offset, (0, 1))
        middle = frame.shape[0] // 4, frame.shape[1] // 4  # near neither look's border on the other axis
        assert frame[0, middle[1]] < 0.1 if rings[0] else frame[0, middle[1]] == 1.0
        assert frame[middle[0], 0] < 0.1 if rings[1] else frame[middle[0], 0] == 1.0
        assert frame[middle[0], middle[1]] == 0.0


@pytest.mark.parametrize(("rings", "looks"), [((False, False), 3), ((True, False), 4), ((True, True), 4)])
def test_seeing_a_tile_from_both_sides_costs_one_look(rings, looks):
    model = Bordered()
    tile_of(model, rings)
    assert model.looks == looks


@pytest.mark.parametrize(("axes", "wrap"), [("both", (True, True)), ("x", (False, True)), ("y", (True, False))])
def test_the_axes_of_a_request(axes, wrap):
    request = Request(prompt="brick", tile_axes=axes)
    assert catalog.resolve(request).wrap == wrap
    assert catalog.resolve(Request(prompt="brick", tile_axes=axes, tile=False)).wrap == (False, False)
    assert catalog.resolve(Request(prompt="hall", target="scene", tile_axes=axes)).wrap == (False, False)
    assert Request.from_dict(request.to_dict()) == request


def test_there_are_no_other_axes():
    with pytest.raises(InputError, match="both, x, y"):
        catalog.resolve(Request(prompt="brick", tile_axes="z"))


def test_a_request_stored_before_there_were_axes_tiles_on_both():
    stored = Request(prompt="brick", tile=True).to_dict()
    del stored["tile_axes"]
    assert catalog.resolve(Request.from_dict(stored)).wrap == (True, True)


def test_only_the_axis_that_tiles_is_rounded_to_whole_tokens():
    frame = plan_frame(300, 200, 64, 8, (False, True))
    assert frame.grid[1] * 8 == frame.crop_px[1] and frame.grid[0] * 8 > frame.crop_px[0]


@pytest.mark.parametrize("wrap", [(True, True), (False, True), (True, False)])
def test_enlarging_goes_round_where_it_tiles(wrap):
    pixels = torch.rand(1, 3, 16, 24)
    shift = (4 * wrap[0], 6 * wrap[1])
    moved_first = resize(pixels.roll(shift, (2, 3)), (32, 48), wrap=wrap)
    moved_after = resize(pixels, (32, 48), wrap=wrap).roll((2 * shift[0], 2 * shift[1]), (2, 3))
    assert torch.allclose(moved_first, moved_after, atol=1e-5)


def test_the_seam_measure():
    x = np.arange(64) / 64
    wave = np.sin(2 * np.pi * x)[None, :].repeat(8, 0)
    ramp = x[None, :].repeat(8, 0)
    assert seam_ratio(wave, 1) == pytest.approx(
        2 * np.pi / 64 * 64 / 4, rel=0.02
    )  # at its steepest: pi / 2 of the mean
    assert seam_ratio(ramp, 1) == pytest.approx(63.0)
    assert seam_ratio(wave, 0) == 1.0  # nothing changes, and no seam shows
    noise = np.random.default_rng(0).random((256, 256, 3))
    assert [seam_ratio(noise, axis) for axis in (0, 1)] == pytest.approx([1.0, 1.0], abs=0.1)
    assert of_material(noise, 1 + noise[..., 0]).shape == (2, 2)
