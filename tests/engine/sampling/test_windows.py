"""Large grids by overlapping windows, with stand-in denoisers whose answer is known."""

from itertools import pairwise

import pytest
import torch
from depthwright.engine.model.denoiser import Parametrisation, Schedule
from depthwright.engine.sampling.constraints import Constraints
from depthwright.engine.sampling.sampler import sample
from depthwright.engine.sampling.windows import Broad, Plane, Windows, windowed

X_PREDICTION = Parametrisation(Schedule(), image_x_prediction=True, depth_x_prediction=True)
IMAGE_CHANNELS, DEPTH_CHANNELS = 12, 4  # patches of 2 x 2 pixels


def run(model, grid, windows, **changes):
    settings = {
        "mode": "joint",
        "grid": grid,
        "num_steps": 4,
        "seed": 3,
        "parametrisation": X_PREDICTION,
        "image_channels": IMAGE_CHANNELS,
        "depth_channels": DEPTH_CHANNELS,
        "windows": windows,
    }
    return sample(model, torch.zeros(1, 7, 8), **(settings | changes))


@pytest.mark.parametrize("grid", [(8, 8), (9, 8), (13, 21), (40, 8), (3, 30), (16, 16)])
@pytest.mark.parametrize("wrap", [(False, False), (True, True), (False, True)])
@pytest.mark.parametrize("patch_px", [1, 4])
def test_windows_cover_every_pixel_and_overlap_by_half(grid, wrap, patch_px):
    windows = Windows(tuple(min(8, side) for side in grid), wrap, patch_px)
    sides = [side * patch_px for side in grid]
    for shift in ((0, 0), (patch_px - 1, patch_px // 2)):
        places = windows.places(grid, shift)
        seen = torch.zeros(sides)
        for rows, columns in places:
            seen[rows[:, None], columns] += 1
            assert len(set(rows.tolist())) == len(rows) and len(set(columns.tolist())) == len(columns)
        assert seen.min() >= 1
        for axis in (0, 1):
            starts = sorted({int(place[axis][0]) for place in places})
            assert all(after - before <= 4 * patch_px for before, after in pairwise(starts))
            if not wrap[axis]:
                last = max(int(place[axis][-1]) for place in places)
                assert starts[0] == 0 and last == sides[axis] - 1, "none goes over the border"
    assert windows.weights().min() > 0


@pytest.mark.parametrize("patch_px", [1, 2])
@pytest.mark.parametrize("wrap", [(False, False), (True, True)])
def test_what_all_windows_agree_on_is_kept(wrap, patch_px):
    """A model that puts out what it sees: blending must not change it, wherever windows lie."""
    grid, windows = (11, 14), Windows((8, 8), wrap, patch_px)
    predict = windowed(lambda count: lambda image, depth, *levels: (image, depth), grid, windows)
    image, depth = torch.randn(2, 154, 12), torch.randn(2, 154, 4)
    out = predict(image, depth, torch.tensor(1.0), torch.tensor(1.0))
    assert torch.allclose(out[0], image, atol=1e-5) and torch.allclose(out[1], depth, atol=1e-5)


def test_where_windows_differ_one_goes_over_into_the_other():
    """Each window has an opinion of its own: between them the result is a ramp without a step."""
    opinions = iter(torch.tensor([0.0, 1.0]))

    def model(count):
        def predict(image, depth, *levels):
            values = torch.stack([next(opinions) for _ in range(count)])[:, None, None]
            return values.expand_as(image), values.expand_as(depth)

        return predict

    image, _ = windowed(model, (1, 12), Windows((1, 8)))(
        torch.zeros(1, 12, 1), torch.zeros(1, 12, 1), torch.tensor(1.0), torch.tensor(1.0)
    )
    ramp = image[0, :, 0]
    assert ramp[:4].tolist() == [0, 0, 0, 0] and ramp[-4:].tolist() == [1, 1, 1, 1]
    assert (ramp.diff() >= 0).all() and ramp.diff().max() < 0.25


class Counting:
    """Predicts zeros; keeps the shapes it was shown."""

    def __init__(self):
        self.shapes = []

    def __call__(self, img, img_ids, depth, ctx, **rest):
        self.shapes.append((tuple(img.shape), tuple(ctx.shape), int(img_ids[..., 1:3].max())))
        return torch.zeros_like(img), torch.zeros_like(depth)


@pytest.mark.parametrize(("guidance", "at_once"), [(1.0, 16), (3.0, 16), (3.0, 1)])
def test_the_model_only_sees_grids_of_its_own_size_in_bounded_batches(guidance, at_once):
    model, ticks = Counting(), []
    image, depth = run(
        model,
        (20, 30),
        Windows((8, 8), at_once=at_once, on_batch=lambda: ticks.append(1)),
        guidance_scale=guidance,
        null_ctx=torch.zeros(1, 7, 8),
    )
    assert image.shape == (1, 600, IMAGE_CHANNELS) and depth.shape == (1, 600, DEPTH_CHANNELS)
    assert all(shown[1] == 64 and largest == 7 for shown, _, largest in model.shapes)
    assert all(shown[0] == ctx[0] <= 2 * at_once for shown, ctx, _ in model.shapes)
    assert len(ticks) == len(model.shapes)


def test_a_listener_can_stop_between_batches():
    def stop():
        raise KeyboardInterrupt

    model = Counting()
    with pytest.raises(KeyboardInterrupt):
        run(model, (40, 40), Windows((8, 8), on_batch=stop))
    assert len(model.shapes) == 1


def test_four_thousand_pixels_are_sampled_in_small_batches():
    model = Counting()
    windows = Windows((32, 32))
    image, _ = run(model, (512, 512), windows, num_steps=1)  # at 8 pixels a token
    assert image.shape == (1, 512 * 512, IMAGE_CHANNELS) and image.abs().max() < 1e-5
    assert max(shown[0] for shown, *_ in model.shapes) == windows.at_once


def test_broad_shapes_are_kept_and_details_are_the_windows():
    grid, planes = (6, 8), (Plane(2, 3), Plane(2, 1))
    draw = torch.Generator().manual_seed(0)
    wanted = [torch.rand(1, plane.values, 12, 16, generator=draw) for plane in planes]
    broad = Broad.of(grid, *planes, *(plane.fold(pixels) for plane, pixels in zip(planes, wanted, strict=True)), (3, 4))

    class Checkered(Counting):
        """A detail, and a broad shape that is wrong."""

        def __call__(self, img, depth, **rest):
            super().__call__(img, depth=depth, **rest)
            sign = torch.tensor([1.0, -1.0, -1.0, 1.0])
            return 5 + sign.repeat_interleave(3).expand_as(img), 5 + sign.expand_as(depth)

    image, depth = run(Checkered(), grid, Windows((4, 4)), constraints=Constraints(broad=broad))
    for tokens, plane, target in zip((image, depth), planes, wanted, strict=True):
        made = plane.unfold(tokens, grid)
        small = torch.nn.functional.avg_pool2d(made, 4) - torch.nn.functional.avg_pool2d(target, 4)
        assert small.abs().mean() < 0.1, "broad shapes are those asked for"
        detail = made[..., ::2, ::2] - made[..., ::2, 1::2]
        assert (detail - 2).abs().mean() < 0.25, "the checks are still there"


def test_tiles_wrap():
    """A model that draws each window's own middle line: with wrapping, no place is a border."""

    class Centred(Counting):
        def __call__(self, img, depth, **rest):
            super().__call__(img, depth=depth, **rest)
            line = (torch.arange(64) % 8 - 3.5).abs()[None, :, None]
            return line.expand_as(img), line.expand_as(depth)

    flat, _ = run(Centred(), (8, 16), Windows((8, 8), wrap=(True, True)))
    columns = flat[0, :, 0].view(8, 16)[0]
    assert torch.allclose(columns, columns.roll(4), atol=1e-3), "the same for every window, the one over the border too"
    flat, _ = run(Centred(), (8, 16), Windows((8, 8)))
    columns = flat[0, :, 0].view(8, 16)[0]
    assert not torch.allclose(columns, columns.roll(4), atol=1e-3)
