"""A small model out of another one: other words, more blocks, a finer stage; what was learned is kept where it fits."""

from __future__ import annotations

import torch
from torch import Tensor

from ..contract.errors import ModelError
from ..model.bundle import SmallConfig, SmallModel
from ..model.text_encoder import FIRST_WORD
from .initialise import initialise

WORDS = "text.tokens.weight"  # a row for each word, after those that are no words
LEAST_SHARE = 0.5  # of the new model's weights that must come from the old one


def grown(base: SmallModel, config: SmallConfig, vocabulary: list[str], seed: int) -> SmallModel:
    """A model of that config and those words, to train on.

    A word both know keeps its vector. A weight of a name and shape both have is the old one's; all others begin as
    they do in a new model: added blocks change nothing at first. ModelError where less than half of the weights fit.
    """
    torch.manual_seed(seed)
    model = SmallModel(config, vocabulary)
    initialise(model)
    state, old = model.state_dict(), base.state_dict()
    kept = 0
    for name, value in state.items():
        given = old.get(name)
        if given is None:
            continue
        if name == WORDS and given.shape[1] == value.shape[1]:
            kept += _copy_words(value, vocabulary, given, base.vocabulary)
        elif given.shape == value.shape:
            value.copy_(given)
            kept += value.numel()
    if kept < LEAST_SHARE * sum(value.numel() for value in state.values()):
        raise ModelError(
            "Too little of the model to begin with fits the new one.",
            "Begin with a model of the same width, or from nothing (without --init).",
            f"{kept} weights fit",
        )
    model.load_state_dict(state)
    return model.requires_grad_(True).train()


def _copy_words(into: Tensor, words: list[str], given: Tensor, old_words: list[str]) -> int:
    """Rows of the words both have; returns how many numbers that are."""
    row_of = {word: row for row, word in enumerate(old_words, FIRST_WORD)}
    into[:FIRST_WORD] = given[:FIRST_WORD]
    both = [(row, row_of[word]) for row, word in enumerate(words, FIRST_WORD) if word in row_of]
    for row, old_row in both:
        into[row] = given[old_row]
    return len(both) * into.shape[1]
