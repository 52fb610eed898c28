"""Depth maps as tokens, and back. Nothing is learned: normalise, contract, cut into patches.

With depth d along the view axis (arXiv 2606.13676 for the choice of both steps):

    unit mean    r = d / mean(d)                          the model's depth has no unit, only proportions
    contract     z = r              for r <= 1            so that infinity has a finite code: the whole axis
                 z = 2 - 1/r        for r > 1             0..inf lands in 0..2, smoothly at r = 1
    patch        a token is the p x p values of a patch, row after row

Contraction is the one of mip-NeRF 360 (arXiv 2111.12077), in one dimension. The mean is not stored, so decoding gives
depth relative to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from .limits import check_numbers, check_whole
from .patches import from_patches, to_patches

Step = Literal["unit_mean", "contract", "none"]
STEPS: tuple[Step, ...] = ("unit_mean", "contract", "none")
FARTHEST = 2.0  # the contraction of infinity


@dataclass(frozen=True)
class DepthCodec:
    """Depth <-> tokens.

    patch_size   p: a token covers p x p pixels and has p * p channels
    normalize    the steps above, in the order they are applied; "none" stands for no step
    value_offset, value_scale   a token is (code - offset) * scale, to bring its spread to what the model was trained on
    mean_over    "batch": one mean for the whole tensor, as the released model has it; "item": one for each depth map
    """

    patch_size: int
    normalize: Sequence[Step] = ("unit_mean", "contract")
    value_scale: float = 1.0
    value_offset: float = 0.0
    mean_over: Literal["batch", "item"] = "batch"

    def __post_init__(self) -> None:
        check_whole(self, patch_size=(1, 256))
        check_numbers(self, value_scale=(1e-6, 1e6), value_offset=(-1e6, 1e6))
        if self.mean_over not in ("batch", "item"):
            raise ValueError(f"the mean is over {str(self.mean_over)[:60]}")
        unknown = [step for step in self.normalize if step not in STEPS]
        if unknown:
            raise ValueError(f"depth normalisation {str(unknown)[:60]} is none of {', '.join(STEPS)}")

    @property
    def channels(self) -> int:
        return self.patch_size**2

    def encode(self, depth: torch.Tensor, unit: float | None = None) -> torch.Tensor:
        """(B, H, W) or (B, H, W, 1) depth -> (B, h*w, p*p) tokens, h = H / p, w = W / p.

        unit  what a unit mean divides by; None: the mean of this depth
        Infinite depth (sky) has no part in the mean and is coded as the contraction's limit.
        Raises ValueError where p does not divide H and W.
        """
        values = depth[..., 0] if depth.ndim == 4 else depth
        for step in self.normalize:
            if step == "unit_mean":
                values = values / (self.unit(values) if unit is None else unit)
            elif step == "contract":
                values = contract(values)
        return self._tokens(values)

    def encode_relative(self, depth: torch.Tensor) -> torch.Tensor:
        """The same for a depth (B, H, W) whose unit is the mean already."""
        return self._tokens(contract(depth) if "contract" in self.normalize else depth)

    def unit(self, depth: torch.Tensor) -> torch.Tensor:
        """Mean over the finite pixels, shaped to divide (B, H, W); 1 where there is none."""
        finite = torch.isfinite(depth)
        over = (0, 1, 2) if self.mean_over == "batch" else (1, 2)
        count = finite.sum(dim=over, keepdim=True)
        total = torch.where(finite, depth, 0.0).sum(dim=over, keepdim=True)
        return torch.where(count > 0, total / count.clamp(min=1), 1.0)

    def known_tokens(self, known: torch.Tensor) -> torch.Tensor:
        """Known pixels (B, H, W) bool as known tokens (B, h*w, p*p): a token's channel is a pixel."""
        return to_patches(known[..., None], self.patch_size)

    def decode(self, tokens: torch.Tensor, grid: tuple[int, int], *, clip: bool = False) -> torch.Tensor:
        """(B, h*w, p*p) tokens of a grid (h, w) -> (B, H, W) depth, relative to its mean if there was a unit mean.

        A predicted token need not be a valid code: below 0 it decodes to negative depth, at 2 to infinity, and above 2
        the formula comes back from the other side with negative depth. ``clip`` reads these as what the model meant
        (0 and infinity); without it the result is the formula's, which the released scripts mask afterwards.
        """
        values = from_patches(tokens, grid, self.patch_size, channels=1)[..., 0] / self.value_scale + self.value_offset
        if clip:
            values = values.clamp(0.0, FARTHEST if "contract" in self.normalize else None)
        if "contract" in self.normalize:
            values = expand(values)
        return values

    def _tokens(self, values: torch.Tensor) -> torch.Tensor:
        return to_patches((values[..., None] - self.value_offset) * self.value_scale, self.patch_size)


def contract(r: torch.Tensor) -> torch.Tensor:
    """0..inf -> 0..2: the identity up to 1, then ``2 - 1/r``. Odd: negative values mirror."""
    size = r.abs()
    return torch.where(size > 1.0, torch.copysign(2.0 - 1.0 / size, r), r)


def expand(z: torch.Tensor) -> torch.Tensor:
    """The inverse of ``contract``: the identity up to 1, then ``1 / (2 - z)``, infinite at 2. Odd as well."""
    size = z.abs()
    return torch.where(size > 1.0, torch.sign(z) / (2.0 - size), z)
