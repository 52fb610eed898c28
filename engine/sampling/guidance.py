"""Guidance: predictions pushed away from those of a model that knows less."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..model.denoiser import Denoiser
from ..model.transformer import token_ids

ALWAYS = (0.0, 1.0)  # every noise level

Looks = tuple[Tensor, Tensor]  # predictions of image and depth


@dataclass(frozen=True)
class Guidance:
    """How far to go beyond a prediction, away from one that knows less (classifier-free guidance); 1: not at all.

    text      away from the empty prompt
    depth     away from a given depth that is noise: the picture keeps to the depth, as one that sees it does
    interval  noise levels, lowest and highest, at which to do so
    seed      of that noise
    """

    text: float = 1.0
    depth: float = 1.0
    interval: tuple[float, float] = ALWAYS
    seed: int = 0

    @property
    def looks(self) -> int:
        """How many predictions a step takes."""
        return 1 + (self.text > 1.0) + (self.depth > 1.0)

    def combined(self, looks: Sequence[Tensor]) -> Tensor:
        """u + depth (d - u) + text (c - d), of the looks c: at all; d: without text; u: nor with depth.

        As in InstructPix2Pix (arXiv 2211.09800, equation 3). Without text guidance all of them see the text, and
        without that of depth all see the depth. Guiding x or v is the same: the combination is affine.
        """
        result, without_text = looks[0], looks[0]
        if self.text > 1.0:
            without_text = looks[1]
            result = without_text + self.text * (result - without_text)
        if self.depth > 1.0:
            result = result + (self.depth - 1.0) * (without_text - looks[-1])
        return result


def guided(
    model: Denoiser,
    ctx: Tensor,
    null_ctx: Tensor | None,
    guidance: Guidance,
    grid: tuple[int, int],
    guidance_embed: float | None = None,
    one_batch: bool = True,
) -> Callable[[Tensor, Tensor, Tensor, Tensor], Looks]:
    """The model as (image, depth, t_image, t_depth) -> predictions, with guidance where there is any."""
    batch = ctx.shape[0]
    null = torch.zeros_like(ctx) if null_ctx is None else null_ctx.to(ctx).expand_as(ctx)
    words = [ctx, null] if guidance.text > 1.0 else [ctx]
    words += [words[-1]] if guidance.depth > 1.0 else []
    noises = torch.Generator("cpu").manual_seed(guidance.seed)
    ids = token_ids(1, ctx.shape[1], grid, ctx.device)

    def look(words: Tensor, image: Tensor, depth: Tensor, t_image: Tensor, t_depth: Tensor) -> Looks:
        rows = words.shape[0]
        return model(
            img=image,
            depth=depth,
            ctx=words,
            timesteps=t_image.expand(rows),
            depth_timesteps=t_depth.expand(rows),
            guidance=None if guidance_embed is None else torch.full((rows,), guidance_embed, device=ctx.device),
            **{name: positions.expand(rows, -1, -1) for name, positions in ids.items()},
        )

    def predict(image: Tensor, depth: Tensor, t_image: Tensor, t_depth: Tensor) -> Looks:
        lowest, highest = guidance.interval
        if guidance.looks == 1 or not lowest <= float(torch.maximum(t_image, t_depth)) <= highest:
            return look(ctx, image, depth, t_image, t_depth)
        depths, levels = [depth] * len(words), [t_depth] * len(words)
        if guidance.depth > 1.0:
            depths[-1] = torch.randn(depth.shape, generator=noises).to(depth)
            levels[-1] = torch.ones_like(t_depth)
        if one_batch:
            # A level that all rows share stays one number, which the model notices.
            level = torch.stack(levels).repeat_interleave(batch) if guidance.depth > 1.0 else t_depth
            outputs = look(torch.cat(words), torch.cat([image] * len(words)), torch.cat(depths), t_image, level)
            looks = zip(*(part.split(batch) for part in outputs), strict=True)
        else:
            each = zip(words, depths, levels, strict=True)
            looks = [look(text, image, seen, t_image, level) for text, seen, level in each]
        image_looks, depth_looks = zip(*looks, strict=True)
        return guidance.combined(image_looks), guidance.combined(depth_looks)

    return predict
