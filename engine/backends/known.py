"""What the user knows of the result: at the requested size as it comes, on the frame as it is sampled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..contract.arrays import Arrays, known_pixels
from ..contract.settled import Settled
from ..model.bundle import Model
from ..sampling.constraints import Alike, Constraints, KnownDepth, KnownImage, KnownLatents
from ..sampling.tiling import NO_RINGS, RingCodec, Rings
from ..sampling.windows import Broad, Plane
from .frame import Frame, depth_to_disparity, image_to_tensor, to_frame

COVERED = 0.1  # share of a sampled pixel, as it comes from resizing, from which on it counts as known


@dataclass(frozen=True)
class Held:
    """Known pixels of one modality.

    values  (H, W, 3) uint8 or (H, W) float32, as given
    known   (H, W) bool
    """

    values: np.ndarray
    known: np.ndarray
    strictness: float

    def put_into(self, made: np.ndarray) -> np.ndarray:
        """The known pixels themselves in what was made of them, where they were held to the end."""
        if self.strictness < 1:
            return made
        return np.where(self.known.reshape(made.shape[:2] + (1,) * (made.ndim - 2)), self.values, made)


@dataclass(frozen=True)
class Known:
    """Everything known; both parts may be missing."""

    image: Held | None
    depth: Held | None
    resample: int

    def __bool__(self) -> bool:
        return self.image is not None or self.depth is not None

    @classmethod
    def of(cls, arrays: Arrays, request: Settled) -> Known:
        """From the arrays of a request (see Pipeline.run), already checked."""
        image, depth = arrays.get("known_image"), arrays.get("known_depth")
        given = next((array for array in (image, depth) if array is not None), None)
        if given is None:
            return cls(None, None, 1)
        known = known_pixels(arrays["mask"]) if "mask" in arrays else np.ones(given.shape[:2], bool)
        return cls(
            None if image is None else Held(image, known, request.strictness),
            None if depth is None else Held(depth, known & ~np.isnan(depth), request.depth_strictness),
            request.resample,
        )

    def constraints(
        self, model: Model, frame: Frame, broad: Broad | None = None, rings: Rings = NO_RINGS
    ) -> Constraints:
        """For one rollout on that frame, which may have broad shapes to keep to, and axes that are rings."""
        image = depth = None
        patch, device = model.image_codec.patch_px, model.device
        codec = RingCodec(model.image_codec, frame.grid, rings)
        if self.image is not None:
            pixels, known = _to_frame(image_to_tensor(self.image.values), self.image.known, frame, patch)
            pixels, known = pixels.to(device), known.to(device)
            held = model.image_codec.known_tokens(known)
            if model.image_codec.cells == patch:
                image = KnownImage(codec.encode(pixels), held, Plane(patch, 3), self.image.strictness)
            else:
                image = KnownLatents(pixels, known, codec, held, self.image.strictness)
        if self.depth is not None:
            # An unknown depth must not be NaN: NaN times a weight of zero is NaN.
            values = torch.from_numpy(np.where(self.depth.known, self.depth.values, np.inf).astype(np.float32))
            disparity, known = _to_frame(depth_to_disparity(values[None, None]), self.depth.known, frame, patch)
            disparity = disparity[:, 0].to(device)
            depth = KnownDepth(
                torch.where(disparity > 0, 1.0 / disparity, torch.inf),
                known.to(device),
                model.depth_codec,
                self.depth.strictness,
            )
        alike = None
        if image is not None or depth is not None:
            alike = Alike(frame.grid, codec.decode, model.depth_codec)
        return Constraints(image, depth, self.resample, broad, alike)

    def in_image(self, image: np.ndarray) -> np.ndarray:
        return image if self.image is None else self.image.put_into(image)

    def in_depth(self, depth: np.ndarray) -> np.ndarray:
        return depth if self.depth is None else self.depth.put_into(depth)


def _to_frame(values: Tensor, known: np.ndarray, frame: Frame, patch_px: int) -> tuple[Tensor, Tensor]:
    """Pixels (1, C, H, W) and which are known (H, W), on the frame: (1, C, h, w), (1, h, w) bool.

    Where several pixels become one, it is the mean of the known ones, and known if any of them is: so a few hundred
    known pixels of a large picture are not lost in a small one.
    """
    weight = torch.from_numpy(known)[None, None].float()
    covered = to_frame(weight, frame, patch_px, mode="bilinear")
    mean = to_frame(values * weight, frame, patch_px, mode="bilinear") / covered.clamp(min=1e-9)
    shrinks = [min(1.0, new / old) for new, old in zip(frame.crop_px, known.shape, strict=True)]
    return mean, covered[:, 0] > COVERED * shrinks[0] * shrinks[1]
