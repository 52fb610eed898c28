"""What comes back for a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .settled import Settled

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Result:
    """A picture and the depth that belongs to it.

    image          (H, W, 3) uint8, sRGB, row 0 on top
    depth          (H, W) float32, z-depth (along the view axis); relative scale unless the model says metres;
                   inf = sky or beyond
    request        as it was done
    model          id, label, license of the model that made it
    versions       depthwright, python, and of what computed it (numpy, torch)
    notes          sentences for the user: words not known, sizes changed
    unknown_words  of the prompt, those that mean nothing to the model, as typed
    used           what the computer decided: device, precision of each part; not part of the request's hash
    """

    image: np.ndarray
    depth: np.ndarray
    request: Settled
    model: dict[str, str]
    versions: dict[str, str]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    unknown_words: tuple[str, ...] = ()
    used: Mapping[str, Any] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """What request.json beside a result holds, and what datablocks carry."""
        return {
            "request": self.request.to_dict(),
            "model": self.model,
            "versions": self.versions,
            "notes": list(self.notes),
            "unknown_words": list(self.unknown_words),
            "used": dict(self.used),
            "seconds": round(self.seconds, 3),
        }
