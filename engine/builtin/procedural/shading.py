"""From a surface (colour and height) to the picture of it: one light, contact shadows, gloss."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .noise import Canvas, Number

_DISPLAY_GAMMA = 1.15  # a little lift of the dark tones


@dataclass
class Surface:
    """What a material is made of.

    albedo     (H, W, 3) float32 display colour without light
    height     (H, W) float32, 0 (deep) to about 1 (proud)
    amplitude  how much of the distance to the camera the relief takes: depth = 1 + amplitude * (0.5 - height)
    relief     height 1 in units (the picture's shorter side), as the light sees it
    specular   strength of the highlight, one or (H, W); gloss: its sharpness
    ambient    share of light from everywhere, 0..1; None: drawn
    glow       (H, W, 3) added after the light, or None
    """

    albedo: np.ndarray
    height: np.ndarray
    amplitude: float
    relief: Number
    specular: float | np.ndarray = 0.0
    gloss: float = 20.0
    ambient: float | None = None
    glow: np.ndarray | None = None

    def depth(self) -> np.ndarray:
        """(H, W) float32, about 1, smaller is nearer."""
        return (1.0 + self.amplitude * (0.5 - np.clip(self.height, 0, 1.1))).astype(np.float32)


def light_direction(rng: np.random.Generator) -> np.ndarray:
    """(3,) unit vector to the light, x right, y down, z towards the viewer; mostly from above the picture."""
    anywhere, around, above = rng.random(), rng.uniform(0, 2 * math.pi), rng.uniform(1.1 * math.pi, 1.9 * math.pi)
    azimuth = around if anywhere < 0.3 else above
    elevation = rng.uniform(0.6, 1.1)
    flat = math.cos(elevation)
    return np.array([math.cos(azimuth) * flat, math.sin(azimuth) * flat, math.sin(elevation)])


def shade(canvas: Canvas, rng: np.random.Generator, surface: Surface, light: np.ndarray | None = None) -> np.ndarray:
    """(H, W, 3) float32 display values: the surface under one light, drawn where none is given."""
    if light is None:
        light = light_direction(rng)
    ambient = rng.uniform(0.35, 0.5)
    if surface.ambient is not None:
        ambient = surface.ambient
    height = surface.height
    steepness = np.float32(0.5 * surface.relief / canvas.pixel)
    gx = (np.roll(height, -1, 1) - np.roll(height, 1, 1)) * steepness
    gy = (np.roll(height, -1, 0) - np.roll(height, 1, 0)) * steepness
    normal_z = 1 / np.sqrt(gx * gx + gy * gy + 1)

    def facing(direction: np.ndarray) -> np.ndarray:
        x, y, z = (np.float32(value) for value in direction)
        return np.clip((z - gx * x - gy * y) * normal_z, 0, None)

    open_sky = sky_seen(canvas, height)
    direct = np.clip(facing(light) / np.float32(light[2]), 0, 1.6)
    lit = ambient * open_sky + (1 - ambient) * direct * (0.4 + 0.6 * open_sky)
    picture = surface.albedo * lit[..., None]
    if np.any(surface.specular):
        half = light + np.array([0, 0, 1.0])
        highlight = np.clip(facing(half / np.linalg.norm(half)), 0, 1) ** surface.gloss
        picture += (surface.specular * highlight).astype(np.float32)[..., None]
    if surface.glow is not None:
        picture += surface.glow
    return picture


def shade_evenly(canvas: Canvas, surface: Surface) -> np.ndarray:
    """(H, W, 3) float32 display values: the surface under an overcast sky.

    For a material that Blender's own lights will shine on: a sun or a highlight in its colour would be a second one.
    """
    picture = surface.albedo * np.sqrt(sky_seen(canvas, surface.height))[..., None]
    return picture if surface.glow is None else picture + surface.glow


def sky_seen(canvas: Canvas, height: np.ndarray) -> np.ndarray:
    """(H, W) float32, 0.25..1: the share of the sky that a point sees; less in what lies below its surroundings."""
    near, far = canvas.blur(height, 0.02), canvas.blur(height, 0.06)
    return np.clip(1 - 1.6 * np.clip(near - height, 0, 1) - 0.9 * np.clip(far - height, 0, 1), 0.25, 1)


def to_display(picture: np.ndarray) -> np.ndarray:
    """(H, W, 3) float, any range -> uint8 sRGB."""
    return (np.clip(picture, 0, 1) ** np.float32(1 / _DISPLAY_GAMMA) * 255 + 0.5).astype(np.uint8)
