"""Where a tile is cut: turned, never changed."""

from __future__ import annotations

import pytest
import torch
from depthwright.engine.backends.cut import calm_cut, calmest_line
from depthwright.engine.evaluation.tile_seams import seam_ratio


def bricks(turn: tuple[int, int] = (0, 0)) -> tuple[torch.Tensor, torch.Tensor]:
    """A tile with one row and one column of mortar, two pixels wide, the same in picture and depth."""
    mortar = torch.zeros(16, 24)
    mortar[5:7] = mortar[:, 9:11] = 1.0
    mortar = (mortar + 0.01 * torch.rand(16, 24, generator=torch.Generator().manual_seed(0))).roll(turn, (0, 1))
    return mortar.expand(1, 3, -1, -1).clone(), 1 + mortar[None] / 10


@pytest.mark.parametrize("wrap", [(True, True), (True, False), (False, True)])
def test_the_tile_is_turned_as_one_and_only_around_the_axes_that_tile(wrap):
    image, depth = bricks()
    cut_image, cut_depth = calm_cut(image, depth, wrap)
    turns = [
        (down, across)
        for down in range(16)
        for across in range(24)
        if torch.equal(image.roll((down, across), (2, 3)), cut_image)
    ]
    assert len(turns) == 1 and torch.equal(depth.roll(turns[0], (1, 2)), cut_depth)
    assert all(turn == 0 for turn, wraps in zip(turns[0], wrap, strict=True) if not wraps)


def test_a_line_of_mortar_on_the_border_comes_inside():
    image, depth = bricks((-5, -9))  # the border runs along both lines, where the step is
    before = [seam_ratio(depth[0].numpy(), axis) for axis in (0, 1)]
    image, depth = calm_cut(image, depth, (True, True))
    after = [seam_ratio(depth[0].numpy(), axis) for axis in (0, 1)]
    assert min(before) > 3 and max(after) < 0.2


def test_both_parts_have_a_say():
    flat, step = torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)
    step[..., 4:] = 1.0
    assert calmest_line((flat, step), -1) not in (0, 4)
    assert calmest_line((step.roll(2, -1), step), -1) not in (0, 4, 2, 6)
    assert calmest_line((flat, flat), -2) == 0
