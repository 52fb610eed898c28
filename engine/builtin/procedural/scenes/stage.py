"""What every scene stands on: a camera, a sky, a floor, the sun, the haze.

World axes: x right, y up, z forward; the camera stands above the origin. Lengths in metres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..materials import MATERIALS, make_surface
from ..noise import Array, Canvas, mix, smoothstep
from ..palette import color
from ..recipe import TONES, Recipe, Sketch
from ..shading import shade

FLOORS = ("checkered", "wood", "tiled", "grass", "sand", "stone")
FLOOR_COLORS = {  # what training draws from; grass, sand and stone have a colour of their own
    "checkered": ("black", "red", "blue", "green", "brown"),
    "wood": ("brown", "tan", "orange"),
    "tiled": ("grey", "white", "beige", "teal", "tan"),
}
_TILE_PX = 256
_PAVED_PX, _PAVED_M = 512, np.float32(2.0)  # a tile of a material is two metres of floor
_GROUND = {"grass": (0.28, 0.45, 0.15), "sand": (0.78, 0.66, 0.45), "stone": (0.48, 0.47, 0.45)}


@dataclass(frozen=True)
class SkyLook:
    """zenith and horizon: colours of the sky; light: colour of what the sun shines on."""

    zenith: tuple[float, float, float]
    horizon: tuple[float, float, float]
    light: tuple[float, float, float]


SKIES = {
    "blue": SkyLook((0.35, 0.55, 0.85), (0.78, 0.86, 0.93), (1, 1, 1)),
    "sunset": SkyLook((0.35, 0.30, 0.50), (0.98, 0.62, 0.35), (1, 0.75, 0.55)),
    "grey": SkyLook((0.55, 0.58, 0.62), (0.80, 0.81, 0.82), (0.85, 0.87, 0.9)),
    "night": SkyLook((0.02, 0.03, 0.08), (0.10, 0.13, 0.25), (0.18, 0.22, 0.38)),
}


@dataclass(frozen=True)
class View:
    """picture  (H, W, 3) float, display values, any range
    depth    (H, W) float32 z-depth in metres, inf = sky
    fov_deg  horizontal field of view
    """

    picture: Array
    depth: Array
    fov_deg: float


class Camera:
    """A level-headed pinhole camera: square pixels, centre in the middle, pitched down by ``pitch`` radians.

    fov      radians across the shorter side, so that a scene shows the same at every aspect
    fov_deg  horizontal degrees instead, where the camera is given
    zoom     how much closer that makes things look; 1 where it is not given
    rise     slope of the ray through the middle of the upper border
    rays     (H, W, 3) float32 in world axes; each has z-depth 1, so a point on it at ``t`` has z-depth t
    """

    def __init__(self, canvas: Canvas, fov: float, pitch: float, fov_deg: float | None = None) -> None:
        half = math.tan(fov / 2) * 2  # units are sides of the shorter side, whose half is 1/2
        self.zoom = 1.0
        if fov_deg is not None:
            given = math.tan(math.radians(fov_deg) / 2) * 2 / canvas.width
            self.zoom = half / given
            half, pitch = given, math.atan(math.tan(pitch) / self.zoom)  # the horizon stays where it was
        self.rise = math.tan(math.atan(half * canvas.height / 2) - pitch)
        self.fov_deg = math.degrees(2 * math.atan(half * canvas.width / 2))
        right = (canvas.x - np.float32(canvas.width / 2)) * np.float32(half)
        up = (np.float32(canvas.height / 2) - canvas.y) * np.float32(half)
        cosine, sine = np.float32(math.cos(pitch)), np.float32(math.sin(pitch))
        self.rays = np.empty((*canvas.shape, 3), np.float32)
        self.rays[..., 0] = right
        self.rays[..., 1] = cosine * up - sine
        self.rays[..., 2] = sine * up + cosine


def turned(rays: Array, yaw: float) -> Array:
    """(H, W, 3): the rays of a camera that looks ``yaw`` radians to the right; depths along them stay z-depths."""
    cosine, sine = np.float32(math.cos(yaw)), np.float32(math.sin(yaw))
    x, y, z = np.moveaxis(rays, -1, 0)
    return np.stack([cosine * x + sine * z, y, cosine * z - sine * x], -1)


def sky(rays: Array, name: str) -> Array:
    """(H, W, 3) float32: the sky behind every ray."""
    look = SKIES[name]
    elevation = np.clip(rays[..., 1] / np.sqrt((rays * rays).sum(-1)), 0, 1) ** 0.6
    return mix(np.array(look.horizon, np.float32), np.array(look.zenith, np.float32), elevation)


def tint(name: str) -> Array:
    """(3,) float32: what the light of that sky makes of white."""
    return (0.35 + 0.65 * np.array(SKIES[name].light)).astype(np.float32)


def hazed(picture: Array, distance: Array, name: str, density: float) -> Array:
    """The picture with the horizon's colour laid over what is far."""
    return mix(picture, np.array(SKIES[name].horizon, np.float32), 1 - np.exp(-density * distance))


def floor_depth(rays: Array, eye_height: float, farthest: float) -> Array:
    """(H, W) float32: z-depth of the floor y = 0, inf where the ray does not meet it before ``farthest``."""
    down = -rays[..., 1]
    depth = np.float32(eye_height) / np.maximum(down, 1e-6)
    return np.where((down > 1e-4) & (depth < farthest), depth, np.float32(np.inf))


def sun(sketch: Sketch, behind: float = 1.0) -> Array:
    """(3,) unit vector to the sun."""
    light = np.array([sketch.random(-1, 1), sketch.random(0.8, 1.4), sketch.random(-behind, 0.3)])
    return (light / np.linalg.norm(light)).astype(np.float32)


def lookup(tile: Array, u: Array, v: Array) -> Array:
    """Bilinear lookup in a periodic square tile (N, N) or (N, N, C); u and v in tiles."""
    size = tile.shape[0]
    flat = tile.reshape(size * size, *tile.shape[2:])
    x, y = u * size - 0.5, v * size - 0.5
    i, j = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    fx, fy = (x - i).astype(np.float32), (y - j).astype(np.float32)
    if tile.ndim == 3:
        fx, fy = fx[..., None], fy[..., None]
    i, j = i % size, j % size
    i1, j1 = (i + 1) % size, (j + 1) % size
    j, j1 = j * size, j1 * size
    top = flat[j + i] * (1 - fx) + flat[j + i1] * fx
    return top * (1 - fy) + (flat[j1 + i] * (1 - fx) + flat[j1 + i1] * fx) * fy


def floor_albedo(sketch: Sketch, x: Array, z: Array, distance: Array, light: Array) -> Array:
    """(H, W, 3) float32: the colour of the recipe's floor at the points (x, z); patterns fade where too fine."""
    kind, scale = sketch.recipe.floor, sketch.random(0.6, 1.3)
    if kind in MATERIALS:
        return paved(sketch, x, z, distance, light)
    u, v = x / np.float32(scale), z / np.float32(scale)
    fade = np.clip(1.6 - distance * 0.09, 0, 1)
    shape = x.shape
    name = sketch.recipe.floor_color
    base = color(sketch.rng, name) if name else np.array(_GROUND[kind]) * (1 + sketch.rng.normal(0, 0.07))

    def to_joint(t: Array) -> Array:
        t = t - np.floor(t)
        return np.minimum(t, 1 - t)

    if kind == "checkered":
        dark = (np.floor(u) + np.floor(v)) % 2
        return mix(base, np.full(3, 0.85, np.float32), 0.5 + (dark - 0.5) * fade)
    if kind == "tiled":
        face = smoothstep(0.02, 0.05, np.minimum(to_joint(u), to_joint(v)))
        return base * (0.45 + 0.55 * (0.92 + (face - 0.92) * fade))[..., None]
    if kind == "wood":
        shade = sketch.rng.random(64).astype(np.float32)[np.floor(2 * u).astype(np.int32) % 64]
        return base * (0.8 + 0.35 * (0.5 + (shade - 0.5) * fade) - 0.3 * fade * (to_joint(2 * u) < 0.06))[..., None]
    ground = Canvas(_TILE_PX, _TILE_PX)
    fine, coarse = ground.noise(sketch.rng, 0.8), ground.noise(sketch.rng, 1.5)
    step = footprint(sketch, distance) / np.float32(scale)
    grain = 0.10 * smooth_lookup(fine, u / 4, v / 4, step / 4) + 0.08 * smooth_lookup(coarse, u / 13, v / 13, step / 13)
    return np.broadcast_to(base.astype(np.float32), (*shape, 3)) * (1 + grain)[..., None]


def footprint(sketch: Sketch, distance: Array) -> Array:
    """(H, W) float32: about how many metres of floor one pixel covers at that z-depth, seen at eye height."""
    across = distance * np.float32(sketch.canvas.pixel)
    return across * np.sqrt(1 + distance / 1.5)  # between the width of a pixel's patch and its length


def smooth_lookup(tile: Array, u: Array, v: Array, step: Array) -> Array:
    """As ``lookup``, in a tile averaged over about ``step`` tiles: no flicker far away."""
    levels = [tile]
    while levels[-1].shape[0] > 1:
        t = levels[-1]
        levels.append((t[::2, ::2] + t[1::2, ::2] + t[::2, 1::2] + t[1::2, 1::2]) / 4)
    wanted = np.clip(np.log2(np.maximum(step * tile.shape[0], 1e-6)), 0, len(levels) - 1.001).astype(np.float32)
    below = np.floor(wanted).astype(np.int32)
    out = np.empty((*u.shape, *tile.shape[2:]), np.float32)
    for level in range(len(levels) - 1):
        here = below == level
        if here.any():
            part = (wanted[here] - level).reshape(-1, *[1] * (tile.ndim - 2))
            fine, rough = (lookup(levels[k], u[here], v[here]) for k in (level, level + 1))
            out[here] = fine + (rough - fine) * part
    return out


def paved(sketch: Sketch, x: Array, z: Array, distance: Array, light: Array) -> Array:
    """(H, W, 3): a floor of a material, lit from where the scene's sun stands."""
    recipe = sketch.recipe
    material = MATERIALS[recipe.floor]
    tile = Canvas(_PAVED_PX, _PAVED_PX)
    colors = (recipe.floor_color,) if recipe.floor_color else material.natural[:1]
    traits = (recipe.traits - set(TONES)) | set(list(material.variants)[:1])
    paving = Sketch(tile, sketch.rng, Recipe(recipe.floor, colors=colors, traits=traits), sketch.tick)
    surface = make_surface(paving)
    from_tile = np.array([light[0], light[2], max(light[1], 0.3)])  # the tile's y runs away from the camera
    surface.specular = 0.0  # it would be the camera's place at the tile's zenith
    picture = np.clip(shade(tile, sketch.rng, surface, from_tile / np.linalg.norm(from_tile)), 0, 1)
    return smooth_lookup(picture.astype(np.float32), x / _PAVED_M, z / _PAVED_M, footprint(sketch, distance) / _PAVED_M)
