"""Scene meshes in Blender."""

from __future__ import annotations

import itertools
import resource
from dataclasses import dataclass

import bpy
import numpy as np
from depthwright.engine.builtin import procedural
from depthwright.scene.blocks.bulk import KINDS
from depthwright.scene.live import mesh as scene_mesh
from depthwright.scene.live import modifier, nodes

from .measure import best_of, best_of_each, row


def run() -> None:
    live_scene_against_bare_arrays()
    large()


@dataclass(frozen=True)
class Arrays:
    """All that a finished scene mesh holds, ready to be set."""

    vertices: int
    edges: int
    corners: int
    face_starts: np.ndarray
    attributes: list[tuple[str, str, str, str, np.ndarray]]  # name, data type, domain, field, values
    pictures: list[tuple[int, int, np.ndarray]]

    @classmethod
    def of(cls, scene_object: bpy.types.Object) -> Arrays:
        mesh = scene_object.data
        starts = np.empty(len(mesh.polygons), np.int32)
        mesh.polygons.foreach_get("loop_start", starts)
        attributes = []
        for attribute in mesh.attributes:
            if attribute.name.startswith(".select"):
                continue
            field, width, kind = KINDS[attribute.data_type]
            values = np.empty(len(attribute.data) * width, kind)
            attribute.data.foreach_get(field, values)
            attributes.append((attribute.name, attribute.data_type, attribute.domain, field, values))
        pictures = []
        for image in (material.node_tree.nodes.active.image for material in mesh.materials):
            values = np.empty(len(image.pixels), np.float32)
            image.pixels.foreach_get(values)
            pictures.append((*image.size, values))
        return cls(len(mesh.vertices), len(mesh.edges), len(mesh.loops), starts, attributes, pictures)

    def set_bare(self) -> None:
        """The yardstick: a mesh of that size and its pictures, new, and one foreach_set for each of their arrays.

        The arrays are position, edge_verts, corner_vert, corner_edge and the faces' first corners; the UV map and the
        material index; the attributes depthwright_ray, _depth, _known, _inset, _cell_jump, _shown_from, _shown_to and
        _fill; the pixels of the picture and of the back fill's, as floats. No more is done: no image is packed, no
        material, object, camera, node or modifier is made, and nothing is worked out.
        """
        mesh = bpy.data.meshes.new("Bare")
        mesh.vertices.add(self.vertices)
        mesh.edges.add(self.edges)
        mesh.loops.add(self.corners)
        mesh.polygons.add(len(self.face_starts))
        mesh.polygons.foreach_set("loop_start", self.face_starts)
        for name, data_type, domain, field, values in self.attributes:
            attribute = mesh.attributes.get(name) or mesh.attributes.new(name, data_type, domain)
            attribute.data.foreach_set(field, values)
        for width, height, values in self.pictures:
            bpy.data.images.new("Bare", width, height, alpha=False).pixels.foreach_set(values)


def live_scene_against_bare_arrays() -> None:
    """A textured live scene in Blender, and one turn of its field of view, against handing over its arrays alone."""
    sample = procedural.generate("three boxes on grass", "scene", 0, 1024, 1024, fov_deg=50.0)

    def build() -> bpy.types.Object:
        return scene_mesh.build(bpy.context, sample.image, sample.depth, {}, name="Bench", fov_deg=50.0)

    def empty_file() -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)

    def file_with_the_node_group() -> None:
        empty_file()
        nodes.group()

    empty_file()
    arrays = Arrays.of(build())
    yardstick = "bare foreach_set of the same arrays"
    bare, built = best_of_each(arrays.set_bare, build, before=file_with_the_node_group)
    row("live scene of 1024 x 1024, built", built, yardstick, bare)
    row("the same, the first one in a file: its node group too", best_of(build, before=empty_file), yardstick, bare)

    empty_file()
    made = build()
    angles = itertools.cycle((0.8, 0.9, 1.0))

    def turn() -> None:
        modifier.put(modifier.of(made), {"Field of View": next(angles)})
        bpy.context.view_layer.update()

    row("the same, its field of view turned", best_of(turn), yardstick, bare)


def large() -> None:
    """The most memory that a scene of 4096 x 4096 takes, built and shown: the whole process, at its highest."""
    sample = procedural.generate("three boxes on grass", "scene", 0, 1024, 1024, fov_deg=50.0)
    image, depth = (np.repeat(np.repeat(values, 4, axis=0), 4, axis=1) for values in (sample.image, sample.depth))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    scene_mesh.build(bpy.context, image, depth, {}, name="Large", fov_deg=50.0)
    built_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bpy.context.view_layer.update()
    shown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    before_gib, built_gib, shown_gib = (kib / 2**20 for kib in (before_kib, built_kib, shown_kib))
    print(
        f"| live scene of 4096 x 4096 | {built_gib:.1f} GiB at the most to build, {shown_gib:.1f} GiB shown "
        f"| {before_gib:.1f} GiB before |",
        flush=True,
    )
