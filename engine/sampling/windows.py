"""Pictures larger than the model was trained for: overlapping windows that share one state.

At every step the model looks at one window of tokens after the other, each as large as it knows; where windows overlap,
what they predict is averaged, with weights that fall towards a window's border (MultiDiffusion, arXiv 2302.08113). All
of them read and move the same state, image and depth, so no window can go its own way. The memory is that of the state
and of one batch of windows, whatever the size.

A window does not see the whole. What lies beyond its reach, the layout of a view and the depth of one part relative to
another, they have from ``Broad``: the broad shapes of a sample at the model's own size, to which every prediction
is brought (as ILVR does with a reference picture, arXiv 2108.02938).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..model.patches import from_patches, to_patches
from ..model.resample import enlarge, shrink

Grid = tuple[int, int]
Predict = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]

BATCH = 16  # windows the model sees at once


@dataclass(frozen=True)
class Windows:
    """How a grid is looked at.

    size      rows, columns of tokens of a window, at most the grid's
    wrap      windows go around the borders, rows and columns: for tiles
    on_batch  called after every batch of windows; may raise to stop
    """

    size: Grid
    wrap: tuple[bool, bool] = (False, False)
    on_batch: Callable[[], None] | None = None

    def corners(self, grid: Grid) -> list[Grid]:
        """The first row and column of every window. Neighbours overlap by at least half."""
        rows, columns = (
            _starts(side, window, wrap) for side, window, wrap in zip(grid, self.size, self.wrap, strict=True)
        )
        return [(row, column) for row in rows for column in columns]

    def tokens(self, grid: Grid, corner: Grid) -> Tensor:
        """(h*w,) places of a window's tokens among the grid's, row by row."""
        row = (torch.arange(self.size[0]) + corner[0]) % grid[0]
        column = (torch.arange(self.size[1]) + corner[1]) % grid[1]
        return (row[:, None] * grid[1] + column).flatten()

    def weights(self) -> Tensor:
        """(h*w, 1) of a window's tokens: a tent, above 0 at the border."""
        tents = [1 - (torch.arange(side) + 0.5 - side / 2).abs() * 2 / (side + 1) for side in self.size]
        return (tents[0][:, None] * tents[1]).flatten()[:, None]


def _starts(side: int, window: int, wrap: bool) -> list[int]:
    step = max(1, window // 2)
    if window >= side:
        return [0]
    if wrap:
        count = -(-side // step)
        return [round(i * side / count) for i in range(count)]
    count = -(-(side - window) // step)
    return [round(i * (side - window) / count) for i in range(count + 1)]


def windowed(predict_for: Callable[[int], Predict], grid: Grid, windows: Windows) -> Predict:
    """Predictions over a whole grid, made of those over its windows.

    predict_for  windows in a batch -> the model for so many: its tensors are (B * windows, h*w, C), a batch item's
                 windows side by side
    """
    corners = windows.corners(grid)
    models: dict[int, Predict] = {}

    def predict(image: Tensor, depth: Tensor, t_image: Tensor, t_depth: Tensor) -> tuple[Tensor, Tensor]:
        batch, weight = image.shape[0], windows.weights().to(image.device)
        sums = [torch.zeros_like(image), torch.zeros_like(depth)]
        total = torch.zeros(image.shape[1], 1, device=image.device)
        for start in range(0, len(corners), BATCH):
            places = torch.stack([windows.tokens(grid, c) for c in corners[start : start + BATCH]]).to(image.device)
            count = len(places)
            if count not in models:
                models[count] = predict_for(count)
            seen = (state[:, places.flatten()].unflatten(1, places.shape).flatten(0, 1) for state in (image, depth))
            for whole, part in zip(sums, models[count](*seen, t_image, t_depth), strict=True):
                weighted = part.float().unflatten(0, (batch, count)) * weight
                whole.index_add_(1, places.flatten(), weighted.flatten(1, 2))
            total.index_add_(0, places.flatten(), weight.repeat(count, 1))
            if windows.on_batch:
                windows.on_batch()
        return sums[0] / total, sums[1] / total

    return predict


@dataclass(frozen=True)
class Plane:
    """Tokens as a picture: of patches of so many pixels, with so many values each; a latent is a patch of one pixel."""

    patch_px: int
    values: int

    def unfold(self, tokens: Tensor, grid: Grid) -> Tensor:
        """(B, L, C) -> (B, values, H, W)"""
        return from_patches(tokens, grid, self.patch_px, self.values).permute(0, 3, 1, 2)

    def fold(self, pixels: Tensor) -> Tensor:
        return to_patches(pixels.permute(0, 2, 3, 1), self.patch_px)


@dataclass(frozen=True)
class Broad:
    """The broad shapes that predictions on a grid are brought to.

    image, depth  (B, values, h, w) of each modality, small; None: left to the windows
    """

    grid: Grid
    image_plane: Plane
    depth_plane: Plane
    image: Tensor | None
    depth: Tensor | None

    @classmethod
    def of(
        cls,
        grid: Grid,
        image_plane: Plane,
        depth_plane: Plane,
        image: Tensor | None,
        depth: Tensor | None,
        size: Grid,
    ) -> Broad:
        """Of tokens (B, L, C) of an enlarged sample; size: rows, columns of what counts as broad."""
        small = [
            None if tokens is None else shrink(plane.unfold(tokens, grid), size)
            for tokens, plane in ((image, image_plane), (depth, depth_plane))
        ]
        return cls(grid, image_plane, depth_plane, *small)

    def settle_image(self, clean: Tensor) -> Tensor:
        """The predicted tokens (B, L, C), brought to the broad shapes."""
        return self._settle(clean, self.image_plane, self.image)

    def settle_depth(self, clean: Tensor) -> Tensor:
        return self._settle(clean, self.depth_plane, self.depth)

    def _settle(self, clean: Tensor, plane: Plane, wanted: Tensor | None) -> Tensor:
        if wanted is None:
            return clean
        pixels = plane.unfold(clean, self.grid)
        missing = wanted - shrink(pixels, tuple(wanted.shape[-2:]))
        return plane.fold(pixels + enlarge(missing, tuple(pixels.shape[-2:]), wrap=False, mode="bilinear"))
