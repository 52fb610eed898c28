"""The neural backend on a tiny untrained checkpoint: sizes, modes, tiling, previews; and the resizing it rests on."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from depthwright.engine import catalog
from depthwright.engine.backends.frame import Frame
from depthwright.engine.backends.modality_forcing import (
    MATERIAL_FARTHEST,
    ModalityForcingBackend,
    finished_depth,
    given_depth,
    plan_frame,
)
from depthwright.engine.contract.errors import Cancelled, ModelError
from depthwright.engine.contract.request import Request
from depthwright.engine.contract.settled import OWN_SIZE
from depthwright.engine.model.bundle import WEIGHTS_FILE, SmallModel
from depthwright.engine.model.depth_codec import DepthCodec
from depthwright.engine.model.resample import enlarge, resize
from depthwright.engine.training.sizes import PRESETS, vocabulary

RNG = np.random.default_rng(0)


def ignore(*_):
    pass


def joint(**changes):
    fields = {"model": "builtin", "prompt": "red brick wall", "width_px": 32, "height_px": 32, "steps": 3}
    return catalog.resolve(Request(**(fields | changes)))


@pytest.mark.parametrize("size", [(16, 16), (64, 64), (100, 40), (33, 75)])
@pytest.mark.parametrize("target", ["material", "scene"])
def test_joint_results_have_the_requested_size(backend, entry, size, target):
    output = backend.run(entry, joint(width_px=size[0], height_px=size[1], target=target), {}, ignore)
    assert output.image.shape == (size[1], size[0], 3) and output.image.dtype == np.uint8
    assert output.depth.shape == (size[1], size[0]) and output.depth.dtype == np.float32
    assert (output.depth > 0).all()
    assert target == "scene" or np.isfinite(output.depth).all()


def test_a_seed_gives_the_same_result_and_another_another(backend, entry):
    first, again, other = (backend.run(entry, joint(seed=seed), {}, ignore) for seed in (1, 1, 2))
    assert np.array_equal(first.image, again.image) and np.array_equal(first.depth, again.depth)
    assert not np.array_equal(first.image, other.image)


def test_i2d_and_d2i_answer_at_the_size_of_their_input_and_leave_it_alone(backend, entry):
    image = RNG.integers(0, 255, (30, 50, 3), np.uint8)
    size = {"width_px": 50, "height_px": 30, "target": "scene"}
    output = backend.run(entry, joint(mode="i2d", **size), {"image": image}, ignore)
    assert np.array_equal(output.image, image) and output.depth.shape == (30, 50)

    depth = np.where(RNG.random((30, 50)) < 0.2, np.inf, 2.0).astype(np.float32)
    output = backend.run(entry, joint(mode="d2i", **size), {"depth": depth}, ignore)
    assert np.array_equal(output.depth, depth) and output.image.shape == (30, 50, 3)


@pytest.mark.parametrize("target", ["material", "scene"])
@pytest.mark.parametrize("mode", ["joint", "i2d", "d2i"])
def test_more_detail_is_sampled_where_it_is_asked_for(backend, entry, target, mode):
    arrays = {
        "joint": {},
        "i2d": {"image": RNG.integers(0, 255, (50, 70, 3), np.uint8)},
        "d2i": {"depth": 1 + RNG.random((50, 70), np.float32)},
    }[mode]
    request = joint(
        mode=mode, target=target, width_px=70, height_px=50, detail_px=48, tile=None if mode == "joint" else False
    )
    output = backend.run(entry, request, arrays, ignore)
    assert output.image.shape == (50, 70, 3) and output.depth.shape == (50, 70)
    assert np.isfinite(output.depth).all() and not output.notes[0].count("own size")
    plain = backend.run(entry, replace(request, detail_px=OWN_SIZE), arrays, ignore)
    made, before = (o.depth if mode == "i2d" else o.image for o in (output, plain))
    assert not np.array_equal(made, before)


def test_detail_beyond_the_result_or_within_the_models_own_size_changes_nothing(backend, entry):
    plain = backend.run(entry, joint(target="scene"), {}, ignore)
    small = backend.run(entry, joint(target="scene", detail_px=16), {}, ignore)
    assert np.array_equal(plain.image, small.image)
    full, more = (backend.run(entry, joint(target="scene", detail_px=px), {}, ignore) for px in (32, 4096))
    assert np.array_equal(full.image, more.image) and not full.notes


def test_known_pixels_are_held_in_detail_too(backend, entry):
    image = RNG.integers(0, 255, (48, 48, 3), np.uint8)
    mask = (np.arange(48) < 20)[None].repeat(48, 0)
    request = joint(target="scene", width_px=48, height_px=48, detail_px=48)
    output = backend.run(entry, request, {"known_image": image, "mask": mask}, ignore)
    assert np.array_equal(output.image[mask], image[mask])


def test_detail_can_be_cancelled_between_windows_and_has_small_previews(backend, entry):
    calls = []

    def report(stage, step, of, preview):
        calls.append((stage, step, preview))
        if [c[:2] for c in calls].count(("sampling details", 1)) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        backend.run(entry, joint(width_px=200, height_px=100, detail_px=130, steps=50), {}, report)
    assert calls[-1][1] == 1

    seen = []
    request = joint(target="scene", width_px=1200, height_px=20, detail_px=100, steps=4)
    backend.run(entry, request, {}, lambda *args: seen.append(args))
    assert {stage for stage, *_ in seen} >= {"sampling the whole", "sampling details"}
    previews = [preview for *_, preview in seen if preview is not None]
    assert previews and max(max(preview.shape) for preview in previews) <= 512


def test_words_it_was_not_trained_on_and_enlarging_are_said(backend, entry):
    output = backend.run(entry, joint(prompt="red flurble wall", width_px=200, height_px=200), {}, ignore)
    assert output.unknown_words == ("flurble",)
    assert any("enlarged" in note for note in output.notes)


def test_progress_names_stages_and_carries_previews(entry):
    seen = []
    ModalityForcingBackend().run(entry, joint(steps=8), {}, lambda *args: seen.append(args))
    assert next(stage for stage, *_ in seen) == "loading the model"
    sampling = [(step, of) for stage, step, of, _ in seen if stage == "sampling"]
    assert sampling == [(i, 8) for i in range(9)]
    previews = [preview for *_, preview in seen if preview is not None]
    assert previews and previews[0].dtype == np.uint8 and previews[0].shape[2] == 3


def test_cancelled_between_steps(backend, entry):
    steps = []

    def report(stage, step, of, preview):
        steps.append(step)
        if stage == "sampling" and step == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        backend.run(entry, joint(steps=50), {}, report)
    assert len(steps) < 6


def test_a_missing_checkpoint_is_an_error_with_a_remedy(tmp_path, entry):
    with pytest.raises(ModelError, match="missing"):
        ModalityForcingBackend().run(replace(entry, folder=str(tmp_path)), joint(), {}, ignore)


def test_a_truncated_checkpoint_is_an_error_with_a_remedy(tmp_path, entry):
    SmallModel(PRESETS["tiny"], vocabulary()).save(tmp_path)
    (tmp_path / WEIGHTS_FILE).write_bytes((tmp_path / WEIGHTS_FILE).read_bytes()[:-1000])
    with pytest.raises(ModelError, match="damaged"):
        ModalityForcingBackend().run(replace(entry, folder=str(tmp_path)), joint(), {}, ignore)


@pytest.mark.parametrize(("width", "height"), [(64, 64), (160, 90), (90, 160), (1024, 256), (17, 4096)])
def test_frames_hold_the_requested_proportions_and_the_models_area(width, height):
    frame = plan_frame(width, height, 64, 8)
    rows, columns = frame.crop_px
    assert rows <= frame.grid[0] * 8 and columns <= frame.grid[1] * 8
    assert abs(rows - columns * height / width) <= 1 + 0.5 * height / width
    assert frame.grid[0] * frame.grid[1] * 64 < 64 * 64 * 2.2 or min(frame.grid) == 1


def test_enlarging_a_tile_does_not_know_where_its_border_is():
    tile = torch.rand(1, 2, 8, 12)
    for wrap, exact in ((True, True), (False, False)):
        shifted_first = enlarge(tile.roll((1, 5), (2, 3)), (32, 48), wrap=wrap)
        shifted_after = enlarge(tile, (32, 48), wrap=wrap).roll((4, 20), (2, 3))
        assert torch.allclose(shifted_first, shifted_after, atol=1e-4) is exact


def test_resizing_keeps_the_mean_and_a_constant():
    pixels = torch.rand(1, 3, 40, 24)
    assert resize(pixels, (20, 12)).mean() == pytest.approx(pixels.mean().item(), abs=1e-4)
    constant = torch.full((1, 1, 7, 9), 0.3)
    for size in ((7, 9), (30, 4), (3, 50)):
        assert torch.allclose(resize(constant, size), torch.tensor(0.3), atol=1e-5)


def test_an_enlarged_relief_has_no_facets_and_no_holes():
    """A wave eight times enlarged bends everywhere, not at every eighth pixel alone; and a material has no sky."""
    x = torch.arange(16.0) / 16
    depth = 1 + 0.3 * torch.sin(2 * torch.pi * x)[None, None].repeat(1, 16, 1)
    depth[0, 4:6, 4:6] = torch.inf  # a model's slip: a surface seen from the front has no sky
    relief, view = (
        catalog.resolve(Request(prompt="waves", target=target, width_px=128, height_px=128))
        for target in ("material", "scene")
    )
    found = finished_depth(depth, relief, Frame((2, 2), (16, 16)), 25.0)
    assert np.isfinite(found).all() and found.max() <= MATERIAL_FARTHEST
    bent = np.abs(np.diff(found[96], n=2))
    assert np.median(bent) > 0.3 * bent.max()
    seen = finished_depth(depth, view, Frame((2, 2), (16, 16)), 25.0)
    assert np.isinf(seen).any() and seen[np.isfinite(seen)].min() >= 0.7 - 1e-5


@pytest.mark.slow
def test_a_tile_is_cut_where_it_changes_least_unless_its_pixels_have_places(entry):
    request = joint(width_px=16, height_px=16, seed=5)
    as_sampled, as_cut = (ModalityForcingBackend(calmly).run(entry, request, {}, ignore) for calmly in (False, True))
    assert not np.array_equal(as_cut.image, as_sampled.image)
    assert np.array_equal(np.sort(as_cut.depth, axis=None), np.sort(as_sampled.depth, axis=None))

    known = {"known_image": as_sampled.image, "mask": np.arange(16)[:, None].repeat(16, 1) < 4}
    held = ModalityForcingBackend().run(entry, request, known, ignore)
    assert np.array_equal(held.image[:4], as_sampled.image[:4])


def before_sky(side: int) -> np.ndarray:
    """A sphere, 4 to 5 away, before an empty sky."""
    y, x = (np.mgrid[0:side, 0:side] + 0.5) / side - 0.5
    hit = x**2 + y**2 < 0.3**2
    depth = 5.0 - np.sqrt(np.maximum(0.3**2 - x**2 - y**2, 0.0)) / 0.3
    return np.where(hit, depth, np.inf).astype(np.float32)


@pytest.mark.parametrize("side", [400, 512, 300])
def test_a_given_depth_is_enlarged_without_ghosts_and_keeps_its_unit(side):
    given, codec = before_sky(side), DepthCodec(patch_size=16)
    depth, unit = given_depth(given, plan_frame(side, side, 512, 16), 16, codec)
    finite = depth[torch.isfinite(depth)]
    assert given.min() - 1e-4 <= finite.min() and finite.max() <= given[np.isfinite(given)].max() + 1e-4
    shared = torch.isfinite(depth).double().mean().item()
    assert shared == pytest.approx(np.isfinite(given).mean(), rel=0.02)
    mean = given[np.isfinite(given)].mean()
    assert (codec.unit(depth).item() if unit is None else unit) == pytest.approx(mean, rel=0.005)


def test_a_given_depth_is_shrunk_as_the_mean_disparity_of_each_area():
    given = np.where(np.arange(64) % 2, 2.0, np.inf).astype(np.float32) * np.ones((64, 1), np.float32)
    depth, unit = given_depth(given, Frame((2, 2), (32, 32)), 16, DepthCodec(patch_size=16))
    assert unit is None
    torch.testing.assert_close(depth, torch.full((1, 32, 32), 4.0))


def test_weights_that_are_no_numbers_are_called_damaged(entry, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(entry.checkpoint_dir, tmp_path / "model")
    file = folder / WEIGHTS_FILE
    tensors = load_file(file)
    name = next(name for name in tensors if name.startswith("dit.") and tensors[name].ndim == 2)
    tensors[name].fill_(float("nan"))
    save_file(tensors, file)
    with pytest.raises(ModelError, match="weights are damaged"):
        ModalityForcingBackend().run(replace(entry, folder=str(folder)), joint(), {}, ignore)


def test_a_prompt_that_is_cut_is_said_to_be(backend, entry):
    words = " ".join(["red brick wall"] * 40)
    notes = backend.run(entry, joint(prompt=words), {}, ignore).notes
    assert any("The prompt has" in note and "the first" in note for note in notes)
