"""Which channel of an EXR file is the depth, by the names that renderers give it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....engine.contract.errors import InputError
from .header import Channel, Header, Part, read_header
from .pixels import read_channels

#: What a layer of other numbers is called: their Z is no depth.
_NO_DEPTH = {"mist", "normal", "position", "vector", "motion", "uv", "disparity", "denoising normal"}

#: The name of a file's only channel, where that is a depth.
_ONLY = {"z", "depth", "y", "v", "r"}


#: Pixels of which three channels are held together; of larger pictures one after the other, at the cost of time.
_ALL_AT_ONCE = 2**24


@dataclass(frozen=True)
class _Choice:
    part: Part
    channel: str


def read_depth(path: str | Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """(H, W) float32 of the display window, as the numbers are, NaN outside the data window; and notes for the user.

    The depth is what a renderer calls so: Z, Depth.Z (with any layers before it), depth; else the file's only channel,
    if it is called Y, V or R; else grey in R, G and B. Of several the first is taken, with a note.

    Raises InputError where no channel is a depth, and as read_channels.
    """
    header = read_header(path)
    named = sorted(_named(header), key=lambda found: found[0])
    if named:
        best = [choice for rank, choice in named if rank == named[0][0]]
        values = read_channels(header, best[0].part, [best[0].channel])[best[0].channel]
        return values, (_other_note(header, best),) if len(best) > 1 else ()
    channels = [(part, channel) for part in header.parts for channel in part.channels]
    part, channel = channels[0]
    *layer, name = _words(channel)
    if len(channels) == 1 and name in _ONLY and not set(layer) & _NO_DEPTH:
        return read_channels(header, part, [channel.name])[channel.name], ()
    return _grey(header), ()


def _named(header: Header) -> list[tuple[int, _Choice]]:
    """Channels that are called a depth, with their rank: 0 is the surest."""
    found = []
    for part in header.parts:
        layers = [(".".join(_words(channel)[:-1]), _words(channel)[-1]) for channel in part.channels]
        for channel in part.channels:
            *layer, name = _words(channel)
            # A part may be named for its layer, and its channels not.
            around = set(layer) | set(part.name.lower().split(".") if not layer else ())
            vector = (".".join(layer), "x") in layers
            if name == "z" and not vector and ("depth" in around or (not layer and not around & _NO_DEPTH)):
                found.append((0, _Choice(part, channel.name)))
            elif name == "depth" or (name in _ONLY and "depth" in around and not vector):
                found.append((1, _Choice(part, channel.name)))
            elif name == "z" and not vector and not around & _NO_DEPTH:
                found.append((2, _Choice(part, channel.name)))
    return found


def _words(channel: Channel) -> list[str]:
    return channel.name.lower().split(".")


def _other_note(header: Header, choices: list[_Choice]) -> str:
    names = [choice.channel for choice in choices]

    def called(choice: _Choice) -> str:
        part = choice.part
        once = names.count(choice.channel) == 1
        return choice.channel if once else f"{choice.channel} of {part.view or part.name or part.index}"

    others = ", ".join(called(choice) for choice in choices[1:4]) + (" and more" if len(choices) > 4 else "")
    return f"{header.path.name} holds several depths: {called(choices[0])} is taken, {others} left out."


def _grey(header: Header) -> np.ndarray:
    """The one number that a file has in red, green and blue. InputError where it holds colours, or something else."""
    for part in header.parts:
        named = {_words(channel)[-1]: channel.name for channel in part.channels}
        if {"r", "g", "b"} <= set(named):
            red, *others = (named[colour] for colour in "rgb")
            if part.display.width * part.display.height <= _ALL_AT_ONCE:
                read = read_channels(header, part, [red, *others])
                if all(_same(read[red], read[other]) for other in others):
                    return read[red]
            else:
                values = read_channels(header, part, [red])[red]
                if all(_same(values, read_channels(header, part, [other])[other]) for other in others):
                    return values
            raise _no_depth(header, "holds a picture in colours, and no depth")
    names = [channel.name for part in header.parts for channel in part.channels]
    listed = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    raise _no_depth(header, f"has no channel that is called a depth: it has {listed}")


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    bands = range(0, len(one), 256)
    return all(np.array_equal(one[at : at + 256], other[at : at + 256], equal_nan=True) for at in bands)


def _no_depth(header: Header, what: str) -> InputError:
    return InputError(
        f"{header.path.name} {what}.",
        "Save z-depth in a channel called Z, or as the only channel.",
        str(header.path),
    )
