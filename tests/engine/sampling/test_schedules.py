"""Noise levels: what holds for every schedule. The numbers themselves are in the golden vectors (test_parity)."""

from __future__ import annotations

import pytest
import torch
from depthwright.engine.model.denoiser import Schedule
from depthwright.engine.sampling.schedules import MODES, shifted, timesteps, warped

LEVELS = torch.linspace(1.0, 0.0, 101)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("num_steps", [1, 2, 7, 50])
def test_levels_fall_from_noise_to_clean(mode, num_steps):
    image, depth = timesteps(mode, num_steps, Schedule())
    for levels, known in ((image, mode == "i2d"), (depth, mode == "d2i")):
        assert levels.shape == (num_steps + 1,)
        assert levels.dtype == torch.float32
        if known:
            assert not levels.any()
        else:
            assert levels[0] == 1.0
            assert levels[-1] == 0.0
            assert (levels.diff() < 0).all()


def test_trajectory_decides_which_modality_resolves_first():
    image, late_depth = timesteps("joint", 20, Schedule(), log2_alpha=5.0)
    _, early_depth = timesteps("joint", 20, Schedule(), log2_alpha=-5.0)
    assert (late_depth[1:-1] > image[1:-1]).all()
    assert (early_depth[1:-1] < image[1:-1]).all()


def test_trajectory_replaces_the_depths_own_shift():
    one = timesteps("joint", 10, Schedule(depth_shift_mu=0.0), log2_alpha=2.0)[1]
    other = timesteps("joint", 10, Schedule(depth_shift_mu=3.0), log2_alpha=2.0)[1]
    assert torch.equal(one, other)


@pytest.mark.parametrize("mode", ["i2d", "d2i"])
def test_trajectory_has_no_meaning_where_one_modality_is_known(mode):
    plain, warped_too = timesteps(mode, 10, Schedule()), timesteps(mode, 10, Schedule(), log2_alpha=5.0)
    assert torch.equal(plain[0], warped_too[0])
    assert torch.equal(plain[1], warped_too[1])


def test_warp_undone_by_the_opposite_warp():
    there_and_back = warped(warped(LEVELS.double(), 3.0), -3.0)
    assert torch.allclose(there_and_back, LEVELS.double(), atol=1e-12)


def test_no_shift_is_the_even_spacing():
    assert torch.allclose(shifted(LEVELS, 0.0, 1.0), LEVELS, atol=1e-7)


def test_unknown_mode_and_no_steps_are_refused():
    with pytest.raises(ValueError, match="sideways"):
        timesteps("sideways", 10, Schedule())
    with pytest.raises(ValueError, match="num_steps"):
        timesteps("joint", 0, Schedule())
