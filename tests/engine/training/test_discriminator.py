"""What an upsampler is trained against, and what it is shown: soft pictures, as the model makes them."""

from __future__ import annotations

import numpy as np
import torch
from depthwright.engine.training.discriminator import Discriminator
from depthwright.engine.training.softness import blur, softened


def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    """Noise, and the same without its detail: (4, 4, 32, 32) each."""
    torch.manual_seed(0)
    true = torch.randn(4, 4, 32, 32)
    return true, blur(true, 2.0)


def test_it_learns_to_tell_true_pictures_from_smooth_ones():
    true, smooth = pictures()
    judge = Discriminator(4, (8, 8))
    optimizer = torch.optim.Adam(judge.parameters(), lr=5e-3)
    begun = judge.loss(true, smooth, smooth).item()
    for _ in range(60):
        optimizer.zero_grad()
        loss = judge.loss(true, smooth, smooth)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.5 * begun
    judge.eval()  # in training, every call changes the norms a little
    honest, same = judge.verdict(true, true, smooth)
    caught, apart = judge.verdict(true, smooth, smooth)
    assert honest < caught and same == 0 < apart


def test_its_loss_teaches_nothing_to_what_it_judges():
    true, smooth = pictures()
    made = smooth.clone().requires_grad_()
    judge = Discriminator(4, (8, 8))
    judge.loss(true, made, smooth).backward()
    assert made.grad is None
    sum(judge.verdict(true, made, smooth)).backward()
    assert made.grad.abs().max() > 0


def test_a_blur_keeps_the_mean_and_loses_the_detail():
    flat, (true, smooth) = torch.full((1, 4, 16, 16), 0.3), pictures()
    torch.testing.assert_close(blur(flat, 1.0), flat)
    assert smooth.std() < 0.3 * true.std() and torch.equal(blur(true, 0.0), true)


def test_softened_pictures_are_each_their_own_and_near_the_truth():
    soft = softened(torch.zeros(6, 4, 20, 20), 8, np.random.default_rng(0))
    assert soft.shape == (6, 4, 20, 20) and 0 < soft.abs().max() < 0.3
    assert len({float(one.std()) for one in soft}) > 3
