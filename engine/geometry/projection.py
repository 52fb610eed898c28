"""What a camera sees of a surface: texel -> surface point -> camera pixel, with a depth test against the depth pass.

Depth pass and projection share the same intrinsics and pixel centres, so that a picture made for the depth falls on
the surface exactly where it was made for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .camera import Intrinsics

#: A surface behind another is told from it when it is this many pixel widths away, and this share of its depth.
NEAR_PX, NEAR_SHARE = 1.0, 2e-4

#: Over an edge the slope between pixel centres is only roughly the triangle's own; so much of it may be missing.
SLOPE_SHARE = 0.5

#: Bilinear weight of the pixels that show the same surface, from which on a texel is seen.
SEEN_FROM = 0.5


@dataclass(frozen=True)
class Viewpoint:
    """Where a picture is taken from.

    to_camera   (4, 4) float64: world -> camera space (x right, y down, z forward), without scale
    lens        the camera over the picture's pixels
    clip        what is nearer or farther than these depths is not there
    """

    name: str
    to_camera: np.ndarray
    lens: Intrinsics
    clip: tuple[float, float] = (1e-3, 1e6)

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "to_camera": self.to_camera.tolist(),
            "lens": self.lens.to_dict(),
            "clip": list(self.clip),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Viewpoint:
        return cls(
            values["name"],
            np.array(values["to_camera"], np.float64),
            Intrinsics(**values["lens"]),
            tuple(values["clip"]),
        )


@dataclass(frozen=True)
class PaintedView:
    """A picture and the depth it was made for, from one viewpoint.

    values  (H, W, C) float32   what is projected: a picture's colours as 0..1 sRGB, a height, coordinates ...
    depth   (H, W) float32      z-depth at the pixels' centres, inf where nothing is
    """

    viewpoint: Viewpoint
    values: np.ndarray
    depth: np.ndarray

    def with_values(self, values: np.ndarray) -> PaintedView:
        return replace(self, values=values)


@dataclass(frozen=True)
class Blending:
    """How views are put together.

    angle_power     a surface seen at the angle a from straight on counts cos(a) ** angle_power
    feather         over this share of the picture's longer side a view fades out towards where it ends: silhouettes,
                    what stands before something, the frame
    match_exposure  views are brought to the same brightness in each colour where they overlap
    """

    angle_power: float = 4.0
    feather: float = 0.04
    match_exposure: bool = True
