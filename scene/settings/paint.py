"""What the Paint panel asks for: one property group on the scene, saved with the file."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ...engine import catalog
from ...engine.contract.request import MAX_SIDE_PX
from ...engine.geometry.projection import Blending
from ..painting import MAX_TEXTURE_PX, MAX_VIEWS, MIN_TEXTURE_PX, PaintSettings, Recipe
from .sampling import DEPTH_GUIDANCE, DETAIL, GUIDANCE, MAX_SEED, MORE_DETAIL, RESAMPLE, SEED, STEPS, STRICTNESS

NAME = "depthwright_paint"  # of the property on the scene

#: Only these can paint a picture for a depth.
MODELS = tuple(entry for entry in catalog.models() if "d2i" in entry.modes)

_USUAL, _BLENDING = PaintSettings(), Blending()


def _use_model_defaults(settings: DepthwrightPaintSettings, context: bpy.types.Context) -> None:
    """Another model, other sensible values."""
    entry = settings.entry
    settings.picture_px = entry.default_size_px
    settings.steps, settings.guidance = entry.steps_for("d2i"), entry.guidance_for("d2i")


class DepthwrightPaintSettings(bpy.types.PropertyGroup):
    """The choices in the Paint panel"""

    prompt: StringProperty(
        name="Prompt",
        description="What the objects shall look like, in plain words. For example: old wood, scratched blue paint",
        default="weathered wood",
    )
    model: EnumProperty(
        name="Model",
        description="What paints the pictures; only models that paint for a given depth can",
        items=tuple((entry.id, entry.label, entry.description) for entry in MODELS),
        default=MODELS[0].id,
        update=_use_model_defaults,
    )
    seed: IntProperty(**SEED, description="Another number, another variation; every view takes the next one")
    views: EnumProperty(
        name="Views",
        description="From where the objects are painted, one view after the other",
        items=(
            ("cube", "Six Sides", "Front, back, left, right, top and bottom", "CUBE", 0),
            ("ring", "Ring", "Around the objects, a little from above", "MESH_CIRCLE", 1),
            (
                "auto",
                "Automatic",
                "Each view where the most is to be seen that none before it saw",
                "OUTLINER_OB_LIGHT",
                2,
            ),
            ("cameras", "All Cameras", "Every camera of the scene, the active one first", "OUTLINER_OB_CAMERA", 3),
            ("camera", "Active Camera", "The scene's camera alone", "CAMERA_DATA", 4),
            ("viewport", "This Viewport", "What this 3D viewport shows", "VIEW3D", 5),
        ),
        default="cube",
    )
    view_count: IntProperty(name="Count", description="How many views", min=1, max=MAX_VIEWS, soft_max=12, default=6)
    picture_px: IntProperty(
        name="Picture",
        description="Longer side of the picture that is made for every view",
        subtype="PIXEL",
        min=64,
        max=MAX_SIDE_PX,
        default=MODELS[0].default_size_px,
    )
    texture_px: IntProperty(
        name="Texture",
        description="Side of the texture that every object gets",
        subtype="PIXEL",
        min=MIN_TEXTURE_PX,
        max=MAX_TEXTURE_PX,
        default=_USUAL.texture_px,
    )
    strictness: FloatProperty(
        **STRICTNESS, description="How far a view keeps to what earlier views painted. 0: not at all; 1: exactly"
    )
    resample: IntProperty(
        **RESAMPLE, description="Go every part of the way this often: old and new may join better. Slower"
    )
    steps: IntProperty(**STEPS, default=MODELS[0].steps_for("d2i"))
    guidance: FloatProperty(**GUIDANCE, default=MODELS[0].guidance_for("d2i"))
    depth_guidance: FloatProperty(**DEPTH_GUIDANCE, default=1.0)
    more_detail: BoolProperty(**MORE_DETAIL)
    detail_px: IntProperty(**DETAIL, default=128)
    whole_scene: BoolProperty(
        name="Whole Scene",
        description="Other objects hide what is behind them, and the model sees them too; they are not painted",
        default=False,
    )
    shading: EnumProperty(
        name="Shading",
        description="What the texture is in the new material",
        items=(
            ("lit", "Lit", "The base colour of a surface that takes light"),
            ("unlit", "Unlit", "Light of its own, exactly the colours that were painted"),
        ),
        default=_USUAL.shading,
    )
    height: BoolProperty(
        name="Height",
        description="Also find the relief in every picture, for a height texture in the material. Takes longer",
        default=_USUAL.height,
    )
    sharpness: FloatProperty(
        name="Sharpness",
        description="How much more the view counts that looks straightest at a place",
        min=0.0,
        max=32.0,
        soft_max=12.0,
        default=_BLENDING.angle_power,
    )
    feather: FloatProperty(
        name="Feather",
        description="Over this share of its picture a view fades out towards where it ends",
        subtype="FACTOR",
        min=0.0,
        max=0.5,
        soft_max=0.2,
        default=_BLENDING.feather,
    )
    match_exposure: BoolProperty(
        name="Match Exposure",
        description="Bring views to the same brightness and tint where they overlap",
        default=_BLENDING.match_exposure,
    )
    fill: BoolProperty(
        name="Fill",
        description="Continue the texture over what no view saw",
        default=_USUAL.fill,
    )
    margin_px: IntProperty(
        name="Margin",
        description="Pixels around every UV island that repeat its border, against seams",
        subtype="PIXEL",
        min=0,
        max=256,
        default=_USUAL.margin_px,
    )
    over: PointerProperty(
        name="Paint Over",
        description="Paint over this image where materials show it. Empty: every object gets a new texture",
        type=bpy.types.Image,
    )
    mask: PointerProperty(
        name="Mask",
        description="An image over the same UVs, white where the texture may change. Empty: everywhere, or in Texture "
        "Paint mode its stencil mask",
        type=bpy.types.Image,
    )
    region: EnumProperty(
        name="Region",
        description="What is repainted in Texture Paint mode",
        items=(
            ("mask", "Mask", "Where the mask is white: the one chosen here, or Texture Paint's stencil"),
            ("faces", "Faces", "The selected faces (turn on the face selection mask, or select them in Edit Mode)"),
            ("all", "All", "All that the view sees"),
        ),
        default="mask",
    )

    @property
    def entry(self) -> catalog.ModelEntry:
        """The chosen model in the catalogue."""
        return catalog.find(self.model)

    @property
    def view_set(self) -> str:
        """As painting_views.from_text() has it; "viewport" is none of these."""
        return f"{self.views}:{self.view_count}" if self.views in {"ring", "auto"} else self.views

    def recipe(self, number: int) -> Recipe:
        """What the view of that number is asked with: every view takes a seed of its own."""
        return Recipe(
            prompt=self.prompt,
            seed=(self.seed + number) % (MAX_SEED + 1),
            model=self.model,
            steps=self.steps,
            guidance=self.guidance,
            depth_guidance=self.depth_guidance if self.entry.guides_by_depth else None,
            detail_px=self.detail_px if self.more_detail else None,
            strictness=self.strictness,
            resample=self.resample,
        )

    def put_together(self) -> PaintSettings:
        """How the views become a texture."""
        return PaintSettings(
            texture_px=self.texture_px,
            margin_px=self.margin_px,
            fill=self.fill,
            blending=Blending(self.sharpness, self.feather, self.match_exposure),
            shading=self.shading,
            height=self.height,
        )


def of(scene: bpy.types.Scene) -> DepthwrightPaintSettings:
    return getattr(scene, NAME)


def register() -> None:
    bpy.utils.register_class(DepthwrightPaintSettings)
    setattr(bpy.types.Scene, NAME, PointerProperty(type=DepthwrightPaintSettings))


def unregister() -> None:
    delattr(bpy.types.Scene, NAME)
    bpy.utils.unregister_class(DepthwrightPaintSettings)
