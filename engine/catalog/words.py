"""Everyday words -> the canonical words of captions: what the two models that ship understand.

Shared by the generator's parser, the neural model's tokeniser, and whoever wants to know before asking them. The words
themselves are data: word_groups.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from .word_groups import CANONICAL, COMPOUNDS, FALLBACKS, FORMERLY, GROUPS, SILENT

#: Every word that a caption can contain: what the generator understands, and the neural model learns. A word's place
#: here is its number in the models that are trained on it.
VOCABULARY: tuple[str, ...] = tuple(CANONICAL.split())

_CANONICAL = frozenset(VOCABULARY)

#: Words for more objects than a scene can have.
MANY = frozenset("5 6 7 8 9 five six seven eight nine ten several many lots dozen".split())  # noqa: SIM905

#: Everyday word -> canonical word or words.
SYNONYMS: dict[str, str] = {word: canonical for canonical, group in GROUPS.items() for word in group.split()}

_TOGETHER = {pair: words for words, group in COMPOUNDS.items() for pair in group.split(", ")}
_INSTEAD = {word: older for older, group in FALLBACKS.items() for word in group.split()}

#: Words that carry nothing here; they are neither known nor unknown.
STOP_WORDS = frozenset(SILENT.split()) - _CANONICAL - set(SYNONYMS)


def split_words(prompt: str) -> list[str]:
    """Lower-case words and numbers of the prompt, in order; of any script, so that notes quote the user's own."""
    return re.findall(r"[^\W\d_]+|\d+", re.sub(r"\bsci-?fi\b", "scifi", prompt.lower()))


def canonical_word(word: str, vocabulary: Collection[str] = VOCABULARY) -> str | None:
    """The canonical word, or words, for one lower-case word; None where it has none. Plurals are understood.

    vocabulary  of a model; one that was trained before some canonical words came has others in their place
    """
    forms = [word, word + "s"]
    if word.endswith("s"):
        forms.append(word[:-1])
    if word.endswith("es"):
        forms.append(word[:-2])
    complete = vocabulary is VOCABULARY or _CANONICAL.issubset(vocabulary)
    for form in forms:
        if not complete and set(FORMERLY.get(form, "?").split()) <= set(vocabulary):
            return FORMERLY[form]
        if form in vocabulary:
            return form
        found = form if form in _CANONICAL else SYNONYMS.get(form)
        if found is not None:
            return found if complete else _in_vocabulary(found, vocabulary)
    return None


def _in_vocabulary(canonical: str, vocabulary: Collection[str]) -> str | None:
    """The canonical words in those of an older vocabulary; None where it has nothing like one of them."""
    words = []
    for word in canonical.split():
        instead = word
        while instead is not None and not set(instead.split()) <= set(vocabulary):
            instead = _INSTEAD.get(instead)
        if instead is None:
            return None
        words.append(instead)
    return " ".join(words)


def tokens(prompt: str, vocabulary: Collection[str] = VOCABULARY) -> list[tuple[str, list[str] | None]]:
    """The prompt in order: each word as typed, or two that belong together, with its canonical words.

    An empty list: the word carries nothing here. None: it has no meaning here.
    """
    typed, found, place = split_words(prompt), [], 0
    while place < len(typed):
        pair = " ".join(typed[place : place + 2])
        together = _together(pair, found, vocabulary)
        if together:
            found.append((pair, together))
            place += 2
            continue
        word = typed[place]
        canonical = canonical_word(word, vocabulary)
        found.append((word, canonical.split() if canonical is not None else [] if word in STOP_WORDS else None))
        place += 1
    return found


def _together(pair: str, before: list[tuple[str, list[str] | None]], vocabulary: Collection[str]) -> list[str]:
    """The canonical words of two that belong together; none where they do not, or where ``before`` says it already.

    An older vocabulary takes its words one by one, as it was trained.
    """
    words = _TOGETHER.get(pair, "").split() if _CANONICAL.issubset(vocabulary) else []
    said = " ".join(words).removesuffix(pair).split()
    last = before[-1][1] if before else None
    return [] if said and last and last[-1:] == said[-1:] else words


def translated(prompt: str, vocabulary: Collection[str] = VOCABULARY) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """The prompt's words, each with its canonical words, in order; and the words that have no meaning here."""
    every = tokens(prompt, vocabulary)
    known = [(word, canonical) for word, canonical in every if canonical]
    return known, list(dict.fromkeys(word for word, canonical in every if canonical is None))


def canonical_words(prompt: str, vocabulary: Collection[str] = VOCABULARY) -> tuple[list[str], list[str]]:
    """The prompt in words of the vocabulary, in the prompt's order, and the words that have no meaning here."""
    known, unknown = translated(prompt, vocabulary)
    return [canonical for _, words in known for canonical in words], unknown
