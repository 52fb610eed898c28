"""A room: four walls, a floor, a ceiling; perhaps a window, a door, and things that stand in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..noise import Array, smoothstep
from ..palette import color
from ..recipe import Sketch
from . import shapes
from .indoors import bricks
from .openings import BACK, SIDE, recess
from .stage import Camera, View, floor_albedo, floor_depth, hazed, sky, turned

_LAWN = (0.28, 0.45, 0.15)
_OUTSIDE_M = 0.4  # the ground outside lies so much lower than the floor


@dataclass(frozen=True)
class Opening:
    """A window or a door in the wall ``side`` (-1 or 1) of axis 0 (left, right) or 2 (far).

    middle  where it is on the wall: (along the wall, height); half: its half width and half height; deep: metres
    """

    kind: str
    axis: int
    side: int
    middle: tuple[float, float]
    half: tuple[float, float]
    deep: float

    @property
    def across(self) -> int:
        """The axis along its wall."""
        return 2 - self.axis

    def holds(self, points: Array) -> Array:
        """(H, W) bool: which points of the wall's plane lie in it."""
        across, up = self._from_middle(points)
        return (np.abs(across) < self.half[0]) & (np.abs(up) < self.half[1])

    def _from_middle(self, points: Array) -> tuple[Array, Array]:
        return points[..., self.across] - np.float32(self.middle[0]), points[..., 1] - np.float32(self.middle[1])

    def beyond(self, points: Array, rays: Array) -> tuple[Array, Array]:
        """As ``recess``, for rays that have met the wall's face at the points."""
        into = self.side * rays[..., self.axis]
        return recess(self._from_middle(points), (rays[..., self.across], rays[..., 1], into), self.half, self.deep)

    def frame(self, points: Array) -> Array:
        """(H, W) bool: of points on its back, those on the frame or, in a window, on the cross of its bars."""
        across, up = (np.abs(value) for value in self._from_middle(points))
        rim = (across > self.half[0] - 0.05) | (up > self.half[1] - 0.05)
        return rim if self.kind == "door" else rim | (across < 0.025) | (up < 0.025)


@dataclass
class Seen:
    """What every ray meets: t (H, W), albedo and normal (H, W, 3); open: nothing, the ray leaves by the window."""

    t: Array
    albedo: Array
    normal: Array
    open: Array


class Room:
    """The box between two corners, with its openings and what stands in it; the camera is inside.

    eye, low, high  (3,) metres
    """

    def __init__(self, sketch: Sketch, camera: Camera, yaw: float) -> None:
        widen = {"small": 0.75, "large": 1.5}.get(sketch.recipe.size, 1.0)
        half, ceiling, far = widen * sketch.random(1.5, 2.3), sketch.random(2.3, 3.0), widen * sketch.random(3.2, 5.0)
        self.eye = np.array([sketch.random(-0.4, 0.4) * half, sketch.random(1.2, 1.6), 0], np.float32)
        self.low = np.array([-half, 0, -0.8], np.float32)
        self.high = np.array([half, ceiling, far], np.float32)
        self.openings = self._openings(sketch, yaw)
        self.things = self._things(sketch, camera, yaw)

    def _openings(self, sketch: Sketch, yaw: float) -> list[Opening]:
        """The window in one wall that is in sight, the door in another."""
        half, ceiling, far = self.high
        walls = [(2, 1), (0, 1 if yaw > 0 else -1)]  # the far wall, and the side wall the camera turns to
        if sketch.random() < 0.4:
            walls.reverse()
        found = []
        for kind, (axis, side) in zip(("window", "door"), walls, strict=True):
            room, centre = (half, 0.0) if axis == 2 else (0.4 * far, 0.58 * far)  # half width and middle of the wall
            wide, off = sketch.random(0.35, 0.6), sketch.random(-0.35, 0.35)
            top = sketch.random(0.72, 0.86) * ceiling
            if kind == "window":
                bottom, wide = sketch.random(0.3, 0.4) * ceiling, min(wide * room, 0.9 * room)
            else:
                bottom, wide, top = 0.0, 0.45, min(2.05, 0.86 * ceiling)
            middle = (float(centre + off * room), float(bottom + top) / 2)
            if sketch.has(kind):
                deep = 0.2 if kind == "window" else 0.08
                found.append(Opening(kind, axis, side, middle, (float(wide), float(top - bottom) / 2), deep))
        return found

    def _things(self, sketch: Sketch, camera: Camera, yaw: float) -> list[shapes.Shape]:
        make = shapes.Sphere if sketch.has("spheres") else shapes.Box
        found = []
        sides = sketch.rng.permutation([-1, 1, 0, 2])
        for number in range(sketch.recipe.count):
            size = sketch.random(0.3, 0.42) if sketch.has("spheres") else sketch.random(0.45, 0.8)
            ahead, aside = sketch.random(0.5, 0.8) * self.high[2], sides[number] * 0.3 + sketch.random(-0.12, 0.12)
            aside *= ahead * np.tan(np.radians(camera.fov_deg) / 2) if camera.fov_deg < 100 else ahead
            x = self.eye[0] + aside * np.cos(yaw) + ahead * np.sin(yaw)
            z = ahead * np.cos(yaw) - aside * np.sin(yaw)
            margin = size if sketch.has("spheres") else 0.85 * size  # a box's half diagonal
            x = np.clip(x, self.low[0] + margin, self.high[0] - margin)
            z = np.clip(z, 1.4 + margin, self.high[2] - margin)
            found.append(make(float(x), float(z), size, sketch.random(0, np.pi), sketch.random(0.6, 1.5)))
        return found

    def walls(self, rays: Array) -> tuple[Array, Array]:
        """(H, W): t at which each ray meets the room's box from inside, and the axis of that face."""
        safe = np.where(np.abs(rays) < 1e-6, np.float32(1e-6), rays)
        leaves = (np.where(safe > 0, self.high, self.low) - self.eye) / safe
        return leaves.min(-1), leaves.argmin(-1)

    def corner(self, points: Array, face: Array) -> Array:
        """(H, W): metres to the nearest other face of the box."""
        away = np.minimum(points - self.low, self.high - points)
        np.put_along_axis(away, face[..., None], np.inf, -1)
        return np.maximum(away.min(-1), 0)


def room(sketch: Sketch) -> View:
    """Lit by the day through the window, or by the lamp on the ceiling."""
    camera = Camera(sketch.canvas, sketch.random(0.95, 1.25), sketch.random(-0.02, 0.16), sketch.fov_deg)
    yaw = sketch.random(-0.45, 0.45)
    rays, place = turned(camera.rays, yaw), Room(sketch, camera, yaw)
    sketch.tick()
    t, face = place.walls(rays)
    points = place.eye + rays * t[..., None]
    shade = 0.76 + 0.24 * smoothstep(0, 0.7, place.corner(points, face))
    seen = _surfaces(sketch, place, rays, t, face)
    for opening in place.openings:
        _open(sketch, opening, rays, points, face, seen)
    accent = sketch.recipe.object_color
    for thing in place.things:
        sketch.tick()
        shade = np.where(face == 1, shade * np.where(points[..., 1] < 0.5, thing.closeness(points), 1), shade)
        hit, normal = thing.meet(place.eye, rays)
        nearer = hit < seen.t
        seen.t = np.where(nearer, hit, seen.t)
        seen.open &= ~nearer
        seen.albedo = np.where(nearer[..., None], color(sketch.rng, accent), seen.albedo)
        seen.normal = np.where(nearer[..., None], normal, seen.normal)
        shade = np.where(nearer, 1, shade)
    sketch.tick()
    picture = seen.albedo * _light(sketch, place, rays, seen, shade)
    return _outside(sketch, place, rays, seen, picture, camera.fov_deg)


def _surfaces(sketch: Sketch, place: Room, rays: Array, t: Array, face: Array) -> Seen:
    """Walls, floor and ceiling, before anything is cut into them or put before them."""
    points = place.eye + rays * t[..., None]
    floor = floor_albedo(sketch, points[..., 0], points[..., 2], t, np.array([0, 1, 0]))
    paint = sketch.color()
    wall = sketch.plain(paint)
    if sketch.has("brick"):
        wall = bricks(sketch, paint, np.where(face == 0, points[..., 2], points[..., 0]), points[..., 1])
    albedo = np.where((face == 1)[..., None], np.where((rays[..., 1] < 0)[..., None], floor, 0.86), wall)
    skirting = (face != 1) & (points[..., 1] < 0.09)
    albedo = np.where(skirting[..., None], 0.5 * albedo + 0.3, albedo).astype(np.float32)
    normal = np.zeros_like(rays)
    np.put_along_axis(normal, face[..., None], -np.sign(np.take_along_axis(rays, face[..., None], -1)), -1)
    return Seen(t, albedo, normal, np.zeros(t.shape, bool))


def _open(sketch: Sketch, opening: Opening, rays: Array, points: Array, face: Array, seen: Seen) -> None:
    """Cut the opening into its wall."""
    wood = color(sketch.rng, ("brown", "white", "tan")[sketch.rng.integers(3)])
    into = (face == opening.axis) & (rays[..., opening.axis] * opening.side > 0) & opening.holds(points)
    further, met = opening.beyond(points, rays)
    behind = points + rays * further[..., None]
    back = into & (met == BACK)
    frame = opening.frame(behind)
    seen.t = np.where(into, seen.t + further, seen.t)
    edge = into & (met != BACK)
    across = np.where(met == SIDE, opening.across, 1)[..., None]
    normal = np.zeros_like(rays)
    np.put_along_axis(normal, across, -np.sign(np.take_along_axis(rays, across, -1)), -1)
    seen.normal = np.where(edge[..., None], normal, seen.normal)
    seen.albedo = np.where(into[..., None], np.float32(0.85), seen.albedo)
    if opening.kind == "window":
        seen.open |= back & ~frame
    else:
        panels = np.abs((behind[..., 1] / opening.half[1]) % 1 - 0.5) < 0.4
        panels &= np.abs(np.abs(behind[..., opening.across] - opening.middle[0]) - 0.22) < 0.14
        tone = np.where(panels, 0.88, 1.0)[..., None]
        seen.albedo = np.where((back & ~frame)[..., None], wood * tone, seen.albedo).astype(np.float32)


def _light(sketch: Sketch, place: Room, rays: Array, seen: Seen, shade: Array) -> Array:
    """(H, W, 3): the light on what is seen: from everywhere, from the window or the lamp, and from the sun."""
    points = place.eye + rays * (seen.t - 1e-3)[..., None] + 2e-3 * seen.normal
    windows = [opening for opening in place.openings if opening.kind == "window"]
    day = bool(windows) and not sketch.has("dark")
    if day:
        window = windows[0]
        source, facing = np.zeros(3, np.float32), np.zeros(3, np.float32)
        source[[window.axis, window.across, 1]] = place.high[2] if window.axis == 2 else 0, *window.middle
        if window.axis == 0:
            source[0] = window.side * place.high[0]
        facing[window.axis] = -window.side
        power, ambient = 4.0 * window.half[0] * window.half[1] + 0.8, 0.62
    else:
        source, facing = np.array([0, place.high[1] - 0.02, 0.5 * place.high[2]], np.float32), np.array([0, -1.0, 0])
        power, ambient = (1.1, 0.2) if sketch.has("dark") else (2.4, 0.58)
    to_source = source - points
    distance = np.sqrt((to_source * to_source).sum(-1))
    towards = to_source / np.maximum(distance, 1e-3)[..., None]
    arriving = np.clip((towards * seen.normal).sum(-1), 0, 1) * np.clip(-(towards @ facing), 0, 1)
    free = 1 - 0.85 * np.any([thing.blocks(points, to_source) for thing in place.things] or [False], axis=0)
    light = ambient * shade + power * arriving / (distance**2 + 0.7) * free * (0.4 + 0.6 * shade)
    warm = np.array((1, 1, 1) if day else (1, 0.95, 0.86), np.float32)
    light = light[..., None] * warm
    if day:
        sun = _sunlight(sketch, place, windows[0], points, seen.normal)[..., None]
        light = light + sun * np.array((1, 0.95, 0.85), np.float32)
    return light.astype(np.float32)


def _sunlight(sketch: Sketch, place: Room, window: Opening, points: Array, normal: Array) -> Array:
    """(H, W): what the sun adds where it shines in by the window."""
    sun = np.array([sketch.random(-0.5, 0.5), sketch.random(0.5, 0.9), sketch.random(-0.5, 0.5)], np.float32)
    sun[window.axis] = window.side * sketch.random(0.6, 1.0)
    sun /= np.linalg.norm(sun)
    wall = place.high[window.axis] * (window.side if window.axis == 0 else 1)
    inside = np.ones(points.shape[:2], bool)
    for plane in (wall, wall + window.side * window.deep):
        way = (plane - points[..., window.axis]) / sun[window.axis]
        through = points + sun * way[..., None]
        inside &= (way > 0) & window.holds(through)
    inside &= ~window.frame(through)
    for thing in place.things:
        inside &= ~thing.shadows(points, sun)
    return 0.75 * inside * np.clip(normal @ sun, 0, 1)


def _outside(sketch: Sketch, place: Room, rays: Array, seen: Seen, picture: Array, fov_deg: float) -> View:
    """What is seen through the window: a lawn, and the sky."""
    name = "night" if sketch.has("dark") else "blue"
    ground = floor_depth(rays, float(place.eye[1]) + _OUTSIDE_M, 60)
    met = np.isfinite(ground)
    lawn = hazed(sketch.plain(_LAWN), np.where(met, ground, 0), name, 0.03)
    view = np.where(met[..., None], lawn * (0.25 if name == "night" else 1.0), sky(rays, name))
    picture = np.where(seen.open[..., None], view, picture)
    return View(picture, np.where(seen.open, ground, seen.t).astype(np.float32), fov_deg)
