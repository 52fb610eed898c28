"""A world: what there is, before a camera looks at it. Solids, ground, light, sky; and how a camera sees it.

World axes: x right, y up, z forward; metres. The world has a camera of its own: what fades with distance fades with the
distance to that camera, whoever looks, so that every view shows the same colours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ..materials import MATERIALS, make_surface
from ..noise import Array, Canvas
from ..recipe import Recipe, Sketch
from ..shading import shade
from .solids import Solid
from .stage import SKIES, Camera, View, hazed, sky, smooth_lookup, tint, turned

_TILE_PX = (128, 1024)  # least and most pixels a side of a texture


@dataclass(frozen=True)
class Look:
    """How a surface looks: a colour, and a periodic texture (N, N, 3) that it is multiplied with.

    metres  size of the texture's tile; shine: strength of a highlight, for water
    """

    color: Array
    texture: Array | None = None
    metres: float = 2.0
    shine: float = 0.0


@dataclass(frozen=True)
class Part:
    """A solid, its look, and a factor of its own on the colour."""

    solid: Solid
    look: Look
    tone: float = 1.0


class Ground(Protocol):
    """What everything stands on."""

    def meet(self, eye: Array, rays: Array) -> tuple[Array, Array]:
        """t (H, W), inf for none, and normal (H, W, 3)."""
        ...

    def look(self, points: Array, footprint: Array) -> Array:
        """(N, 3): the colour at points (N, 3)."""
        ...

    def shadows(self, points: Array, light: Array) -> Array:
        """(N,) bool: does the ground itself hide the sun from the points?"""
        ...


@dataclass
class World:
    """eye      (3,) of its own camera; yaw, pitch, fov in radians (fov across the shorter side)
    sky      a name in SKIES; haze: density a metre; sun: (3,) to it
    ambient  light from everywhere; power: of the sun, 0 for none
    lamps    (place, colour, power) of lights inside
    closed   nothing of the sky lights it, and there is none
    """

    eye: Array
    fov: float
    pitch: float
    yaw: float = 0.0
    sky: str = "blue"
    haze: float = 0.012
    sun: Array = field(default_factory=lambda: np.array([0.3, 0.8, -0.4], np.float32))
    ambient: float = 0.42
    power: float = 0.6
    parts: list[Part] = field(default_factory=list)
    ground: Ground | None = None
    lamps: list[tuple[Array, Array, float]] = field(default_factory=list)
    closed: bool = False

    def add(self, solid: Solid, look: Look, tone: float = 1.0) -> None:
        self.parts.append(Part(solid, look, tone))


def texture(sketch: Sketch, kind: str, color: str = "", traits: frozenset[str] = frozenset(), size: str = "") -> Array:
    """(N, N, 3): a tile of that material in its own light, as a mean of 1: to be multiplied with a look's colour."""
    return painted(sketch, kind, color, traits, size)[0]


def painted(
    sketch: Sketch, kind: str, color: str = "", traits: frozenset[str] = frozenset(), size: str = ""
) -> tuple[Array, Array]:
    """As ``texture``; and the (3,) mean that was divided out."""
    material = MATERIALS[kind]
    short = min(sketch.shape)
    side = int(np.clip(1 << int(np.ceil(np.log2(short * 0.5))), *_TILE_PX))
    tile = Canvas(side, side)
    forms = (
        {form.split()[0] for form in material.forms[:1]}
        if not traits & {f.split()[0] for f in material.forms}
        else set()
    )
    colors = (color,) if color else () if traits & set(material.species) else material.natural[:1]
    recipe = Recipe(kind, size, colors, traits | forms | set(list(material.variants)[:1]))
    surface = make_surface(Sketch(tile, sketch.rng, recipe, sketch.tick))
    surface.specular = 0.0
    picture = np.clip(shade(tile, sketch.rng, surface, np.array([-0.35, -0.5, 0.79])), 0, 1).astype(np.float32)
    mean = picture.mean((0, 1))
    return picture / np.maximum(mean, 1e-3), mean


def stuff(
    sketch: Sketch, kind: str, metres: float, color: str = "", traits: frozenset[str] = frozenset(), size: str = ""
) -> Look:
    """The look of a material, its tile so many metres wide."""
    tile, mean = painted(sketch, kind, color, traits, size)
    return Look(mean, tile, metres)


def see(sketch: Sketch, world: World) -> View:
    """The world from its own camera."""
    camera = Camera(sketch.canvas, world.fov, world.pitch, sketch.fov_deg)
    rays = turned(camera.rays, world.yaw) if world.yaw else camera.rays
    eye = np.asarray(world.eye, np.float32)
    t, which, normal = first_meeting(sketch, world, eye, rays)
    met = np.isfinite(t)
    picture = np.zeros((*t.shape, 3), np.float32)
    rows, columns = np.nonzero(met)
    points = eye + rays[rows, columns] * t[rows, columns, None]
    facing = normal[rows, columns]
    footprint = _footprint(sketch, rays[rows, columns], t[rows, columns], facing, camera)
    part = which[rows, columns]
    sketch.tick()
    albedo, shine = _colors(world, points, facing, footprint, part)
    sketch.tick()
    light = _light(sketch, world, points, facing, part)
    lit = albedo * light
    if shine.any():
        away = rays[rows, columns] / np.sqrt((rays[rows, columns] ** 2).sum(-1, keepdims=True))
        mirrored = away - 2 * (away * facing).sum(-1, keepdims=True) * facing
        glance = (1 - np.abs((away * facing).sum(-1))) ** 3
        lit = lit + (shine * (0.15 + 0.85 * glance))[:, None] * (sky(mirrored, world.sky) - lit)
    far = np.sqrt(((points - eye) ** 2).sum(-1))
    if world.closed:
        picture[rows, columns] = lit
        picture = np.where(met[..., None], picture, 1.15 * sky(np.abs(rays), world.sky))  # the day outside dazzles
    else:
        picture[rows, columns] = hazed(lit, far, world.sky, world.haze)
        picture = np.where(met[..., None], picture, sky(rays, world.sky))
    return View(picture, t, camera.fov_deg)


def first_meeting(sketch: Sketch, world: World, eye: Array, rays: Array) -> tuple[Array, Array, Array]:
    """t (H, W), inf for nothing; number of the part (-1: the ground, or nothing); normal (H, W, 3)."""
    shape = rays.shape[:2]
    which, normal = np.full(shape, -1, np.int32), np.zeros_like(rays)
    if world.ground is not None:
        t, normal = world.ground.meet(eye, rays)
        t, normal = np.array(t, np.float32), np.array(normal, np.float32)
    else:
        t = np.full(shape, np.inf, np.float32)
    right, down, ahead = _frame(rays)
    size = np.sqrt((rays * rays).sum(-1))
    away = [float(np.linalg.norm(part.solid.middle - eye)) - part.solid.reach for part in world.parts]
    for count, number in enumerate(np.argsort(away)):  # near ones first: what they hide need not be looked at
        if count % 8 == 0:
            sketch.tick()
        solid = world.parts[number].solid
        window = _window(solid, eye, right, down, ahead, rays)
        if window is None:
            continue
        seen = t[window] * size[window] > away[number]
        if not seen.any():
            continue
        rows, columns = np.nonzero(seen)
        rows, columns = rows + (window[0].start or 0), columns + (window[1].start or 0)
        hit, facing = solid.meet(eye, rays[rows, columns])
        nearer = hit < t[rows, columns]
        rows, columns = rows[nearer], columns[nearer]
        t[rows, columns], which[rows, columns], normal[rows, columns] = hit[nearer], number, facing[nearer]
    return t, which, normal


def _frame(rays: Array) -> tuple[Array, Array, Array]:
    """The camera's right, down and ahead, unit vectors; of rays whose z-depth is 1."""
    right = rays[0, -1] - rays[0, 0] if rays.shape[1] > 1 else np.array([1, 0, 0], np.float32)
    down = rays[-1, 0] - rays[0, 0] if rays.shape[0] > 1 else np.array([0, -1, 0], np.float32)
    right, down = (v.astype(np.float64) / np.linalg.norm(v) for v in (right, down))
    return right, down, np.cross(down, right)


def _window(
    solid: Solid, eye: Array, right: Array, down: Array, ahead: Array, rays: Array
) -> tuple[slice, slice] | None:
    """The rows and columns where the box around a solid can be seen; None: nowhere."""
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)
    corners = solid.middle + (signs * solid.half) @ solid.to_local - eye
    z = corners @ ahead
    if z.max() <= 0.01:
        return None
    if z.min() <= 0.05:
        return slice(None), slice(None)
    found, corner = [], rays[0, 0].astype(np.float64)
    for axis, count, other in ((down, rays.shape[0], rays[-1, 0]), (right, rays.shape[1], rays[0, -1])):
        first = corner @ axis
        step = (other.astype(np.float64) @ axis - first) / max(count - 1, 1) or 1e-9
        at = (corners @ axis / z - first) / step
        low, high = max(0, int(np.floor(at.min())) - 1), min(count, int(np.ceil(at.max())) + 2)
        if low >= high:
            return None
        found.append(slice(low, high))
    return found[0], found[1]


def _footprint(sketch: Sketch, rays: Array, t: Array, normal: Array, camera: Camera) -> Array:
    """(N,): about how many metres of surface a pixel covers."""
    pixel = 2 * np.tan(np.radians(camera.fov_deg) / 2) / sketch.canvas.width_px
    slant = np.abs((rays * normal).sum(-1)) / np.sqrt((rays * rays).sum(-1))
    return t * np.float32(pixel) / np.sqrt(np.maximum(slant, 0.03))


def _colors(world: World, points: Array, normal: Array, footprint: Array, part: Array) -> tuple[Array, Array]:
    """(N, 3) colours of the surfaces, (N,) how much they mirror the sky."""
    albedo, shine = np.zeros_like(points), np.zeros(len(points), np.float32)
    of_look: dict[int, list[int]] = {}
    for number in np.unique(part):
        if number >= 0:
            of_look.setdefault(id(world.parts[number].look), []).append(int(number))
        elif world.ground is not None:
            here = np.flatnonzero(part < 0)
            albedo[here] = world.ground.look(points[here], footprint[here])
            shine[here] = getattr(world.ground, "shine", lambda p: np.zeros(len(p), np.float32))(points[here])
    order = np.argsort(part, kind="stable")
    ends = np.searchsorted(part[order], np.arange(len(world.parts) + 1))
    for numbers in of_look.values():
        look, places, us, vs, tones = world.parts[numbers[0]].look, [], [], [], []
        for number in numbers:
            here = order[ends[number] : ends[number + 1]]
            u, v = world.parts[number].solid.skin(points[here], normal[here])
            places.append(here)
            us.append(u + np.float32(0.37 * number))  # no two trunks alike
            vs.append(v)
            tones.append(np.full(len(here), world.parts[number].tone, np.float32))
        here, tone = np.concatenate(places), np.concatenate(tones)
        color = np.asarray(look.color, np.float32) * tone[:, None]
        if look.texture is not None:
            size = np.float32(look.metres)
            color = color * smooth_lookup(
                look.texture, np.concatenate(us) / size, np.concatenate(vs) / size, footprint[here] / size
            )
        albedo[here], shine[here] = color, look.shine
    return albedo, shine


def _light(sketch: Sketch, world: World, points: Array, normal: Array, part: Array) -> Array:
    """(N, 3): light that arrives."""
    up = 0.5 + 0.5 * normal[:, 1]
    near = _nearness(world, points, part)
    light = (world.ambient * (0.62 + 0.38 * up) * near)[:, None] * np.ones(3, np.float32)
    if world.power > 0:
        sun = (world.sun / np.linalg.norm(world.sun)).astype(np.float32)
        facing = np.clip(normal @ sun, 0, None)
        lit = np.flatnonzero(facing > 0)
        start = points[lit] + 0.01 * normal[lit]
        free = ~in_shadow(sketch, world, start, sun)
        direct = np.zeros(len(points), np.float32)
        direct[lit] = facing[lit] * free
        light = (light + world.power * direct[:, None]) * tint(world.sky)
    for place, color, power in world.lamps:
        way = np.asarray(place, np.float32) - points
        distance = np.sqrt((way * way).sum(-1)) + np.float32(1e-3)
        arriving = np.clip((way * normal).sum(-1) / distance, 0, None)
        light = light + (power * arriving / (distance**2 + 1.5))[:, None] * np.asarray(color, np.float32)
    return light.astype(np.float32)


def in_shadow(sketch: Sketch, world: World, points: Array, sun: Array) -> Array:
    """(N,) bool: does anything stand between the points (N, 3) and the sun?"""
    dark = world.ground.shadows(points, sun) if world.ground is not None else np.zeros(len(points), bool)
    side = np.cross(sun, [0, 1, 0])
    side = (side / (np.linalg.norm(side) + 1e-9)).astype(np.float32)
    over = np.cross(side, sun).astype(np.float32)
    u, v, w = points @ side, points @ over, points @ sun
    order = np.argsort(u)
    sorted_u = u[order]
    for number, part in enumerate(world.parts):
        if number % 8 == 0:
            sketch.tick()
        middle, reach = part.solid.middle, part.solid.reach
        low, high = np.searchsorted(sorted_u, [middle @ side - reach, middle @ side + reach])
        near = order[low:high]
        near = near[(np.abs(v[near] - middle @ over) < reach) & (w[near] < middle @ sun + reach) & ~dark[near]]
        if len(near):
            t, _ = part.solid.meet(points[near], np.broadcast_to(sun, (len(near), 3)))
            dark[near] |= np.isfinite(t) & (t > 1e-3)
    return dark


def _nearness(world: World, points: Array, part: Array) -> Array:
    """(N,): less light from everywhere close to where a solid stands on the ground."""
    near = np.ones(len(points), np.float32)
    ground = np.flatnonzero(part < 0)
    if not len(ground):
        return near
    at = points[ground]
    order = np.argsort(at[:, 0])
    x = at[order, 0]
    for one in world.parts:
        solid = one.solid
        size = float(max(solid.half[0], solid.half[2]))
        if solid.place[1] > 1.0 or size > 12:
            continue
        reach = 2.2 * size + 0.4
        low, high = np.searchsorted(x, [solid.place[0] - reach, solid.place[0] + reach])
        here = order[low:high]
        here = here[np.abs(at[here, 2] - solid.place[2]) < reach]
        if len(here):
            local = np.abs((at[here] - solid.place) @ solid.to_local.T)
            beyond = np.hypot(np.maximum(local[:, 0] - solid.half[0], 0), np.maximum(local[:, 2] - solid.half[2], 0))
            near[ground[here]] *= 1 - 0.45 * np.exp(-2.2 * beyond / min(size, 1.5))
    return near


__all__ = ["SKIES", "Ground", "Look", "Part", "World", "see", "stuff", "texture"]
