"""What to make, in canonical words, and the small toolbox that a material gets to make it with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from . import fields, palette
from .layouts import Pieces
from .noise import Array, Canvas, Cells, mix, smoothstep
from .shading import Surface

#: Of any material: its own colour, darker or paler.
TONES = ("dark", "pale")


@dataclass(frozen=True)
class Recipe:
    """A picture in canonical words; empty means: free.

    kind         a name in MATERIALS or SCENES
    size         "", "small" or "large": of the features
    colors       of the material or the objects: none, one or two names of palette.COLORS
    traits       wear, patterns, variants: "mossy", "checkered", ...
    count        scenes: how many objects, 0 for free
    floor        scenes: one of scenes.FLOORS
    floor_color  scenes: a colour name
    sky          scenes: one of scenes.SKIES
    object_color rooms: a colour name, of what stands in it
    """

    kind: str
    size: str = ""
    colors: tuple[str, ...] = ()
    traits: frozenset[str] = frozenset()
    count: int = 0
    floor: str = ""
    floor_color: str = ""
    sky: str = ""
    object_color: str = ""


@dataclass(frozen=True)
class Material:
    """A kind of material and the words it understands.

    name      key in MATERIALS
    noun      how captions call it
    build     makes the surface
    words     canonical words of a prompt -> how strongly they ask for this material
    colors    what training draws from; a prompt may ask for any
    natural   what is drawn from when a prompt names none: colours, or some of the species
    second    colours of a second material in it (checkered tiles, two-coloured fabric)
    sizes     the words of captions for small and large features
    traits    word before the colour -> how often training uses it
    wear      more words before the colour, for prompts: a general treatment of the surface (see wear.py)
    patterns  word after the colour -> how often training uses it
    variants  words of which one is always chosen; they replace noun and colour (terrain)
    adjective stands in every caption before the colour
    species   words for what it is made of, names in palette.STUFFS where that has a colour; stands after the colour
    forms     how it is laid or made, of which one is always chosen, by its first word; stands before the noun
    covers    what may lie on it (see covers.py), said at the end: "with leaves"
    """

    name: str
    noun: str
    build: Callable[[Sketch], Surface]
    colors: tuple[str, ...] = ()
    words: dict[str, float] = field(default_factory=dict)
    natural: tuple[str, ...] = ()
    second: tuple[str, ...] = ()
    sizes: tuple[str, str] | tuple[()] = ("small", "large")
    traits: dict[str, float] = field(default_factory=dict)
    wear: tuple[str, ...] = ()
    patterns: dict[str, float] = field(default_factory=dict)
    variants: dict[str, str] = field(default_factory=dict)
    adjective: str = ""
    species: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()

    @property
    def floor_noun(self) -> str:
        """How captions call a floor of it."""
        return " ".join(word for word in self.noun.split() if word not in ("wall", "cliff", "roof", "floor"))


class Sketch:
    """A canvas, a stream of random numbers and a recipe, with what most materials need.

    tick     called before every costly part; may raise to stop the work
    fov_deg  scenes: horizontal field of view of a given camera; None: free
    """

    def __init__(
        self,
        canvas: Canvas,
        rng: np.random.Generator,
        recipe: Recipe,
        tick: Callable[[], None] = lambda: None,
        fov_deg: float | None = None,
    ) -> None:
        self.canvas, self.rng, self.recipe, self.tick, self.fov_deg = canvas, rng, recipe, tick, fov_deg
        size_shift = {"small": 0.8, "large": 0.0}.get(recipe.size, 0.4)
        self.smallness = size_shift + 0.2 * rng.random()

    @property
    def shape(self) -> tuple[int, int]:
        return self.canvas.shape

    @property
    def stuff(self) -> str:
        """Of the words that say what it is made of, the recipe's; else grey."""
        return next((word for word in palette.STUFFS if word in self.recipe.traits), "grey")

    def has(self, trait: str) -> bool:
        return trait in self.recipe.traits

    def between(self, large: float, small: float) -> float:
        """A measure of the features: ``large`` when they are large, ``small`` when they are small."""
        return large + (small - large) * self.smallness

    def whole(self, large: float, small: float) -> int:
        """As ``between``, as a whole number of at least 1."""
        return max(1, round(self.between(large, small)))

    def random(self, low: float = 0.0, high: float = 1.0) -> float:
        return float(self.rng.uniform(low, high))

    def color(self, which: int = 0) -> Array:
        """(3,) the recipe's colour number ``which``; its last where it has fewer."""
        names = self.recipe.colors or (self.stuff,)
        return palette.color(self.rng, names[min(which, len(names) - 1)])

    def plain(self, base: Array | tuple[float, float, float]) -> Array:
        return palette.plain(self.shape, base)

    def waves(
        self, slope: float, lowest: float = 0.0, highest: float = 24.0, stretch: tuple[float, float] = (1.0, 1.0)
    ) -> Array:
        """Noise without anything finer than ``highest`` cycles a unit; see fields.py."""
        self.tick()
        return fields.waves(self.canvas, self.rng, slope, lowest, highest, stretch)

    def grain(self, fineness: float = 0.8, stretch: tuple[int, int] = (1, 1), first: int = 128) -> Array:
        """Noise from ``first`` cells a unit down to the pixels; see fields.py."""
        self.tick()
        return fields.grain(self.canvas, self.rng, fineness, stretch, first)

    def noise(
        self, slope: float, lowest: float = 0.0, highest: float = 1e9, stretch: tuple[float, float] = (1.0, 1.0)
    ) -> Array:
        self.tick()
        return self.canvas.noise(self.rng, slope, lowest, highest, stretch)

    def stones(self, per_unit: float, jitter: float, warp: float = 0.0, aspect: float = 1.0) -> Cells:
        """As ``cells``, ``aspect`` times wider than high; broad waves make their borders crooked, which is quick."""
        self.tick()
        x, y = (self.waves(1.6, 1.5, min(64.0, 6 * per_unit)) for _ in range(2)) if warp else (0.0, 0.0)
        return self.canvas.cells(self.rng, per_unit, jitter, warp * x, warp * y, aspect, quick=True)

    def cells(self, per_unit: float, jitter: float, warp: float = 0.0) -> Cells:
        """Voronoi cells, about ``per_unit`` a unit, their borders made crooked by ``warp`` units."""
        self.tick()
        if not warp:
            return self.canvas.cells(self.rng, per_unit, jitter)
        x, y = self.noise(1.8, 1.5), self.noise(1.8, 1.5)
        return self.canvas.cells(self.rng, per_unit, jitter, warp * x, warp * y)

    def each(self, index: Array, count: int, low: float, high: float) -> Array:
        """(H, W) float32: a random value for each of ``count`` cells."""
        return self.rng.uniform(low, high, count).astype(np.float32)[index]

    def shades(self, index: Array, count: int, base: Array, value: float = 0.12, hue: float = 0.015) -> Array:
        return palette.per_cell(self.rng, index, count, base, value, hue)

    def to_middle(self, cells: Cells, scale: float) -> tuple[Array, Array]:
        """Where each pixel lies from its cell's point, x and y (H, W), in units; the length is what the cells say."""
        from_x, from_y = cells.away
        return from_x / np.float32(scale), from_y / np.float32(scale)

    def tilted(self, pieces: Pieces, amount: float) -> Array:
        """(H, W) float32: each piece leans its own way; ``amount`` of height from corner to corner of a unit."""
        return self.each(pieces.index, pieces.count, -amount, amount) * pieces.along + (
            self.each(pieces.index, pieces.count, -amount, amount) * pieces.across
        )

    def grown_over(self, albedo: Array, height: Array) -> tuple[Array, Array]:
        """Moss in the low places, where the recipe asks for it."""
        if not self.has("mossy"):
            return albedo, height
        tufts = self.noise(0.7)
        amount = smoothstep(0.1, 0.9, 0.8 * self.noise(1.6, 2) + 1.5 * (0.5 - height) + 0.25)
        green = palette.MOSS * (1 + 0.2 * self.noise(0.8)[..., None])
        return mix(albedo, green, 0.88 * amount), height + 0.04 * amount * tufts

    def rusted(self, albedo: Array, low: float, high: float) -> tuple[Array, Array]:
        """Rust stains, where the recipe asks for it. Colours and (H, W) amount of rust."""
        if not self.has("rusty"):
            return albedo, np.zeros(self.shape, np.float32)
        amount = smoothstep(low, high, self.noise(1.5, 2) + 0.25 * self.noise(0.9))
        return mix(albedo, palette.RUST * (1 + 0.2 * self.noise(0.8)[..., None]), amount), amount
