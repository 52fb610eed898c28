"""The picture in an EXR file: its red, green, blue and alpha, wherever a renderer has put them."""

from __future__ import annotations

import numpy as np

from ....engine.contract.errors import InputError
from .header import Header, Part
from .pixels import read_channels, reads

#: Layers that are the picture itself, as renderers call them; other layers are passes.
_BEAUTY = ("", "combined", "rgba", "rgb", "beauty", "image", "composite")


def read_colours(header: Header) -> np.ndarray | None:
    """(H, W, 3) or, with alpha, (H, W, 4) float32 of the display window: linear, alpha multiplied in.

    NaN outside the data window. None where the file is of a form that Blender alone unpacks, and shows as it is.
    InputError where it holds no picture, or is of a form that neither reads.
    """
    part, named = _chosen(header)
    if not reads(part) and is_plain(header):
        return None
    wanted = [named[letter] for letter in ("rgba" if "r" in named else "ya") if letter in named]
    read = read_channels(header, part, wanted)
    if "r" not in named:
        wanted = [named["y"]] * 3 + wanted[1:]
    out = np.empty((part.display.height, part.display.width, len(wanted)), np.float32)
    for place, name in enumerate(wanted):
        out[..., place] = read[name]
    return out


def is_plain(header: Header) -> bool:
    """Whether Blender shows just what the file holds: one picture of red, green, blue and alpha in its window."""
    part, *others = header.parts
    names = {channel.name for channel in part.channels}
    return (
        not others
        and {"R", "G", "B"} <= names <= {"R", "G", "B", "A"}
        and part.data == part.display
        and not part.kind.startswith("deep")
        and all(channel.sampled for channel in part.channels)
    )


def _chosen(header: Header) -> tuple[Part, dict[str, str]]:
    """The part with the picture, and which of its channels are r, g, b, a, or y and a."""
    found: list[tuple[int, Part, dict[str, str]]] = []
    for part in header.parts:
        layers: dict[str, dict[str, str]] = {}
        for channel in part.channels:
            layer, _, name = channel.name.lower().rpartition(".")
            layers.setdefault(layer, {})[name] = channel.name
        for layer, named in layers.items():
            if not ({"r", "g", "b"} <= set(named) or set(named) in ({"y"}, {"y", "a"})):
                continue
            last = (layer or part.name.lower()).rpartition(".")[2]
            found.append((_BEAUTY.index(last) if last in _BEAUTY else len(_BEAUTY), part, named))
    if not found:
        raise InputError(
            f"{header.path.name} holds no picture: it has no channels R, G and B.",
            "Save the picture as PNG, or as OpenEXR with colours.",
            str(header.path),
        )
    _, part, named = min(found, key=lambda entry: entry[0])
    return part, named
