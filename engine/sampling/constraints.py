"""What is known of a picture or of its depth, held while the rest is sampled.

A known value follows its own noised truth: entering a step at level t it is set to (1 - t) known + t noise, with the
noise the rollout began with. So the model sees beside every unknown value what it saw in training: neighbours at the
same level. In-painting, out-painting, set extension and depth completion are this one mechanism with other masks.

Two things come on top, each where that alone is not enough:

resampling   what is generated first does not know yet what will stand beside it. Jumping back to a higher level and
             sampling again lets both sides agree (RePaint, arXiv 2201.09865)
correction   a few hundred known depths are a pixel or two in a patch, too faint to steer the whole patch; and known
             colours may be none that the model would have chosen. So what known pixels say about the model's
             prediction, the difference there, is carried to the others: to those that look alike, and more to near
             ones (kernel regression, see ``propagated``)

A relative depth has no unit, and its mean is not known from a part of it. The unit is therefore found on the way: at
every step the median ratio of known depth to predicted depth, which outliers do not move. At the first step no unit
is needed, as the known values are pure noise there; with every step both the prediction and the unit settle.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ..model.patches import from_patches, to_patches
from .windows import Broad, Plane

Noise = tuple[Tensor | None, Tensor | None]

JUMPS = 10  # resampling goes back this part of the steps at a time

# Of the correction. Chosen by image-to-depth with 1 % known pixels on samples that are not in the report.
NEAR_PX = 20.0  # pixels at this distance are still near
ALIKE_COLOUR = 0.5  # colours (-1..1) this far apart are still alike
ALIKE_DEPTH = 0.3  # so are contracted depths
DOUBT = 0.25  # share of a difference that is the pixel's own and says nothing about others
ANCHORS = 512  # known pixels the correction is fitted to, at most: its cost grows with their square
ROWS = 1 << 16  # pixels corrected at a time: bounds the memory


class PictureTokens(Protocol):
    """An image codec on its grid; see engine.sampling.tiling.RingCodec."""

    def encode(self, image: Tensor) -> Tensor: ...
    def decode(self, tokens: Tensor) -> Tensor: ...


class DepthTokens(Protocol):
    """The part of a depth codec that is needed here; see engine.model.depth_codec."""

    @property
    def patch_size(self) -> int: ...
    @property
    def value_scale(self) -> float: ...
    def encode_relative(self, depth: Tensor) -> Tensor: ...
    def decode(self, tokens: Tensor, grid: tuple[int, int], *, clip: bool = False) -> Tensor: ...
    def known_tokens(self, known: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Alike:
    """What makes two pixels alike, for the correction: predicted colour and predicted depth.

    colour  image tokens (B, L, C) -> (B, 3, H, W) in -1..1: the image codec's decoding
    codec   of depth, H x W on the grid
    """

    grid: tuple[int, int]
    colour: Callable[[Tensor], Tensor]
    codec: DepthTokens

    def features(self, image: Tensor, depth: Tensor) -> Tensor:
        """(B, H, W, 4) of predicted tokens, in units of what is still alike."""
        colours = self.colour(image).clamp(-1, 1).permute(0, 2, 3, 1) / ALIKE_COLOUR
        codes = from_patches(depth, self.grid, self.codec.patch_size, channels=1)
        return torch.cat([colours, codes / (self.codec.value_scale * ALIKE_DEPTH)], dim=-1)


@dataclass(frozen=True)
class KnownImage:
    """Known image tokens that are pixels.

    tokens      (B or 1, L, C) clean; any value where they are not known
    known       (B or 1, L, C) bool; a codec's known_tokens gives it
    plane       how tokens are colours of pixels
    strictness  0..1: how far down the known values are held, to the noise level 1 - strictness. 1: to the end
    """

    tokens: Tensor
    known: Tensor
    plane: Plane
    strictness: float = 1.0

    def impose(self, tokens: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """The state (B, L, C) entering level t, with what is known in it."""
        return noised(tokens, self.tokens, self.known, t, noise) if held(t, self.strictness) else tokens

    def correct(self, clean: Tensor, t: Tensor, features: Tensor, grid: tuple[int, int]) -> Tensor:
        """The model's prediction (B, L, C), corrected by the known pixels; features as of Alike."""
        if not held(t, self.strictness):
            return clean
        known = self.plane.unfold(self.known.expand_as(clean).float(), grid)[:, 0] > 0
        missing = self.plane.unfold(self.tokens - clean, grid).permute(0, 2, 3, 1)
        return clean + self.plane.fold(carried(missing, known, features).permute(0, 3, 1, 2))


class KnownLatents:
    """Known pixels of an image whose tokens are an autoencoder's, each of which mixes many pixels, known and not.

    So what is held is not what the known pixels alone are encoded as, but the predicted picture with the known pixels
    in it: found anew with every prediction. Tokens that are known as a whole are set to that. Of the others the
    prediction is moved by what known pixels change in it: the difference of two encodings, in which the
    autoencoder's own loss cancels.

    image       (B or 1, 3, H, W) in -1..1; any finite value where it is not known
    known       (B or 1, H, W) bool
    codec       of the image, on its grid
    whole       (B or 1, L, 1) bool: tokens that are known as a whole; a codec's known_tokens gives it
    strictness  as of KnownImage
    """

    def __init__(
        self, image: Tensor, known: Tensor, codec: PictureTokens, whole: Tensor, strictness: float = 1.0
    ) -> None:
        self.strictness = strictness
        self._image, self._known, self._codec, self._whole = image, known, codec, whole
        self._tokens = codec.encode(image)

    def impose(self, tokens: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        return noised(tokens, self._tokens, self._whole, t, noise) if held(t, self.strictness) else tokens

    def correct(self, clean: Tensor, t: Tensor, features: Tensor, grid: tuple[int, int]) -> Tensor:
        """The model's prediction (B, L, C), corrected by the known pixels; features as of Alike."""
        if not held(t, self.strictness):
            return clean
        predicted = self._codec.decode(clean)
        missing = (self._image - predicted).permute(0, 2, 3, 1)
        known = self._known.expand(missing.shape[:3])
        corrected = predicted + carried(missing, known, features).permute(0, 3, 1, 2)
        self._tokens = self._codec.encode(torch.where(known[:, None], self._image, corrected))
        return clean + self._tokens - self._codec.encode(predicted)


class KnownDepth:
    """Known depth, in a unit of its own.

    depth       (B, H, W) z-depth > 0, inf = sky
    known       (B, H, W) bool
    codec       the model's
    strictness  as of KnownImage
    scale       (B,) the unit: known depth divided by the model's; NaN until the first prediction, or for ever where
                only sky is known
    """

    def __init__(
        self,
        depth: Tensor,
        known: Tensor,
        codec: DepthTokens,
        strictness: float = 1.0,
    ) -> None:
        self.strictness = strictness
        self.scale = torch.full((depth.shape[0],), torch.nan, device=depth.device)
        self._codec = codec
        self._grid = (depth.shape[1] // codec.patch_size, depth.shape[2] // codec.patch_size)
        self._depth, self._known = torch.where(known, depth, torch.inf), known
        self._known_tokens = codec.known_tokens(known)

    def impose(self, tokens: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        if not held(t, self.strictness):
            return tokens
        return noised(tokens, self._tokens(), self._known_tokens, t, noise)

    def correct(self, clean: Tensor, t: Tensor, features: Tensor) -> Tensor:
        """The model's prediction (B, L, C), corrected by the known pixels; finds the unit anew."""
        if not held(t, self.strictness):
            return clean
        self.scale = self._fitted_scale(clean)
        size = self._codec.patch_size  # a token's channels are the pixels' codes
        missing = from_patches(self._tokens() - clean, self._grid, size, channels=1)
        return clean + to_patches(carried(missing, self._known, features), size)

    def _fitted_scale(self, clean: Tensor) -> Tensor:
        predicted = self._codec.decode(clean, self._grid, clip=True)
        usable = self._known & torch.isfinite(self._depth) & torch.isfinite(predicted) & (predicted > 0)
        ratio = torch.where(usable, self._depth / predicted, torch.nan)
        return ratio.flatten(1).nanmedian(dim=1).values

    def _tokens(self) -> Tensor:
        """The known depth as tokens in the model's unit."""
        scale = torch.where(self.scale.isnan(), 1.0, self.scale)
        return self._codec.encode_relative(self._depth / scale[:, None, None])


@dataclass(frozen=True)
class Constraints:
    """All that is known; made anew for every rollout (``KnownDepth`` follows it).

    resample  how often each part of the way is walked; 1: once, no jumps
    alike     for the correction; None: without
    broad     the broad shapes of both, for samples larger than the model's own size (see windows)
    """

    image: KnownImage | KnownLatents | None = None
    depth: KnownDepth | None = None
    resample: int = 1
    broad: Broad | None = None
    alike: Alike | None = None

    @property
    def unit(self) -> float:
        """What the model's depth is to be multiplied by to be in the known depth's unit; 1 where none was found."""
        if self.depth is None or self.depth.scale.isnan().any():
            return 1.0
        return float(self.depth.scale[0])

    def impose(
        self, image: Tensor, depth: Tensor, t_image: Tensor, t_depth: Tensor, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        """The states (B, L, C) entering levels t, with what is known in them.

        noise  the rollout's initial (image, depth) noise; a modality without is known as a whole, and left alone
        """
        if self.image is not None and noise[0] is not None:
            image = self.image.impose(image, t_image, noise[0])
        if self.depth is not None and noise[1] is not None:
            depth = self.depth.impose(depth, t_depth, noise[1])
        return image, depth

    @property
    def corrects(self) -> bool:
        """Whether predictions are changed by what is known."""
        return self.broad is not None or self.alike is not None

    def corrected(self, image: Tensor, depth: Tensor, t_image: Tensor, t_depth: Tensor) -> tuple[Tensor, Tensor]:
        """The model's predictions (B, L, C) as they are to be followed, from levels t."""
        if self.broad is not None:
            image, depth = self.broad.settle_image(image), self.broad.settle_depth(depth)
        if self.alike is not None:
            features = self.alike.features(image, depth)
            if self.image is not None:
                image = self.image.correct(image, t_image, features, self.alike.grid)
            if self.depth is not None:
                depth = self.depth.correct(depth, t_depth, features)
        return image, depth


NONE = Constraints()


def held(t: Tensor, strictness: float) -> bool:
    """Whether known values are still imposed at level t. A small tolerance: levels are float32."""
    return strictness > 0 and float(t) >= 1.0 - strictness - 1e-6


def noised(tokens: Tensor, clean: Tensor, known: Tensor, t: Tensor, noise: Tensor) -> Tensor:
    """(1 - t) clean + t noise where known, the given tokens elsewhere."""
    t = t.to(tokens.device)
    return torch.where(known, (1 - t) * clean + t * noise, tokens)


def walk(num_steps: int, resample: int) -> Iterator[tuple[int, int]]:
    """Pairs of levels (from, to) of a rollout: 0 -> 1 -> ... -> num_steps, each of JUMPS parts ``resample`` times.

    A pair that goes up is a step of the sampler; one that goes down is a jump back to a higher noise level.
    """
    length = max(1, math.ceil(num_steps / JUMPS)) if resample > 1 else num_steps
    for start in range(0, num_steps, length):
        end = min(start + length, num_steps)
        for again in range(resample):
            if again:
                yield end, start
            for index in range(start, end):
                yield index, index + 1


def renoised(x: Tensor, t: Tensor, higher: Tensor, generator: torch.Generator) -> Tensor:
    """x_t brought to a higher level, by as much fresh noise as makes its spread what it is there."""
    low, high = float(t), float(higher)
    if high <= low:
        return x
    keep = (1 - high) / (1 - low)
    fresh = max(0.0, high**2 - (keep * low) ** 2) ** 0.5
    return keep * x + fresh * torch.randn(x.shape, generator=generator).to(x.device)


def carried(missing: Tensor, known: Tensor, features: Tensor) -> Tensor:
    """``propagated`` for a batch: (B, H, W, V), (B, H, W) bool, (B, H, W, F) -> (B, H, W, V)."""
    return torch.stack([propagated(*item) for item in zip(missing, known, features, strict=True)])


def propagated(difference: Tensor, known: Tensor, features: Tensor) -> Tensor:
    """What differences (H, W, V) at known pixels (H, W) bool let expect at all pixels: (H, W, V).

    Gaussian process regression with a prior mean of zero: of pixels that are not like any known one nothing is said.
    Two pixels' differences go together as far as their features (H, W, F) are alike, twice as much where they are near.
    """
    if not known.any():
        return torch.zeros_like(difference)
    height, width = known.shape
    y, x = torch.meshgrid(*(torch.arange(side, device=known.device) for side in (height, width)), indexing="ij")
    place = torch.stack([y, x], dim=-1).flatten(0, 1).float() / NEAR_PX
    features, values = features.flatten(0, 1), difference.flatten(0, 1)

    anchors = known.flatten().nonzero()[:, 0]
    if len(anchors) > ANCHORS:  # evenly over their number, which is evenly over their area
        anchors = anchors[torch.linspace(0, len(anchors) - 1, ANCHORS, device=anchors.device).round().long()]

    def kernel(rows: slice | Tensor) -> Tensor:
        alike = (-0.5 * torch.cdist(features[rows], features[anchors]).square()).exp()
        near = (-0.5 * torch.cdist(place[rows], place[anchors]).square()).exp()
        return alike * (1 + near) / 2

    doubt = DOUBT * torch.eye(len(anchors), device=known.device)
    weights = torch.linalg.solve(kernel(anchors) + doubt, values[anchors])
    chunks = [kernel(slice(start, start + ROWS)) @ weights for start in range(0, height * width, ROWS)]
    return torch.cat(chunks).view_as(difference)
