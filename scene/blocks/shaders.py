"""Node materials, written by node type and socket name so that they are the same in every Blender from 4.2 on."""

from __future__ import annotations

from typing import Literal

import bpy
import numpy as np

from . import colour, cycles
from .kinds import sure
from .node_tools import fill, tree_of


def unlit(name: str, picture: bpy.types.Image, mean: np.ndarray) -> bpy.types.Material:
    """The picture, of that mean colour (sRGB), as it is, through emission: its light is already in it."""
    material = bpy.data.materials.new(name)
    nodes, links = _emptied(material)
    output = nodes.new("ShaderNodeOutputMaterial")
    emission = nodes.new("ShaderNodeEmission")
    texture = _texture(nodes, picture, extension="EXTEND")
    links.new(texture.outputs["Color"], emission.inputs["Color"])
    links.new(emission.outputs["Emission"], output.inputs["Surface"])
    _in_a_row(texture, emission, output)
    _show_in_solid_view(material, texture, mean)
    _no_lamp(material)
    return material


def lit(
    name: str, picture: bpy.types.Image, mean: np.ndarray, *, roughness: float, tile_repeat: int
) -> bpy.types.Material:
    """The picture, of that mean colour (sRGB), as the base colour of a Principled surface, repeated over the UVs."""
    material = bpy.data.materials.new(name)
    nodes, links = _emptied(material)
    output = nodes.new("ShaderNodeOutputMaterial")
    surface = nodes.new("ShaderNodeBsdfPrincipled")
    fill(surface.inputs["Roughness"], roughness)
    coordinates = nodes.new("ShaderNodeTexCoord")
    mapping = nodes.new("ShaderNodeMapping")
    fill(mapping.inputs["Scale"], (tile_repeat, tile_repeat, 1.0))
    texture = _texture(nodes, picture, extension="REPEAT")
    links.new(coordinates.outputs["UV"], mapping.inputs["Vector"])
    links.new(mapping.outputs["Vector"], texture.inputs["Vector"])
    links.new(texture.outputs["Color"], surface.inputs["Base Color"])
    links.new(surface.outputs["BSDF"], output.inputs["Surface"])
    _in_a_row(coordinates, mapping, texture, surface, output)
    _show_in_solid_view(material, texture, mean)
    return material


def painted(
    name: str,
    picture: bpy.types.Image,
    mean: np.ndarray,
    uv_layer: str,
    *,
    lit: bool,
    relief: bpy.types.Image | None = None,
) -> bpy.types.Material:
    """The picture by that UV map, as a Principled surface's base colour or as light of its own.

    mean    colour of the picture (3,), sRGB
    relief  heights in scene units, which shade it, and move it where the material's displacement says so
    """
    material = bpy.data.materials.new(name)
    nodes, links = _emptied(material)
    output = nodes.new("ShaderNodeOutputMaterial")
    surface = nodes.new("ShaderNodeBsdfPrincipled" if lit else "ShaderNodeEmission")
    coordinates = nodes.new("ShaderNodeUVMap")
    sure(bpy.types.ShaderNodeUVMap, coordinates).uv_map = uv_layer
    texture = _texture(nodes, picture, extension="EXTEND")
    links.new(coordinates.outputs["UV"], texture.inputs["Vector"])
    links.new(texture.outputs["Color"], surface.inputs["Base Color" if lit else "Color"])
    links.new(surface.outputs[0], output.inputs["Surface"])
    if lit:
        fill(surface.inputs["Roughness"], 0.7)
    else:
        _no_lamp(material)
    _in_a_row(coordinates, texture, surface, output)
    if relief is not None:
        height, displacement = _texture(nodes, relief, extension="EXTEND"), nodes.new("ShaderNodeDisplacement")
        sure(bpy.types.ShaderNodeDisplacement, displacement).space = "WORLD"
        fill(displacement.inputs["Midlevel"], 0.0)
        fill(displacement.inputs["Scale"], 1.0)
        links.new(coordinates.outputs["UV"], height.inputs["Vector"])
        links.new(height.outputs["Color"], displacement.inputs["Height"])
        links.new(displacement.outputs["Displacement"], output.inputs["Displacement"])
        height.location, displacement.location = (-900.0, -400.0), (-600.0, -400.0)
    _show_in_solid_view(material, texture, mean)
    return material


def _no_lamp(material: bpy.types.Material) -> None:
    """As a lamp, a million emitting triangles cost Cycles far more than they give."""
    settings = cycles.of(material)
    if settings is not None:
        settings.emission_sampling = "NONE"


def _show_in_solid_view(material: bpy.types.Material, texture: bpy.types.Node, mean: np.ndarray) -> None:
    """Its texture where solid view shows textures, else the picture's mean colour."""
    tree_of(material).nodes.active = texture
    # Viewport colours are linear.
    material.diffuse_color = (*colour.linear_from_srgb(mean), 1.0)


def add_relief(material: bpy.types.Material, height_map: bpy.types.Image, relief_m: float) -> None:
    """Drive the displacement socket of a lit() material with a height of 0..1 that spans relief_m, 0.5 in place."""
    nodes, links = tree_of(material).nodes, tree_of(material).links
    output = next(node for node in nodes if node.type == "OUTPUT_MATERIAL")
    mapping = next(node for node in nodes if node.type == "MAPPING")
    height = _texture(nodes, height_map, extension="REPEAT")
    displacement = nodes.new("ShaderNodeDisplacement")
    # As the Displace modifier: scaled with the object.
    sure(bpy.types.ShaderNodeDisplacement, displacement).space = "OBJECT"
    fill(displacement.inputs["Midlevel"], 0.5)
    fill(displacement.inputs["Scale"], relief_m)
    links.new(mapping.outputs["Vector"], height.inputs["Vector"])
    links.new(height.outputs["Color"], displacement.inputs["Height"])
    links.new(displacement.outputs["Displacement"], output.inputs["Displacement"])
    height.location, displacement.location = (-900.0, -400.0), (-600.0, -400.0)


def plain_world(name: str, *, colour: tuple[float, float, float], strength: float) -> bpy.types.World:
    """A world of one colour."""
    world = bpy.data.worlds.new(name)
    nodes, links = _emptied(world)
    output, background = nodes.new("ShaderNodeOutputWorld"), nodes.new("ShaderNodeBackground")
    fill(background.inputs["Color"], (*colour, 1.0))
    fill(background.inputs["Strength"], strength)
    links.new(background.outputs["Background"], output.inputs["Surface"])
    _in_a_row(background, output)
    return world


def _emptied(owner: bpy.types.Material | bpy.types.World) -> tuple[bpy.types.Nodes, bpy.types.NodeLinks]:
    """The owner's nodes and links, with nothing in them."""
    if owner.node_tree is None:  # from 5.0 on it has a tree from the start
        owner.use_nodes = True
    tree = tree_of(owner)
    tree.nodes.clear()
    return tree.nodes, tree.links


def _texture(
    nodes: bpy.types.Nodes, image: bpy.types.Image, *, extension: Literal["EXTEND", "REPEAT"]
) -> bpy.types.Node:
    texture = sure(bpy.types.ShaderNodeTexImage, nodes.new("ShaderNodeTexImage"))
    texture.image = image
    texture.interpolation = "Linear"
    texture.extension = extension
    return texture


def _in_a_row(*nodes: bpy.types.Node) -> None:
    for column, node in enumerate(nodes):
        node.location = (300.0 * (column - len(nodes)), 0.0)
