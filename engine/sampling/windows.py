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

from ..model.image_codec import ImageCodec
from ..model.patches import from_patches, to_patches
from ..model.resample import Wrap, enlarge, shrink
from .tiling import Predict, tent_weights

Grid = tuple[int, int]

SHARE = 2  # shapes of this many of a plane's pixels at the model's own size, and larger, are broad


@dataclass(frozen=True)
class Plane:
    """Tokens as a picture: of patches of so many pixels, with so many values each; a latent is a patch of one pixel."""

    patch_px: int
    values: int

    @classmethod
    def of(cls, codec: ImageCodec) -> Plane:
        return cls(codec.cells, codec.channels // codec.cells**2)

    def unfold(self, tokens: Tensor, grid: Grid) -> Tensor:
        """(B, L, C) -> (B, values, H, W)"""
        return from_patches(tokens, grid, self.patch_px, self.values).permute(0, 3, 1, 2)

    def fold(self, pixels: Tensor) -> Tensor:
        return to_patches(pixels.permute(0, 2, 3, 1), self.patch_px)


@dataclass(frozen=True)
class Windows:
    """How a grid is looked at.

    size      rows, columns of tokens of a window, at most the grid's
    wrap      windows go around the borders, rows and columns: for tiles
    patch_px  what windows lie apart from each other is no multiple of tokens but of pixels, where tokens are pixel
              patches of that side: they lie elsewhere at every step, so that patches leave no grid. 1: tokens
    at_once   windows in a batch, at most: the memory of a step grows with it
    on_batch  called after every batch of windows; may raise to stop
    """

    size: Grid
    wrap: tuple[bool, bool] = (False, False)
    patch_px: int = 1
    at_once: int = 16
    on_batch: Callable[[], None] | None = None

    def places(self, grid: Grid, shift: Grid = (0, 0)) -> list[tuple[Tensor, Tensor]]:
        """Rows (h,) and columns (w,) of the pixels of every window. Neighbours overlap by at least half.

        shift  down and right, in pixels below patch_px; windows at a border stay there
        """
        rows, columns = (
            [
                (torch.arange(window * self.patch_px) + start) % (side * self.patch_px)
                for start in _starts(side * self.patch_px, window * self.patch_px, wrap, moved)
            ]
            for side, window, wrap, moved in zip(grid, self.size, self.wrap, shift, strict=True)
        )
        return [(row, column) for row in rows for column in columns]

    def weights(self) -> Tensor:
        """(h, w) of a window's pixels: a tent, above 0 at the border."""
        return tent_weights([side * self.patch_px for side in self.size])


def _starts(side: int, window: int, wrap: bool, shift: int) -> list[int]:
    step = max(1, window // 2)
    if window >= side:
        return [0]
    if wrap:
        count = -(-side // step)
        return [round(i * side / count) + shift for i in range(count)]
    count = -(-(side - window) // step)
    starts = {round(i * (side - window) / count) for i in range(count + 1)}
    if shift:  # one more is needed: those in the middle have moved away from one of the borders
        starts = {0, side - window, *(start + shift for start in starts if start + shift < side - window)}
    return sorted(starts)


def windowed(predict_for: Callable[[int], Predict], grid: Grid, windows: Windows, seed: int = 0) -> Predict:
    """Predictions over a whole grid, made of those over its windows.

    predict_for  windows in a batch -> the model for so many: its tensors are (B * windows, h*w, C), a batch item's
                 windows side by side
    seed         of where the windows lie
    """
    cell = windows.patch_px
    models: dict[int, Predict] = {}
    shifts = torch.Generator("cpu").manual_seed(seed)

    def predict(image: Tensor, depth: Tensor, t_image: Tensor, t_depth: Tensor) -> tuple[Tensor, Tensor]:
        planes = [Plane(cell, state.shape[-1] // cell**2) for state in (image, depth)]
        wholes = [plane.unfold(state, grid) for plane, state in zip(planes, (image, depth), strict=True)]
        sums, total = [torch.zeros_like(whole) for whole in wholes], torch.zeros_like(wholes[0][:1, :1])
        weight = windows.weights().to(image.device)
        down, across = torch.randint(0, cell, (2,), generator=shifts).tolist()
        places = windows.places(grid, (down, across))
        for start in range(0, len(places), windows.at_once):
            batch = places[start : start + windows.at_once]
            if len(batch) not in models:
                models[len(batch)] = predict_for(len(batch))
            image, depth = (
                plane.fold(
                    torch.stack([whole[:, :, rows[:, None], columns] for rows, columns in batch], 1).flatten(0, 1)
                )
                for plane, whole in zip(planes, wholes, strict=True)
            )
            outputs = models[len(batch)](image, depth, t_image, t_depth)
            for plane, added, part in zip(planes, sums, outputs, strict=True):
                parts = plane.unfold(part.float(), windows.size).unflatten(0, (-1, len(batch))) * weight
                for number, (rows, columns) in enumerate(batch):
                    added[:, :, rows[:, None], columns] += parts[:, number]
            for rows, columns in batch:
                total[:, :, rows[:, None], columns] += weight
            if windows.on_batch:
                windows.on_batch()
        image, depth = (plane.fold(added / total) for plane, added in zip(planes, sums, strict=True))
        return image, depth

    return predict


@dataclass(frozen=True)
class Broad:
    """The broad shapes that predictions on a grid are brought to.

    image, depth  (B, values, h, w) of each modality, small; None: left to the windows
    wrap          which axes tile: rows, columns
    """

    grid: Grid
    image_plane: Plane
    depth_plane: Plane
    image: Tensor | None
    depth: Tensor | None
    wrap: Wrap = (False, False)

    @classmethod
    def of(
        cls,
        grid: Grid,
        image_plane: Plane,
        depth_plane: Plane,
        image: Tensor | None,
        depth: Tensor | None,
        small_grid: Grid,
        wrap: Wrap = (False, False),
    ) -> Broad:
        """Of tokens (B, L, C) of an enlarged sample, which was made on a smaller grid."""

        def broad(tokens: Tensor | None, plane: Plane) -> Tensor | None:
            if tokens is None:
                return None
            rows, columns = (max(1, side * plane.patch_px // SHARE) for side in small_grid)
            return shrink(plane.unfold(tokens, grid), (rows, columns))

        return cls(grid, image_plane, depth_plane, broad(image, image_plane), broad(depth, depth_plane), wrap)

    def settle_image(self, clean: Tensor) -> Tensor:
        """The predicted tokens (B, L, C), brought to the broad shapes."""
        return self._settle(clean, self.image_plane, self.image)

    def settle_depth(self, clean: Tensor) -> Tensor:
        return self._settle(clean, self.depth_plane, self.depth)

    def _settle(self, clean: Tensor, plane: Plane, wanted: Tensor | None) -> Tensor:
        if wanted is None:
            return clean
        pixels = plane.unfold(clean, self.grid)
        missing = wanted - shrink(pixels, wanted.shape[-2:])
        return plane.fold(pixels + enlarge(missing, pixels.shape[-2:], wrap=self.wrap, mode="bilinear"))
