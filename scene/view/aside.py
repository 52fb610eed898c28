"""A copy of the scene beside the user's, to render in: what is in it is his, no setting is, and it leaves no trace.

The copy shares objects, collections and the world, and has the view layer's choice of them. Every render setting is
Blender's own default, whatever the file says; the user's are not touched, so there is nothing to put back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import bpy
import mathutils

from ...engine.contract.errors import EngineError
from ..blocks.context import Context
from ..blocks.kinds import sure, untyped
from ..files import pictures

T = TypeVar("T")

#: Marks the copy, which no file ever sees.
_MARK = "depthwright_aside"

#: Settings that say when it is, what there is and what shape a camera's frame has: these stay the file's.
_SHAPE = ("pixel_aspect_x", "pixel_aspect_y")
_KEPT = {
    "render": {"fps", "fps_base", "frame_map_old", "frame_map_new", *_SHAPE, "threads", "threads_mode"},
    "cycles": {"feature_set"},  # until 5.0 it says whether materials displace adaptively
}

#: What a view layer has of its own beside its collections.
_LAYERS_OWN = {"name"}


def is_aside(scene: bpy.types.Scene) -> bool:
    """Whether a scene is such a copy: its renders are Depthwright's, and on the CPU."""
    return _MARK in scene


@contextmanager
def scene_aside(
    context: Context, place: mathutils.Matrix, lens: bpy.types.Camera | None = None
) -> Iterator[tuple[bpy.types.Scene, bpy.types.ViewLayer, bpy.types.Camera]]:
    """The copy, its only view layer, and its camera, which is its own and sharp at every distance.

    place  where the camera is (as a camera's matrix_world; scale is ignored)
    lens   a camera to see as; None: Blender's usual one
    """
    before = {image.as_pointer() for image in bpy.data.images}
    user, layer_name = context.scene, context.view_layer.name
    seen_from = user.camera
    scene = user.copy()
    made: list[bpy.types.ID] = []
    try:
        scene[_MARK] = True
        scene.timeline_markers.clear()  # one may be bound to another camera
        scene.animation_data_clear()  # which would bring settings back; what it moved stays where it is now
        layer = scene.view_layers[layer_name]
        for other in [other for other in scene.view_layers if other != layer]:
            scene.view_layers.remove(other)
        _plain(scene, layer)
        data = lens.copy() if lens is not None else bpy.data.cameras.new("Depthwright aside")
        made.append(data)
        data.animation_data_clear()
        untyped(data).dof.use_dof = False
        camera = bpy.data.objects.new("Depthwright aside", data)
        made.insert(0, camera)
        camera.matrix_world = place.normalized()
        scene.collection.objects.link(camera)
        scene.camera = camera
        yield scene, layer, data
    finally:
        bpy.data.scenes.remove(scene)
        bpy.data.batch_remove(made)
        if user.camera != seen_from:  # as it ends, a render has the user's scene follow its markers
            user.camera = seen_from
        for image in [image for image in bpy.data.images if image.type in {"RENDER_RESULT", "COMPOSITING"}]:
            if image.as_pointer() not in before:
                bpy.data.images.remove(image)


def render(scene: bpy.types.Scene, what: str = "the scene", *, write_still: bool = False) -> None:
    """Render a copy. EngineError where that fails; what: its words for what should have been seen."""
    with pictures.unsaved_kept():
        try:
            bpy.ops.render.render("EXEC_DEFAULT", write_still=write_still, scene=scene.name)
        except RuntimeError as error:
            raise failed(str(error), what) from error


def failed(detail: str, what: str = "the scene") -> EngineError:
    """A render that did not come about."""
    return EngineError(f"Cycles could not render {what}.", "Render it in Blender and read its message.", detail)


def place_of(context: Context, thing: bpy.types.Object) -> mathutils.Matrix:
    """The object's matrix_world as a render has it: also where it is disabled in viewports, or its collection is."""
    context.view_layer.update()
    seen = thing.evaluated_get(context.evaluated_depsgraph_get())
    if seen.is_evaluated:  # its own is not always up to date: not after a change of scenes
        return seen.matrix_world.copy()

    def read(depsgraph: bpy.types.Depsgraph) -> mathutils.Matrix:
        return thing.evaluated_get(depsgraph).matrix_world.copy()

    # A scene's camera is worked out even where it is hidden from renders.
    return as_rendered(context, [thing], read, camera=thing if thing.type == "CAMERA" else None)


def shown(context: Context) -> list[bpy.types.Object]:
    """The objects that a render shows, those of instances too."""

    def read(depsgraph: bpy.types.Depsgraph) -> set[int]:
        return {untyped(item).object.original.session_uid for item in depsgraph.object_instances}

    uids = as_rendered(context, [], read)
    return [thing for thing in bpy.data.objects if thing.session_uid in uids]


def as_rendered(
    context: Context,
    things: Sequence[bpy.types.Object],
    read: Callable[[bpy.types.Depsgraph], T],
    camera: bpy.types.Object | None = None,
) -> T:
    """What read() makes of the scene as a render works it out: modifiers, visibility and `Is Viewport` nodes.

    things  are worked out even where their collection is left out
    camera  is the scene's
    read() must keep nothing of the depsgraph.
    """
    with scene_aside(context, mathutils.Matrix()) as (scene, _, _), _reading(read) as reader:
        for thing in things:
            if thing.name not in scene.collection.objects:
                scene.collection.objects.link(thing)
        scene.camera = camera or scene.camera
        scene.render.engine = reader.bl_idname
        scene.render.resolution_x = scene.render.resolution_y = 4
        render(scene)
        if reader.error is not None:
            raise reader.error
        if not reader.found:
            raise failed("the reader was not called")
        return reader.found[0]


@contextmanager
def _reading(read: Callable[[bpy.types.Depsgraph], Any]) -> Iterator[type]:
    """An engine that renders nothing: it is how Blender hands out a depsgraph as renders have it."""

    class DepthwrightReader(bpy.types.RenderEngine):
        bl_idname = "DEPTHWRIGHT_READER"
        bl_label = "Depthwright Reader"
        found: list[Any] = []
        error: BaseException | None = None

        def render(self, depsgraph: bpy.types.Depsgraph | None) -> None:
            try:
                DepthwrightReader.found.append(read(sure(bpy.types.Depsgraph, depsgraph)))
            except BaseException as error:  # Blender would print it and go on
                DepthwrightReader.error = error

    bpy.utils.register_class(DepthwrightReader)
    try:
        yield DepthwrightReader
    finally:
        bpy.utils.unregister_class(DepthwrightReader)


def _plain(scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> None:
    """Every render setting as in a scene that nobody has touched."""
    usual = bpy.data.scenes.new("Depthwright aside")
    try:
        usual_layer = usual.view_layers[0]
        _like(scene.display_settings, usual.display_settings)  # first: it decides which view transforms there are
        _like(scene.view_settings, usual.view_settings)
        _like(scene.render, usual.render, _KEPT["render"])
        _like(scene.render.image_settings, usual.render.image_settings)
        _like(layer, usual_layer, _LAYERS_OWN)
        for owner, other, kept in ((scene, usual, _KEPT["cycles"]), (layer, usual_layer, set())):
            if hasattr(owner, "cycles"):
                _like(owner.cycles, other.cycles, kept)
    finally:
        bpy.data.scenes.remove(usual)
    if hasattr(scene, "compositing_node_group"):  # 5.0 on
        untyped(scene).compositing_node_group = None
    else:
        scene.use_nodes = False
    scene.render.use_compositing = scene.render.use_sequencer = False
    show_as_made(scene)


def show_as_made(scene: bpy.types.Scene) -> None:
    """Let the scene show colours as they are in the picture: without a film look over them."""
    shown = untyped(scene.view_settings)  # the names are the colour configuration's
    shown.view_transform, shown.look = "Standard", "None"
    shown.exposure, shown.gamma = 0.0, 1.0


_DENOISERS = ("denoiser", "preview_denoiser")


def _like(owner: Any, usual: Any, kept: Sequence[str] | set[str] = ()) -> None:
    """Give every simple setting the value it has there."""
    for prop in owner.bl_rna.properties:
        name = prop.identifier
        deprecated = getattr(prop, "is_deprecated", False)  # 5.0 on says so, and warns whoever reads it
        if prop.is_readonly or deprecated or prop.type == "COLLECTION" or name in kept:
            continue
        if name in _DENOISERS and not bpy.types.UILayout.enum_item_name(owner, name, "OPENIMAGEDENOISE"):
            continue  # this build has no denoiser, and warns whoever reads which one
        value = getattr(usual, name)
        if getattr(owner, name) != value:
            # Some say no: a choice that this build does not offer.
            with contextlib.suppress(AttributeError, TypeError, ValueError):
                setattr(owner, name, value)
