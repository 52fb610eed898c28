"""What the panel asks for: one property group on the scene, saved with the file."""

from __future__ import annotations

import math
from collections.abc import Callable

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ...engine import catalog
from ...engine.contract.request import MAX_SIDE_PX, Preset
from ..material import displacement
from ..material.material import MAX_REPEAT
from .sampling import (
    COMPILE,
    DEPTH_GUIDANCE,
    DETAIL,
    GUIDANCE,
    MORE_DETAIL,
    PRECISION,
    PREFER_SPEED,
    RESAMPLE,
    SEED,
    STEPS,
    STRICTNESS,
)

NAME = "depthwright"  # of the property on the scene

DEFAULT_MODEL = catalog.models()[0]

OWN_PRESET = "own"
PRESET_WORDS = {
    OWN_PRESET: ("Usual", "The settings that suit the model"),
    "published": ("As Published", "What the scripts do that came with the model"),
    "draft": ("Draft", "Quick, to look for an idea"),
    "final": ("Final", "It takes its time"),
}

#: Called with the model's id when another one was chosen, by whoever wants to know.
on_model_chosen: list[Callable[[str], None]] = []


def _use_model_defaults(settings: DepthwrightSettings, context: bpy.types.Context) -> None:
    """Another model, other sensible values: steps that suit one are far too few for the next."""
    entry = catalog.find(settings.model)
    settings.size_px = entry.default_size_px
    if settings.mode not in entry.modes:
        settings.mode = entry.modes[0]
    settings.preset = entry.default_preset or OWN_PRESET  # which brings the rest with it
    for tell in on_model_chosen:
        tell(settings.model)


def _use_mode_defaults(settings: DepthwrightSettings, context: bpy.types.Context) -> None:
    """What the preset says for the mode; else the model's own: a picture has one depth, found in few steps."""
    entry = catalog.find(settings.model)
    decided = entry.presets.get(settings.preset, {}).get(settings.mode, {})
    settings.steps = decided.get("steps", entry.steps_for(settings.mode))
    settings.guidance = decided.get("guidance", entry.guidance_for(settings.mode))
    settings.depth_guidance = entry.depth_guidance_for(settings.mode)
    settings.refine_depth = decided.get("refine_depth", False)


def _presets(settings: DepthwrightSettings, context: bpy.types.Context | None) -> list[tuple[str, str, str, int]]:
    """Those the chosen model has. Their numbers are what a file holds."""
    entry = catalog.find(settings.model)
    return [
        (name, label, text, number)
        for number, (name, (label, text)) in enumerate(PRESET_WORDS.items())
        if name in entry.presets or (name == OWN_PRESET and not entry.default_preset)
    ]


class DepthwrightSettings(bpy.types.PropertyGroup):
    """The choices in Depthwright's tab"""

    prompt: StringProperty(
        name="Prompt",
        description="What you want to see, in plain words. For example: mossy brick wall, wet, dark red",
        default="mossy brick wall",
    )
    target: EnumProperty(
        name="Target",
        description="What the result becomes",
        items=(
            ("material", "Material", "A tileable material with real displacement", "MATERIAL", 0),
            ("scene", "Scene", "A mesh that lines up with the camera", "SCENE_DATA", 1),
        ),
        default="material",
    )
    mode: EnumProperty(
        name="From",
        description="What the result is made from",
        items=(
            ("joint", "Prompt", "Picture and depth from the prompt"),
            ("i2d", "Picture", "You give the picture, the model finds its depth"),
            ("d2i", "Depth", "You give the depth, the model paints a picture for it"),
        ),
        default="joint",
        update=_use_mode_defaults,
    )
    image_path: StringProperty(
        name="Picture",
        description="The picture whose depth is wanted (.png, .jpg, .exr ...)",
        subtype="FILE_PATH",
    )
    depth_source: EnumProperty(
        name="Depth From",
        description="Where the depth that gets a picture comes from",
        items=(
            ("file", "File", "A depth map you choose", "FILE_FOLDER", 0),
            ("scene", "Scene", "What the active camera sees of this scene, as far away as it is", "SCENE_DATA", 1),
        ),
        default="file",
    )
    depth_path: StringProperty(
        name="Depth",
        description="The depth that gets a picture: distance along the view axis, as .exr (32-bit float) or .npy",
        subtype="FILE_PATH",
    )
    model: EnumProperty(
        name="Model",
        description="What makes the picture and its depth",
        items=tuple((entry.id, entry.label, entry.description) for entry in catalog.models()),
        default=DEFAULT_MODEL.id,
        update=_use_model_defaults,
    )
    seed: IntProperty(
        **SEED, description="Another number, another variation; the same number gives the same result again"
    )
    size_px: IntProperty(
        name="Size",
        description="Longer side of the result in pixels; the shape of a scene follows the render settings",
        subtype="PIXEL",
        min=16,
        max=MAX_SIDE_PX,
        default=DEFAULT_MODEL.default_size_px,
    )
    preset: EnumProperty(
        name="Preset",
        description="The model's settings under one name; what you change below goes before it",
        items=_presets,
        update=_use_mode_defaults,
    )
    steps: IntProperty(**STEPS, default=DEFAULT_MODEL.default_steps)
    guidance: FloatProperty(**GUIDANCE, default=DEFAULT_MODEL.default_guidance)
    depth_guidance: FloatProperty(**DEPTH_GUIDANCE, default=1.0)

    more_detail: BoolProperty(**MORE_DETAIL)
    detail_px: IntProperty(**DETAIL, default=256)
    precision: EnumProperty(**PRECISION)
    prefer_speed: BoolProperty(**PREFER_SPEED)
    compile_blocks: BoolProperty(**COMPILE)
    refine_depth: BoolProperty(
        name="Refine Depth",
        description="Look at the finished picture once more to find its depth: slower, often cleaner",
        default=False,
    )

    known_image_path: StringProperty(
        name="Picture",
        description="A picture to keep in the result: all of it, or where the mask is white. The result has its size",
        subtype="FILE_PATH",
    )
    known_depth_path: StringProperty(
        name="Depth",
        description="A depth to keep in the result, as .exr (32-bit float) or .npy. NaN or 0: not known there",
        subtype="FILE_PATH",
    )
    known_from_scene: BoolProperty(
        name="Go on from Scene",
        description="Keep the depth of what the active camera sees, and make the rest to go with it",
        default=False,
    )
    mask_path: StringProperty(
        name="Mask",
        description="A picture that is white where the pixels above are known. Without it, all of them are",
        subtype="FILE_PATH",
    )
    strictness: FloatProperty(
        **STRICTNESS, description="How far the known pixels are held. 0: not at all; 1: they come back exactly"
    )
    resample: IntProperty(
        **RESAMPLE, description="Go every part of the way this often: layouts may join what is known better. Slower"
    )

    apply_to: EnumProperty(
        name="Apply To",
        description="What the material is put on",
        items=(
            ("plane", "New Plane", "Add a plane with the material at the 3D cursor"),
            ("active", "Active Object", "Give the material to the active mesh object"),
        ),
        default="plane",
    )
    relief_auto: BoolProperty(
        name="Automatic Relief",
        description="Take the height of the displacement that suits the depth and the size of a tile",
        default=True,
    )
    relief_m: FloatProperty(
        name="Relief",
        description="Height from the lowest to the highest point of the displacement",
        subtype="DISTANCE",
        min=0.0,
        soft_max=1.0,
        default=0.1,
    )
    displacement: EnumProperty(
        name="Displacement",
        description="How the relief becomes shape",
        items=tuple((choice, label, text) for choice, (label, text) in displacement.CHOICES.items()),
        default=displacement.DEFAULT,
    )
    flatten: FloatProperty(
        name="Flatten",
        description="Take shapes wider than this many tiles out of the relief. 0 keeps them all",
        min=0.0,
        soft_max=2.0,
        step=5,
        default=0.0,
    )
    tile: EnumProperty(
        name="Seamless",
        description="Where one tile goes on in the next (neural models; what is procedural tiles both ways)",
        items=(
            ("both", "Both Ways", "Left to right and top to bottom"),
            ("x", "Left to Right", "For bands and friezes"),
            ("y", "Top to Bottom", "For columns and trunks"),
            ("none", "No", "A single piece"),
        ),
        default="both",
    )
    tile_repeat: IntProperty(
        name="Repeat",
        description="How many tiles lie side by side, each way",
        min=1,
        max=MAX_REPEAT,
        soft_max=20,
        default=1,
    )
    camera_source: EnumProperty(
        name="Camera",
        description="The camera the picture is seen from",
        items=(
            ("active", "Active Camera", "The mesh lines up with the scene's camera"),
            ("new", "New Camera", "Add a camera with the field of view below"),
        ),
        default="active",
    )
    fov_rad: FloatProperty(
        name="Field of View",
        description="Horizontal field of view of the new camera",
        subtype="ANGLE",
        min=math.radians(1.0),
        max=math.radians(170.0),
        soft_min=math.radians(10.0),
        soft_max=math.radians(120.0),
        default=math.radians(50.0),
    )

    known_distance: FloatProperty(
        name="Distance",
        description="How far apart the two selected vertices of the scene are in truth",
        subtype="DISTANCE",
        min=1e-4,
        soft_max=100.0,
        default=1.0,
    )

    @property
    def entry(self) -> catalog.ModelEntry:
        """The chosen model in the catalogue."""
        return catalog.find(self.model)

    @property
    def chosen_preset(self) -> Preset | None:
        """For the request; None where the model's own settings are."""
        return self.preset if self.preset in self.entry.presets else None

    @property
    def uses_steps(self) -> bool:
        """Whether the chosen model samples in steps, with guidance."""
        return self.entry.backend != "procedural"

    @property
    def uses_depth_guidance(self) -> bool:
        """Whether a depth is given, and the chosen model can be guided by it."""
        return self.mode == "d2i" and self.entry.guides_by_depth

    @property
    def paints_scene(self) -> bool:
        """Whether a picture is painted for the scene's own depth, as the active camera sees it."""
        return self.mode == "d2i" and self.depth_source == "scene"

    @property
    def can_constrain(self) -> bool:
        """Whether the chosen model can hold known pixels."""
        return self.entry.constraints

    @property
    def extends_scene(self) -> bool:
        """Whether the result goes on from what the active camera sees."""
        return self.known_from_scene and self.can_constrain and self.mode == "joint" and self.target == "scene"

    @property
    def sees_scene(self) -> bool:
        """Whether the scene's own depth is asked for, which only the active camera can tell."""
        return self.paints_scene or self.extends_scene

    @property
    def can_refine(self) -> bool:
        """Whether the depth that comes with a picture can be found once more from it."""
        return self.mode == "joint" and "i2d" in self.entry.modes


def of(scene: bpy.types.Scene) -> DepthwrightSettings:
    return getattr(scene, NAME)


def register() -> None:
    bpy.utils.register_class(DepthwrightSettings)
    setattr(bpy.types.Scene, NAME, PointerProperty(type=DepthwrightSettings))


def unregister() -> None:
    delattr(bpy.types.Scene, NAME)
    bpy.utils.unregister_class(DepthwrightSettings)
