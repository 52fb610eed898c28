"""The depth of the scene as it stands, rendered by Cycles in this process: what is there, not what a model thinks."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import mathutils
import numpy as np

from ...engine.contract.errors import InputError
from ...engine.geometry import depth as depth_maps
from ...engine.geometry.camera import Intrinsics
from ..blocks import cycles
from ..blocks.context import Context
from ..blocks.kinds import camera_of, sure, untyped
from ..files import pictures
from . import aside
from . import camera as cameras

_WHAT = "the scene's depth"


@dataclass(frozen=True)
class DepthPass:
    """depth (H, W) float32: along the view axis in scene units, inf where nothing is; known (H, W) bool: where it is
    finite; lens: the camera over these pixels."""

    depth: np.ndarray
    known: np.ndarray
    lens: Intrinsics


def from_camera(
    context: Context,
    camera: bpy.types.Object,
    *,
    width_px: int,
    height_px: int,
    exclude: Collection[bpy.types.Object] = (),
    letterbox: bool = False,
) -> DepthPass:
    """What the camera sees of the scene's frame in a picture of that size, at every pixel's centre.

    exclude    objects that are looked through
    letterbox  allow another shape than the frame's: the picture lies in the middle of it, as scene_mesh.build() has it

    Between the camera's clipping distances, with what the view layer and the objects' own switches let a render see;
    surfaces less than half opaque, volumes, depth of field and motion blur count for nothing. Raises InputError for a
    panoramic camera and for a shape that is not the frame's.
    """
    lens = cameras.for_picture(camera, context.scene, width_px, height_px, letterbox=letterbox)
    data, place = camera_of(camera), aside.place_of(context, camera)
    return from_view(context, place, lens, clip_start=data.clip_start, clip_end=data.clip_end, exclude=exclude)


def from_view(
    context: Context,
    place: mathutils.Matrix,
    lens: Intrinsics,
    *,
    clip_start: float,
    clip_end: float,
    exclude: Collection[bpy.types.Object] = (),
) -> DepthPass:
    """The same without a camera object: seen from `place` (as a camera's matrix_world; scale is ignored) by `lens`.

    Nothing of the file is changed when this returns or raises. EngineError where Cycles cannot render it.
    """
    with (
        tempfile.TemporaryDirectory(prefix="depthwright-", dir=bpy.app.tempdir) as folder,
        _looked_through(exclude),
        aside.scene_aside(context, place) as (scene, layer, data),
    ):
        pixel_aspect = cameras.put_lens(data, lens)
        data.clip_start, data.clip_end = clip_start, clip_end
        _only_depth(scene, layer)
        render = scene.render
        render.resolution_x, render.resolution_y, render.resolution_percentage = lens.width_px, lens.height_px, 100
        render.pixel_aspect_x, render.pixel_aspect_y = pixel_aspect
        with _compositor(context, scene, layer, Path(folder)):
            aside.render(scene, _WHAT)
        written = sorted(Path(folder).glob("*.exr"))
        if not written:
            raise aside.failed("no file was written", _WHAT)
        depth = pictures.read_values(written[0])
    if depth.shape != (lens.height_px, lens.width_px):
        size = f"{depth.shape[1]} x {depth.shape[0]} pixels instead of {lens.width_px} x {lens.height_px}"
        raise aside.failed(size, _WHAT)
    depth = np.where((depth > 0.0) & (depth < depth_maps.FARTHEST), depth, np.float32(np.inf))
    depth = depth_maps.close_pinholes(depth)  # where Depthwright's own meshes are, rays go right through vertices
    return DepthPass(depth, np.isfinite(depth), lens)


def of_scene(context: Context, camera: bpy.types.Object, *, width_px: int, height_px: int) -> np.ndarray:
    """The depth (H, W) to paint a picture for. InputError where the camera sees nothing, or one flat value."""
    # Letterboxed, because whole pixels may miss the frame's shape by more than 1 % in a small picture.
    seen = from_camera(context, camera, width_px=width_px, height_px=height_px, letterbox=True)
    if not seen.known.any():
        raise InputError(
            f"The camera '{camera.name}' sees nothing.", "Point it at something, or look at its clipping distances."
        )
    return depth_maps.check(seen.depth)


def known_of_scene(context: Context, camera: bpy.types.Object, *, width_px: int, height_px: int) -> np.ndarray:
    """The same (H, W) as a depth to keep and to go on from: NaN, so still to be made, where the camera sees nothing."""
    depth = of_scene(context, camera, width_px=width_px, height_px=height_px)
    return np.where(np.isfinite(depth), depth, np.float32(np.nan))


def _only_depth(scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> None:
    """Settings for one ray through every pixel's centre, and nothing that costs time without moving a surface."""
    render, settings = scene.render, cycles.needed(scene, "The depth of the scene")
    for name in [prop.identifier for prop in layer.bl_rna.properties if prop.identifier.startswith("use_pass_")]:
        setattr(layer, name, name == "use_pass_z")
    wanted: list[tuple[Any, str, Any]] = [
        (scene, "world", None),
        (render, "engine", "CYCLES"),
        (render, "use_compositing", True),
        (render, "compositor_device", "CPU"),
        (settings, "device", "CPU"),
        (settings, "samples", 1),
        (settings, "use_adaptive_sampling", False),
        (settings, "use_denoising", False),
        (settings, "max_bounces", 0),
        # The narrowest there is: a wider one takes its ray from anywhere in the pixel, and over an edge.
        (settings, "pixel_filter_type", "BLACKMAN_HARRIS"),
        (settings, "filter_width", 0.01),
        (layer, "use_volumes", False),
        (layer, "pass_alpha_threshold", 0.5),
    ]
    for owner, name, value in wanted:
        if hasattr(owner, name):  # some came or went between 4.2 and 5.2
            setattr(owner, name, value)


@contextmanager
def _compositor(context: Context, scene: bpy.types.Scene, layer: bpy.types.ViewLayer, folder: Path) -> Iterator[None]:
    """Have the render write its depth, as 32-bit EXR, into that folder."""
    if hasattr(scene, "compositing_node_group"):  # 5.0 on: a node group that scenes share
        tree = passing = bpy.data.node_groups.new("Depthwright depth pass", "CompositorNodeTree")
        untyped(scene).compositing_node_group = tree
    else:  # the scene's own, and so the copy's
        scene.use_nodes = True
        tree, passing = sure(bpy.types.NodeTree, scene.node_tree), None
        tree.nodes.clear()
    try:
        with context.temp_override(scene=scene, view_layer=layer):  # else 5.2 counts one more user of the user's scene
            source = tree.nodes.new("CompositorNodeRLayers")
        rendered = untyped(source)
        rendered.scene, rendered.layer = scene, layer.name
        output = tree.nodes.new("CompositorNodeOutputFile")
        writer = untyped(output)
        if hasattr(writer.format, "media_type"):
            writer.format.media_type = "IMAGE"
        writer.format.file_format = "OPEN_EXR"
        writer.format.color_depth = "32"
        if hasattr(writer, "file_output_items"):  # 5.0 on
            writer.directory, writer.file_name = str(folder), "depth"
            writer.file_output_items.clear()
            writer.file_output_items.new("FLOAT", "Depth")
        else:
            writer.base_path = str(folder)
            writer.file_slots[0].path = "depth"  # clearing the slots would leak the first
        tree.links.new(source.outputs["Depth"], output.inputs[0])
        yield
    finally:
        if passing is not None:
            bpy.data.node_groups.remove(passing)


@contextmanager
def _looked_through(objects: Collection[bpy.types.Object]) -> Iterator[None]:
    """Those objects hidden from renders, and as they were after the block."""
    hidden = [(item, item.hide_render) for item in objects]
    try:
        for item, _ in hidden:
            item.hide_render = True
        yield
    finally:
        for item, was in hidden:
            with contextlib.suppress(ReferenceError):
                item.hide_render = was
