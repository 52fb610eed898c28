"""What is measured of finished pictures: sharpness, common edges, and the judge's answers."""

from __future__ import annotations

import numpy as np
import pytest
from depthwright.engine.evaluation.blind_sheet import scored, sheets, shuffled
from depthwright.engine.evaluation.detail import edge_agreement, gradient_energy


def checks(square: int, shift: int = 0) -> np.ndarray:
    y, x = np.indices((64, 64)) + shift
    return ((y // square + x // square) % 2).astype(float)


def picture(values: np.ndarray) -> np.ndarray:
    return np.repeat((values * 255).astype(np.uint8)[..., None], 3, axis=2)


def test_a_blurred_picture_has_less_energy():
    sharp = checks(8)
    soft = (sharp + np.roll(sharp, 1, 1) + np.roll(sharp, 1, 0) + np.roll(sharp, (1, 1), (0, 1))) / 4
    assert gradient_energy(picture(soft)) < 0.6 * gradient_energy(picture(sharp))
    assert gradient_energy(np.zeros((8, 8, 3), np.uint8)) == 0


def test_common_edges_agree_and_others_do_not():
    image = picture(checks(16))
    assert edge_agreement(image, 1 + checks(16)) == pytest.approx(1.0)
    assert edge_agreement(image, 1 + checks(16, shift=1)) > 0.85  # within two pixels, but at the border
    assert edge_agreement(image, 1 + checks(16, shift=8)) < 0.5
    assert edge_agreement(image, np.ones((64, 64))) == 0


def test_the_sky_has_an_edge():
    image = picture(np.repeat((np.arange(64) < 30)[:, None], 64, axis=1).astype(float))
    depth = np.full((64, 64), 5.0)
    depth[:30] = np.inf
    assert edge_agreement(image, depth) == pytest.approx(1.0)


def test_a_judges_answers_are_counted_at_the_places_that_were_shown():
    prompts = [{"prompt": str(n), "candidates": ["other", str(n)] if n % 2 else None} for n in range(30)]
    order = shuffled(30)
    assert sorted(order) == list(range(30)) and list(order) != list(range(30))
    answers = {str(place): [f"name {which}", 1] for place, which in enumerate(order, 1)}
    right, asked, names = scored(prompts, order, answers)
    assert (right, asked) == (15, 15) and f"1\tname {order[0]}\t{order[0]}" in names
    right, asked, _ = scored(prompts, order, {})
    assert (right, asked) == (0, 15)
    pages = sheets([(picture(checks(8)), picture(checks(4)))] * 30, order)
    assert len(pages) == 2 and pages[0].size == (4 * 520, 5 * 274)
