"""Open air: objects on a floor, a plane to the horizon, hills and mountains."""

from __future__ import annotations

import math

import numpy as np

from ..noise import Array, Canvas, mix, smoothstep
from ..palette import color
from ..recipe import Sketch
from . import shapes
from .stage import Camera, View, floor_albedo, floor_depth, footprint, hazed, lookup, sky, smooth_lookup, sun, tint


def objects(sketch: Sketch) -> View:
    """Boxes or spheres, each with its shadow, on a floor under the sky."""
    recipe = sketch.recipe
    camera = Camera(sketch.canvas, sketch.random(0.7, 1.0), sketch.random(0.12, 0.45), sketch.fov_deg)
    rays, eye = camera.rays, np.array([0, sketch.random(1.2, 2.4), 0], np.float32)
    light = sun(sketch)
    depth = floor_depth(rays, eye[1], 60)
    floor_only, on_floor = depth, np.isfinite(depth)
    floor = rays * np.where(on_floor, depth, 0)[..., None]
    floor[..., 1] = 0
    albedo = floor_albedo(sketch, floor[..., 0], floor[..., 2], np.where(on_floor, depth, 0), light)
    sunlit = np.full(sketch.shape, light[1], np.float32)  # cosine of the sun's angle, 0 in shadow
    base = sketch.color()
    for shape in place(sketch, camera, float(eye[1]), recipe.count):
        shade = np.clip(base * (1 + sketch.rng.normal(0, 0.12)), 0, 1).astype(np.float32)
        sketch.tick()
        hit, normal = shape.meet(eye, rays)
        nearer = hit < depth
        ground = on_floor & (depth == floor_only)
        dark = ground & shape.shadows(floor, light)
        sunlit = np.where(dark, 0, sunlit)
        albedo = np.where(ground[..., None], albedo * shape.closeness(floor)[..., None], albedo)
        depth = np.where(nearer, hit, depth)
        albedo = np.where(nearer[..., None], shade, albedo)
        sunlit = np.where(nearer, np.clip(normal @ light, 0, None), sunlit)
    picture = albedo * (0.42 + 0.58 * sunlit)[..., None] * tint(recipe.sky)
    return under_sky(camera, picture, depth, recipe.sky, 0.02)


def place(sketch: Sketch, camera: Camera, eye_m: float, count: int) -> list[shapes.Shape]:
    """``count`` shapes beside each other in front of the camera, near and far, all within the picture."""
    make = shapes.Sphere if sketch.has("spheres") else shapes.Box
    scale = {"small": 0.55, "large": 1.5}.get(sketch.recipe.size, 1.0)
    reach = math.tan(math.radians(camera.fov_deg) / 2)
    lane = 2 / count
    found = []
    for number in sketch.rng.permutation(count):
        size, z = scale * sketch.random(0.4, 1.0), sketch.random(3.5, 7.5) * max(camera.zoom, 0.6)
        top = max(0.3, eye_m + 0.9 * z * camera.rise)  # what is higher leaves the picture
        size = min(size, 0.7 * lane * reach * z, 0.5 * top)  # not far into its neighbour's lane
        across = -1 + lane * (number + 0.5 + sketch.random(-0.25, 0.25))  # -1: left border, 1: right border
        room = max(0.0, reach * z - 0.9 * size)
        found.append(make(across * room, z, size, sketch.random(0, np.pi), min(sketch.random(0.6, 2.0), top / size)))
    return found


def under_sky(camera: Camera, picture: Array, depth: Array, sky_name: str, haze: float) -> View:
    """Haze over what was met, sky where nothing was."""
    met = np.isfinite(depth)
    picture = hazed(picture, np.where(met, depth, 0), sky_name, haze)
    return View(np.where(met[..., None], picture, sky(camera.rays, sky_name)), depth, camera.fov_deg)


def plane(sketch: Sketch) -> View:
    """A floor to the horizon."""
    camera = Camera(sketch.canvas, sketch.random(0.7, 1.2), sketch.random(-0.05, 0.35), sketch.fov_deg)
    depth = floor_depth(camera.rays, sketch.random(0.8, 2.0), 80)
    at = np.where(np.isfinite(depth), depth, 0)
    light = sun(sketch)
    albedo = floor_albedo(sketch, camera.rays[..., 0] * at, camera.rays[..., 2] * at, at, light)
    return under_sky(camera, albedo * (0.95 * tint(sketch.recipe.sky)), depth, sketch.recipe.sky, 0.025)


_LAND = {
    "green": (0.26, 0.42, 0.15),
    "yellow": (0.72, 0.60, 0.26),
    "snowy": (0.90, 0.92, 0.95),
    "brown": (0.45, 0.34, 0.24),
}
_LAND_PX = 512
_LAND_M = np.float32(56.0)  # the land repeats after that
_CELL_M = float(_LAND_M) / _LAND_PX
_STEPS = (1.045 ** np.arange(80)).astype(np.float32)  # z-depths at which a ray is tried, metres
_COARSE = 8  # the first search for the land goes over every eighth pixel


def hills(sketch: Sketch) -> View:
    """A height field, met by walking along every ray in growing steps."""
    recipe, rng = sketch.recipe, sketch.rng
    camera = Camera(sketch.canvas, sketch.random(0.7, 1.1), sketch.random(-0.02, 0.25), sketch.fov_deg)
    rays, rugged = camera.rays, sketch.has("mountains")
    sketch.tick()
    land = Canvas(_LAND_PX, _LAND_PX)
    height = land.noise(rng, 2.0 if rugged else 2.6, 2) * np.float32(1.4 if rugged else 0.6)
    eye = max(float(height[: _LAND_PX // 32].max()) * 0.6, 0) + sketch.random(1.0, 2.2)
    offset = int(rng.integers(_LAND_PX)) / _LAND_PX
    sketch.tick()
    depth = meet_land(rays, height, eye, offset)
    sketch.tick()
    met = np.isfinite(depth)
    at = np.where(met, depth, 0)
    u, v = rays[..., 0] * at / _LAND_M + np.float32(offset), rays[..., 2] * at / _LAND_M
    slope_x = (np.roll(height, -1, 1) - np.roll(height, 1, 1)) / (2 * _CELL_M)
    slope_z = (np.roll(height, -1, 0) - np.roll(height, 1, 0)) / (2 * _CELL_M)
    upright = 1 / np.sqrt(slope_x**2 + slope_z**2 + 1)
    light = np.array([sketch.random(-1, 1), 0.9, sketch.random(-0.6, 0.6)])
    light = light / np.linalg.norm(light)
    sunlit = np.clip((light[1] - slope_x * light[0] - slope_z * light[2]) * upright, 0, 1) / light[1]
    base = color(rng, recipe.colors[0]) if recipe.colors[0] not in _LAND else _LAND[recipe.colors[0]]
    speckle, step = land.noise(rng, 0.8), footprint(sketch, at) / _LAND_M
    near = smooth_lookup(speckle, 11 * u, 11 * v, 11 * step)
    albedo = sketch.plain(base) * (1 + 0.06 * smooth_lookup(speckle, u, v, step) + 0.06 * near)[..., None]
    if rugged:
        bare = smoothstep(0.55, 0.9, 1 - lookup(upright, u, v) + 0.1 * lookup(height, u, v))
        albedo = mix(albedo, np.array((0.42, 0.40, 0.38), np.float32), bare)
    picture = albedo * (0.35 + 0.65 * lookup(sunlit.astype(np.float32), u, v))[..., None] * tint(recipe.sky)
    return under_sky(camera, picture, depth, recipe.sky, 0.03)


def meet_land(rays: Array, height: Array, eye: float, offset: float) -> Array:
    """(H, W) float32: z-depth at which each ray meets the periodic height field, inf where it never does."""
    few = walk(rays[::_COARSE, ::_COARSE], height, eye, offset, None)
    first = few.copy()
    for axis in (0, 1):  # the earliest meeting among the neighbours, for the pixels between
        padded = np.concatenate([np.take(first, [0], axis), first, np.take(first, [-1], axis)], axis)
        parts = [np.take(padded, range(k, k + first.shape[axis]), axis) for k in range(3)]
        first = np.minimum(np.minimum(parts[0], parts[1]), parts[2])
    rows, columns = (np.arange(side) // _COARSE for side in rays.shape[:2])
    return walk(rays, height, eye, offset, np.maximum(first - 4, 0)[np.ix_(rows, columns)])


def walk(rays: Array, height: Array, eye: float, offset: float, first: Array | None) -> Array:
    """As meet_land; (H, W) ``first`` is the step at which each ray starts. Without it, from the first step,
    and the number of the step that went below the land is returned instead."""
    shape = rays.shape[:2]
    rays = rays.reshape(-1, 3)

    def above(ray: Array, t: Array) -> Array:
        return (
            eye + ray[:, 1] * t - lookup(height, ray[:, 0] * t / _LAND_M + np.float32(offset), ray[:, 2] * t / _LAND_M)
        )

    step = np.zeros(len(rays), np.int32) if first is None else first.ravel().astype(np.int32)
    found = np.full(len(rays), len(_STEPS), np.int32)
    alive = np.flatnonzero(step < len(_STEPS))
    while len(alive):
        below = above(rays[alive], _STEPS[step[alive]]) < 0
        found[alive[below]] = step[alive[below]]
        alive = alive[~below]
        step[alive] += 1
        alive = alive[step[alive] < len(_STEPS)]
    if first is None:
        return found.reshape(shape)
    depth = np.full(len(rays), np.inf, np.float32)
    met = np.flatnonzero(found < len(_STEPS))
    ray, low, high = rays[met], _STEPS[np.maximum(found[met] - 1, 0)], _STEPS[found[met]]
    for _ in range(6):  # halve the step that crossed the land
        middle = (low + high) / 2
        under = above(ray, middle) < 0
        low, high = np.where(under, low, middle), np.where(under, middle, high)
    depth[met] = (low + high) / 2
    return depth.reshape(shape)
