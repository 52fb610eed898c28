"""A given picture as a camera might have taken it: other light, colours and lenses, blur, noise, JPEG.

For training image to depth alone: the depth stays what it is, and nothing learns to paint such pictures.
"""

from __future__ import annotations

import io

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from .softness import blur

SKY_DISPARITY = 0.005  # below it a depth counts as infinite, as in dataset.py
LEAST_SIDE = 0.55  # of a picture that is cut out of another one
OFTEN, SELDOM = 0.6, 0.3  # of the pictures that a change is made to


def photographed(image: Tensor, depth: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """image (3, S, S) in -1..1, depth (S, S), inf = sky, nan = not known -> the same of what the camera took."""
    if rng.random() < OFTEN and not depth.isnan().any():
        image, depth = _cut_out(image, depth, rng)
    light = (image + 1) / 2
    if rng.random() < OFTEN:
        light = _lit(light, rng)
    if rng.random() < OFTEN:
        light = _coloured(light, rng)
    if rng.random() < OFTEN:
        light = light.clamp(0, 1) ** float(np.exp(rng.uniform(-0.4, 0.4)))  # exposure
    light = light.clamp(0, 1)
    if rng.random() < SELDOM:
        light = blur(light[None], float(rng.uniform(0.3, 1.2)))[0]
    if rng.random() < OFTEN:
        noise = rng.standard_normal(light.shape, np.float32) * np.float32(rng.uniform(0, 0.05))
        light = (light + torch.from_numpy(noise)).clamp(0, 1)
    if rng.random() < SELDOM:
        light = _compressed(light, int(rng.integers(25, 90)))
    return light * 2 - 1, depth


def _cut_out(image: Tensor, depth: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A square part of it at the same size: a longer lens, off its axis."""
    size = image.shape[-1]
    side = max(2, round(size * float(rng.uniform(LEAST_SIDE, 1.0))))
    y, x = (int(at) for at in rng.integers(0, size - side + 1, 2))
    disparity = torch.where(depth.isinf(), 0.0, 1.0 / depth)[None]
    joined = torch.cat([image, disparity])[None, :, y : y + side, x : x + side]
    joined = F.interpolate(joined, size=(size, size), mode="bilinear", align_corners=False)[0]
    return joined[:3], torch.where(joined[3] <= SKY_DISPARITY, torch.inf, 1.0 / joined[3])


def _lit(light: Tensor, rng: np.random.Generator) -> Tensor:
    """Brighter to one side, and darker to the corners."""
    size = light.shape[-1]
    y, x = torch.meshgrid(*[torch.linspace(-1, 1, size)] * 2, indexing="ij")
    angle, slope, corners = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.35), rng.uniform(0, 0.25)
    side = float(np.cos(angle)) * x + float(np.sin(angle)) * y
    return light * (1 + float(slope) * side - float(corners) * (x * x + y * y))


def _coloured(light: Tensor, rng: np.random.Generator) -> Tensor:
    """Another white balance, contrast and saturation."""
    cast = torch.from_numpy(rng.uniform(0.8, 1.2, 3).astype(np.float32))[:, None, None]
    grey = light.mean(dim=0, keepdim=True)
    light = grey + (light - grey) * float(rng.uniform(0.2, 1.3))
    middle = light.mean()
    return (middle + (light - middle) * float(rng.uniform(0.6, 1.3))) * cast


def _compressed(light: Tensor, quality: int) -> Tensor:
    pixels = (light * 255).round().byte().permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG", quality=quality)
    found = np.asarray(Image.open(file), np.float32) / 255
    return torch.from_numpy(found).permute(2, 0, 1)
