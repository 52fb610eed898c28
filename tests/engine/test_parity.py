"""Parity with the published reference implementation, on every golden vector of a folder.

The folder is the one that the environment variable DEPTHWRIGHT_GOLDEN names, by default tests/golden; its README says
what the files are and how they came about. Sizes, cases and tolerances are read from the files, so that any folder of
the same form can be put in its place. A file of a kind that is not known here fails.

``pytest -rP`` prints what was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from parity import codecs, denoiser, layouts, moge
from parity.vectors import Measure, Vector, discover


@dataclass(frozen=True)
class Kind:
    """How vectors of a kind are recognised (by a part of their name; the first that fits), split, and checked."""

    mark: str
    check: Callable[[Vector, str], Iterator[Measure]]
    cases: Callable[[Vector], list[str]] = lambda vector: sorted(vector.cases)


def whole(_vector: Vector) -> list[str]:
    return ["whole"]


KINDS = (
    Kind("dit_forward", denoiser.check_forward),
    Kind("rollouts", denoiser.check_rollout),
    Kind("schedules", denoiser.check_schedule),
    Kind("primitives", denoiser.check_primitive, denoiser.primitive_groups),
    Kind("depth_codec", codecs.check_depth, codecs.depth_groups),
    Kind("ae_encoder", codecs.check_encoder, whole),
    Kind("ae_decoder", codecs.check_decoder, whole),
    Kind("ae_key_map", layouts.check_key_map, whole),
    Kind("text_hidden_stack", codecs.check_text, whole),
    Kind("pointcloud", codecs.check_cloud, codecs.cloud_groups),
    Kind("state_dict_layout_moge2", moge.check_layout, whole),
    Kind("moge2", moge.check_moge),
    Kind("state_dict_layout_ae", layouts.check_codec_layout, whole),
    Kind("state_dict_layout", layouts.check_transformer_layout, whole),
)


def kind_of(vector: Vector) -> Kind | None:
    return next((kind for kind in KINDS if kind.mark in vector.name), None)


VECTORS = discover()


def all_cases() -> Iterator[object]:
    for vector in VECTORS:
        kind = kind_of(vector)
        for case in kind.cases(vector) if kind else []:
            yield pytest.param(vector, kind, case, id=f"{vector.name}-{case}")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_vector_is_covered(vector: Vector) -> None:
    kind = kind_of(vector)
    assert kind is not None, f"{vector.path.name} is of a kind that these tests do not know: write a check for it"
    assert kind.cases(vector), f"{vector.path.name} holds no cases"


@pytest.mark.parametrize(("vector", "kind", "case"), all_cases())
def test_parity(vector: Vector, kind: Kind, case: str) -> None:
    measures = list(kind.check(vector, case))
    print(*measures, sep="\n")
    assert measures, "nothing was compared"
    failed = [str(measure) for measure in measures if not measure.of_gate <= 1.0]
    assert not failed, "\n".join(failed)
