"""One request through the pipeline: what is filled in, refused, noted and passed on."""

import sys

import numpy as np
import pytest
from depthwright.engine import catalog
from depthwright.engine.builtin import procedural
from depthwright.engine.contract.errors import Cancelled, EnvironmentMissing, InputError
from depthwright.engine.contract.request import Request
from depthwright.engine.worker.pipeline import Pipeline

SMALL = {"width_px": 48, "height_px": 32}


def ignore(*_):
    pass


def run(report=ignore, arrays=None, **fields):
    settled = catalog.resolve(Request(**(SMALL | fields)), arrays)
    return Pipeline().run(catalog.received(settled.to_dict(), arrays or {}), arrays or {}, report)


def test_a_result_carries_the_request_it_can_be_made_again_from():
    first = run(prompt="mossy brick wall", seed=5)
    again = Pipeline().run(first.request, {}, ignore)
    assert first.request.steps is not None and first.request.tile is True
    assert np.array_equal(first.image, again.image) and np.array_equal(first.depth, again.depth)
    assert first.model["id"] == "procedural" and first.versions["depthwright"]


@pytest.mark.slow
def test_a_scene_is_made_for_the_cameras_field_of_view():
    result = run(prompt="two boxes on grass", target="scene", fov_deg=31.0)
    expected = procedural.generate("two boxes on grass", "scene", 0, 48, 32, fov_deg=31.0)
    assert expected.fov_deg == pytest.approx(31.0)
    assert np.array_equal(result.depth, expected.depth)
    assert not np.array_equal(result.depth, run(prompt="two boxes on grass", target="scene", fov_deg=60.0).depth)


@pytest.mark.parametrize("error", [ImportError("No module named 'torch'"), OSError("libcudart.so.12: cannot open")])
def test_a_torch_that_does_not_load_is_said(monkeypatch, error):
    class Broken:
        def find_spec(self, name, *_):
            if name == "depthwright.engine.backends.modality_forcing":
                raise error

    monkeypatch.delitem(sys.modules, "depthwright.engine.backends.modality_forcing", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(EnvironmentMissing, match="cannot load") as caught:
        run(prompt="wall", model="builtin")
    assert str(error) in caught.value.detail


def test_settings_the_procedural_model_does_not_have_are_said():
    assert not any("left aside" in note for note in run(prompt="brick wall").notes)
    (note,) = [note for note in run(prompt="brick wall", steps=20, detail_px=256).notes if "left aside" in note]
    assert note == "Procedural materials and scenes are not sampled: left aside steps, detail."
    (note,) = [
        note for note in run(prompt="wall", precision="int8", log2_alpha=1.0, resample=2).notes if "left" in note
    ]
    assert note.endswith("left aside trajectory, resampling, precision.")
    assert any("left aside compiling" in note for note in run(prompt="brick wall", compile_blocks=True).notes)


def test_words_it_does_not_know_are_named():
    assert any("flurble" in note for note in run(prompt="flurble brick wall").notes)


def test_a_pasted_page_makes_no_endless_note():
    page = " ".join(f"q{chr(97 + i // 26)}{chr(97 + i % 26)}x" for i in range(500)) + " " + "y" * 10_000
    (note,) = [note for note in run(prompt=f"brick {page}").notes if note.startswith("Not known")]
    assert note.endswith(" and 481 more.") and len(note) < 400
    (note,) = [note for note in run(prompt="brick " + "y" * 10_000).notes if note.startswith("Not known")]
    assert len(note) < 100


def test_the_procedural_model_can_be_cancelled_while_it_works():
    calls = []

    def report(*args):
        calls.append(args)
        if len(calls) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(report, prompt="brick wall")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"prompt": " "}, "prompt is empty"),
        ({"prompt": "wall", "model": "none such"}, "no model 'none such'"),
        ({"prompt": "wall", "mode": "i2d", "model": "builtin"}, "no picture"),
        ({"prompt": "wall", "mode": "d2i", "model": "builtin"}, "no depth"),
        ({"prompt": "wall", "fov_deg": 190.0}, "field of view"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_remedy(fields, said):
    with pytest.raises(InputError, match=said) as error:
        run(**fields)
    assert error.value.remedy


def test_a_mode_the_model_does_not_have_names_those_that_do():
    with pytest.raises(InputError, match="builtin"):
        run(mode="i2d", arrays={"image": np.zeros((16, 16, 3), np.uint8)})


def test_image_to_depth_takes_its_own_steps_and_no_guidance():
    i2d = catalog.resolve(Request(mode="i2d", model="builtin"))
    joint = catalog.resolve(Request(prompt="wall", model="builtin"))
    assert i2d.steps < joint.steps and i2d.guidance == 1.0 < joint.guidance
    assert catalog.resolve(Request(mode="i2d", model="builtin", steps=9, guidance=2.0)).steps == 9


PICTURE, DEPTH = np.zeros((32, 48, 3), np.uint8), np.ones((32, 48), np.float32)
NOTHING = np.zeros((32, 48), np.uint8)


@pytest.mark.parametrize(
    ("arrays", "mode", "said"),
    [
        ({"mask": NOTHING}, "joint", "nothing that it could be of"),
        ({"known_image": PICTURE[..., 0]}, "joint", "known picture has no red"),
        ({"known_image": PICTURE.astype(np.float32)}, "joint", "known picture has no red"),
        ({"known_depth": DEPTH.astype(np.float64)}, "joint", "no depth map"),
        ({"known_depth": DEPTH, "mask": DEPTH}, "joint", "mask is no mask"),
        ({"known_image": PICTURE, "known_depth": DEPTH[1:]}, "joint", "sizes differ: known depth 48 x 31, known"),
        ({"known_image": PICTURE, "mask": NOTHING[:, 1:]}, "joint", "sizes differ: known image 48 x 32, mask 47 x 32"),
        ({"image": PICTURE[1:], "known_depth": DEPTH}, "i2d", "sizes differ: image 48 x 31"),
        ({"known_image": PICTURE, "mask": NOTHING}, "joint", "No pixel is known"),
        ({"known_depth": DEPTH * np.nan}, "joint", "No pixel is known"),
        ({"known_depth": DEPTH * 0}, "joint", "0 or less"),
        ({"image": PICTURE, "known_image": PICTURE}, "i2d", "picture is known already"),
        ({"depth": DEPTH, "known_depth": DEPTH}, "d2i", "depth is known already"),
    ],
)
def test_what_cannot_be_held_is_refused_with_a_remedy(arrays, mode, said):
    with pytest.raises(InputError, match=said) as error:
        run(arrays=arrays, mode=mode, prompt="wall", model="builtin")
    assert error.value.remedy.endswith(".")


def test_a_model_that_cannot_hold_known_pixels_names_those_that_can():
    with pytest.raises(InputError, match="cannot hold known pixels") as error:
        run(arrays={"known_image": PICTURE}, prompt="wall")
    assert "builtin" in error.value.remedy
