"""Presets: what they decide, what goes before them, and that every one in the catalogue can be run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from depthwright.engine import catalog
from depthwright.engine.catalog.presets import OPEN_FIELDS
from depthwright.engine.contract.errors import InputError
from depthwright.engine.contract.request import PRESETS, Request

JOINT = Request(prompt="wall", model="modality_forcing")


def settled(request: Request) -> tuple:
    return tuple(getattr(catalog.resolve(request), name) for name in OPEN_FIELDS)


def test_published_is_what_the_released_scripts_do():
    published = replace(JOINT, preset="published")
    assert settled(published) == (50, 4.0, 5.0, False, "bfloat16", "letterbox")
    assert settled(replace(published, mode="d2i"))[:3] == (50, 4.0, None)
    assert settled(replace(published, mode="i2d"))[:3] == (50, 1.0, None)


def test_draft_is_quicker_than_final():
    for entry in catalog.models():
        for mode in entry.modes if {"draft", "final"} <= set(entry.presets) else ():
            request = Request(prompt="wall", model=entry.id, mode=mode, target="scene")
            draft, final = (catalog.resolve(replace(request, preset=name)) for name in ("draft", "final"))
            one_step_is_all = mode == "i2d" and final.steps == 1
            assert draft.steps < final.steps or one_step_is_all


def test_what_is_set_by_hand_goes_before_the_preset():
    by_hand = catalog.resolve(replace(JOINT, preset="final", steps=7, refine_depth=False))
    assert (by_hand.steps, by_hand.refine_depth, by_hand.guidance, by_hand.preset) == (7, False, 4.0, "final")


def test_without_one_the_models_own_is_taken_and_a_result_can_be_made_again():
    first = catalog.resolve(JOINT)
    assert first.preset == "final" and first.log2_alpha == 5.0
    assert catalog.resolve(Request.from_dict(first.to_dict())) == first
    plain = catalog.resolve(Request(prompt="wall", model="builtin"))
    assert (plain.preset, plain.refine_depth, plain.framing, plain.timestep_dtype) == (None, False, "grid", "float32")


def test_every_preset_of_the_catalogue_decides_only_what_it_may():
    for entry in catalog.models():
        for name, modes in entry.presets.items():
            assert name in PRESETS and set(modes) == set(entry.modes)
            for mode, values in modes.items():
                assert set(values) <= set(OPEN_FIELDS)
                request = Request(prompt="wall", model=entry.id, mode=mode, preset=name, target="scene")
                catalog.resolve(request)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"preset": "fastest"}, "no preset 'fastest'"),
        ({"framing": "stretched"}, "no framing 'stretched'"),
        ({"preset": "published", "model": "builtin"}, "The model 'builtin' has no preset 'published'"),
        ({"preset": "draft", "model": "procedural"}, "The model 'procedural' has no preset 'draft'"),
    ],
)
def test_what_there_is_not_is_refused_with_a_remedy(fields, said):
    with pytest.raises(InputError, match=said) as error:
        catalog.resolve(replace(JOINT, **fields))
    assert error.value.remedy.endswith(".")
