"""What reading a prompt as a material and as a scene have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .materials import MATERIALS
from .scenes import SCENES

SIZES = {"small": "small", "narrow": "small", "fine": "small", "large": "large", "wide": "large", "coarse": "large"}
MATERIAL_WORDS = {name: material.words for name, material in MATERIALS.items()}
SCENE_WORDS = {name: scene.words for name, scene in SCENES.items()}


@dataclass(frozen=True)
class Token:
    """A word of the prompt as it was typed, and its canonical words: none where it has no meaning or only joins."""

    typed: str
    words: tuple[str, ...] = ()


@dataclass
class Reading:
    """used   the canonical words that had an effect
    notes  sentences for the user
    """

    used: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def best_kind(words: Iterable[str], table: dict[str, dict[str, float]]) -> str:
    """The kind that the words speak for most; empty where they speak for none."""
    words = set(words)
    scores = {kind: sum(weights.get(word, 0) for word in words) for kind, weights in table.items()}
    best = max(scores, key=scores.__getitem__)
    return best if scores[best] > 0 else ""


def canonical(tokens: Sequence[Token]) -> list[str]:
    return [word for token in tokens for word in token.words]
