"""Known pixels through the neural backend, on a tiny untrained checkpoint; and on their way to what is sampled."""

import numpy as np
import pytest
import torch
from depthwright.engine import catalog
from depthwright.engine.backends.frame import plan_frame
from depthwright.engine.backends.known import Known, _to_frame
from depthwright.engine.contract.request import Request

RNG = np.random.default_rng(0)
NATIVE, LARGE = 16, 100  # pixels; the tiny model's own size, and one that is enlarged


def ignore(*_):
    pass


def wish(side, **changes):
    fields = {"model": "builtin", "prompt": "red brick wall", "width_px": side, "height_px": side, "steps": 3}
    return catalog.resolve(Request(**(fields | changes)))


def picture(side):
    return RNG.integers(0, 256, (side, side, 3), np.uint8)


def depth_in_metres(side):
    return (40.0 + 30.0 * RNG.random((side, side))).astype(np.float32)


def some(side, share):
    mask = np.where(RNG.random((side, side)) < share, 255, 0).astype(np.uint8)
    mask[side // 2, side // 2] = 255
    return mask


@pytest.mark.parametrize("side", [NATIVE, LARGE])
@pytest.mark.parametrize("target", ["material", "scene"])
@pytest.mark.parametrize("changes", [{}, {"resample": 2}, {"refine_depth": True}])
def test_known_pixels_come_back_exactly(backend, entry, side, target, changes):
    arrays = {"known_image": picture(side), "known_depth": depth_in_metres(side), "mask": some(side, 0.3)}
    output = backend.run(entry, wish(side, target=target, **changes), arrays, ignore)
    known = arrays["mask"] > 127
    assert np.array_equal(output.image[known], arrays["known_image"][known])
    assert np.array_equal(output.depth[known], arrays["known_depth"][known])
    assert not np.array_equal(output.image[~known], arrays["known_image"][~known])


def test_what_is_sampled_holds_them_too_not_only_what_is_put_back(backend, entry, monkeypatch):
    monkeypatch.setattr(Known, "in_image", lambda self, image: image)
    monkeypatch.setattr(Known, "in_depth", lambda self, depth: depth)
    arrays = {"known_image": picture(NATIVE), "known_depth": depth_in_metres(NATIVE), "mask": some(NATIVE, 0.3)}
    output = backend.run(entry, wish(NATIVE), arrays, ignore)
    known = arrays["mask"] > 127
    assert np.abs(output.image[known].astype(int) - arrays["known_image"][known]).max() <= 2
    np.testing.assert_allclose(output.depth[known], arrays["known_depth"][known], rtol=0.005)


def test_depth_is_in_the_unit_of_the_known_one(backend, entry):
    arrays = {"known_depth": np.where(some(NATIVE, 0.2) > 0, depth_in_metres(NATIVE), np.nan).astype(np.float32)}
    near = backend.run(entry, wish(NATIVE), arrays, ignore)
    arrays["known_depth"] *= 1000
    far = backend.run(entry, wish(NATIVE), arrays, ignore)
    np.testing.assert_allclose(far.depth, near.depth * 1000, rtol=1e-3)


def test_a_picture_with_a_few_known_depths(backend, entry):
    image, depth = picture(LARGE), depth_in_metres(LARGE)
    sparse = np.where(some(LARGE, 0.01) > 0, depth, np.nan).astype(np.float32)
    request = wish(LARGE, mode="i2d", target="scene")
    output = backend.run(entry, request, {"image": image, "known_depth": sparse}, ignore)
    known = ~np.isnan(sparse)
    assert np.array_equal(output.image, image)
    assert np.array_equal(output.depth[known], sparse[known]) and not np.isnan(output.depth).any()


def test_below_full_strictness_the_end_is_the_models(backend, entry):
    arrays = {"known_image": picture(NATIVE)}
    free, loose, strict = (
        backend.run(entry, wish(NATIVE, strictness=strictness), arrays, ignore).image for strictness in (0.0, 0.8, 1.0)
    )
    assert np.array_equal(strict, arrays["known_image"])
    assert not np.array_equal(loose, free) and not np.array_equal(loose, strict)


@pytest.mark.parametrize(("width", "height"), [(100, 100), (16, 16), (17, 40), (9, 300), (12, 10)])
def test_no_known_pixel_is_lost_or_invented_on_the_way_to_the_frame(width, height):
    frame = plan_frame(width, height, NATIVE, 4)
    for _ in range(20):
        known = np.zeros((height, width), bool)
        known[RNG.integers(height), RNG.integers(width)] = True
        values = torch.from_numpy(np.where(known, 7.0, 1e6).astype(np.float32))[None, None]
        mean, covered = _to_frame(values, known, frame, 4)
        assert covered.any() and covered.sum() < covered.numel()
        assert (mean[:, 0][covered] - 7.0).abs().max() < 1e-3
    assert _to_frame(values, np.ones_like(known), frame, 4)[1].all()
