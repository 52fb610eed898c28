"""Requests and the catalogue: what is refused, what is filled in, what a stored request gives back."""

import json

import numpy as np
import pytest
from depthwright.engine import catalog
from depthwright.engine.contract.errors import InputError
from depthwright.engine.contract.request import Request
from depthwright.engine.contract.result import Result
from depthwright.engine.contract.settled import Settled

BRICK = Request(prompt="brick")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"prompt": ""}, "prompt is empty"),
        ({"prompt": " \n"}, "prompt is empty"),
        ({"mode": "dance"}, "mode 'dance'"),
        ({"target": "song"}, "target 'song'"),
        ({"seed": -1}, "seed -1"),
        ({"seed": 2**31}, "seed"),
        ({"width_px": 15}, "15 pixels"),
        ({"height_px": 4097}, "4097 pixels"),
        ({"steps": 0}, "0 steps"),
        ({"steps": 1001}, "1001 steps"),
        ({"guidance": -0.1}, "guidance"),
        ({"guidance_low": 0.8, "guidance_high": 0.3}, "interval"),
        ({"guidance_high": 1.5}, "interval"),
        ({"depth_guidance": -1.0, "mode": "d2i", "model": "builtin"}, "depth guidance"),
        ({"depth_guidance": 2.0}, "Only a depth"),
        ({"guidance": float("nan")}, "guidance"),
        ({"guidance": float("inf")}, "guidance"),
        ({"log2_alpha": float("nan")}, "trajectory"),
        ({"timestep_dtype": "int4"}, "timestep"),
        ({"strictness": 1.1}, "strictness of 1.1"),
        ({"depth_strictness": float("nan")}, "strictness"),
        ({"detail_px": 5000}, "detail of 5000"),
        ({"depth_estimate": "guess"}, "depth estimate 'guess'"),
        ({"resample": 0}, "Resampling 0 times"),
        ({"model": "none"}, "model 'none'"),
        ({"mode": "i2d"}, "cannot do i2d"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_remedy(fields, words):
    with pytest.raises(InputError, match=words) as caught:
        catalog.resolve(Request(**{"prompt": "brick", **fields}))
    assert caught.value.remedy.endswith(".")


def test_only_joint_needs_a_prompt():
    for mode in ("i2d", "d2i"):
        assert catalog.resolve(Request(mode=mode, model="builtin")).prompt == ""


def test_defaults_come_from_the_model_and_what_is_set_stays():
    entry = catalog.find("builtin")
    request = catalog.resolve(Request(prompt="brick", model="builtin"))
    assert (request.width_px, request.height_px) == (entry.default_size_px,) * 2
    assert (request.steps, request.guidance) == (entry.default_steps, entry.default_guidance)
    request = catalog.resolve(Request(prompt="brick", model="builtin", width_px=80, steps=3, guidance=0.0, tile=False))
    assert (request.width_px, request.height_px, request.steps, request.guidance) == (80, 80, 3, 0.0)
    assert request.tile is False
    assert catalog.resolve(Request.from_dict(request.to_dict())) == request
    assert catalog.resolve(Request(prompt="brick")).depth_estimate == "sample"  # what published scripts do
    assert request.depth_estimate == entry.depth_estimate == "mean"
    asked = Request(prompt="brick", model="builtin", depth_estimate="sample")
    assert catalog.resolve(asked).depth_estimate == "sample"


def test_a_material_tiles_and_a_scene_does_not_unless_told():
    assert catalog.resolve(BRICK).tile is True
    assert catalog.resolve(Request(prompt="hall", target="scene")).tile is False
    assert catalog.resolve(Request(prompt="hall", target="scene", tile=True)).tile is True


def test_a_stored_request_gives_the_same_again():
    request = catalog.resolve(Request(prompt="ziegel \u2013 \u82b1", seed=3, guidance=1.5))
    stored = json.loads(json.dumps(request.to_dict()))
    assert catalog.resolve(Request.from_dict(stored)) == Settled.from_dict(stored) == request


def test_a_request_of_a_newer_version_is_refused():
    with pytest.raises(InputError, match="sparkle"):
        Request.from_dict({"prompt": "brick", "sparkle": 3})


def test_inputs_are_tied_to_the_request_by_their_content():
    def settled(image):
        return catalog.resolve(Request(mode="i2d", model="builtin"), {"image": image})

    image = np.zeros((20, 24, 3), np.uint8)
    one, same = settled(image), settled(image.copy())
    assert (one.width_px, one.height_px) == (24, 20)
    image[0, 0, 0] = 1
    assert one == same != settled(image) and one.sha256 == same.sha256 != settled(image).sha256
    assert settled(image[:, ::-1]).input_sha256 == settled(image[:, ::-1].copy()).input_sha256


def test_a_record_is_json_and_complete():
    result = Result(
        np.zeros((2, 2, 3), np.uint8),
        np.ones((2, 2), np.float32),
        catalog.resolve(BRICK),
        {"id": "m"},
        {"depthwright": "0"},
        ("note",),
        1.23456,
    )
    record = json.loads(json.dumps(result.record()))
    assert Settled.from_dict(record["request"]) == catalog.resolve(BRICK)
    assert record["notes"] == ["note"] and record["seconds"] == 1.235 and record["model"] == {"id": "m"}


def test_the_catalogue_is_in_order():
    entries = catalog.models()
    assert len({entry.id for entry in entries}) == len(entries)
    for entry in entries:
        assert entry.license and entry.label and entry.description
        assert set(entry.modes) <= {"joint", "i2d", "d2i"} and set(entry.targets) <= {"material", "scene"}
    assert not catalog.find("procedural").needs_torch
    assert catalog.find("builtin").needs_torch
