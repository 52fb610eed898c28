"""Node materials, written by node type and socket name so that they are the same in every Blender from 4.2 on."""

from __future__ import annotations

import bpy
import numpy as np

from . import colour


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
    # As a lamp, a million emitting triangles cost Cycles far more than they give.
    if hasattr(material, "cycles"):  # the add-on may be switched off
        material.cycles.emission_sampling = "NONE"
    return material


def lit(
    name: str, picture: bpy.types.Image, mean: np.ndarray, *, roughness: float, tile_repeat: int
) -> bpy.types.Material:
    """The picture, of that mean colour (sRGB), as the base colour of a Principled surface, repeated over the UVs."""
    material = bpy.data.materials.new(name)
    nodes, links = _emptied(material)
    output = nodes.new("ShaderNodeOutputMaterial")
    surface = nodes.new("ShaderNodeBsdfPrincipled")
    surface.inputs["Roughness"].default_value = roughness
    coordinates = nodes.new("ShaderNodeTexCoord")
    mapping = nodes.new("ShaderNodeMapping")
    mapping.inputs["Scale"].default_value = (tile_repeat, tile_repeat, 1.0)
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
    coordinates.uv_map = uv_layer
    texture = _texture(nodes, picture, extension="EXTEND")
    links.new(coordinates.outputs["UV"], texture.inputs["Vector"])
    links.new(texture.outputs["Color"], surface.inputs["Base Color" if lit else "Color"])
    links.new(surface.outputs[0], output.inputs["Surface"])
    if lit:
        surface.inputs["Roughness"].default_value = 0.7
    elif hasattr(material, "cycles"):
        material.cycles.emission_sampling = "NONE"
    _in_a_row(coordinates, texture, surface, output)
    if relief is not None:
        height, displacement = _texture(nodes, relief, extension="EXTEND"), nodes.new("ShaderNodeDisplacement")
        displacement.space = "WORLD"
        displacement.inputs["Midlevel"].default_value = 0.0
        displacement.inputs["Scale"].default_value = 1.0
        links.new(coordinates.outputs["UV"], height.inputs["Vector"])
        links.new(height.outputs["Color"], displacement.inputs["Height"])
        links.new(displacement.outputs["Displacement"], output.inputs["Displacement"])
        height.location, displacement.location = (-900.0, -400.0), (-600.0, -400.0)
    _show_in_solid_view(material, texture, mean)
    return material


def _show_in_solid_view(material: bpy.types.Material, texture: bpy.types.Node, mean: np.ndarray) -> None:
    """Its texture where solid view shows textures, else the picture's mean colour."""
    material.node_tree.nodes.active = texture
    # Viewport colours are linear.
    material.diffuse_color = (*colour.linear_from_srgb(mean), 1.0)


def add_relief(material: bpy.types.Material, height_map: bpy.types.Image, relief_m: float) -> None:
    """Drive the displacement socket of a lit() material with a height of 0..1 that spans relief_m, 0.5 in place."""
    nodes, links = material.node_tree.nodes, material.node_tree.links
    output = next(node for node in nodes if node.type == "OUTPUT_MATERIAL")
    mapping = next(node for node in nodes if node.type == "MAPPING")
    height = _texture(nodes, height_map, extension="REPEAT")
    displacement = nodes.new("ShaderNodeDisplacement")
    displacement.space = "OBJECT"  # as the Displace modifier: scaled with the object
    displacement.inputs["Midlevel"].default_value = 0.5
    displacement.inputs["Scale"].default_value = relief_m
    links.new(mapping.outputs["Vector"], height.inputs["Vector"])
    links.new(height.outputs["Color"], displacement.inputs["Height"])
    links.new(displacement.outputs["Displacement"], output.inputs["Displacement"])
    height.location, displacement.location = (-900.0, -400.0), (-600.0, -400.0)


def plain_world(name: str, *, colour: tuple[float, float, float], strength: float) -> bpy.types.World:
    """A world of one colour."""
    world = bpy.data.worlds.new(name)
    nodes, links = _emptied(world)
    output, background = nodes.new("ShaderNodeOutputWorld"), nodes.new("ShaderNodeBackground")
    background.inputs["Color"].default_value = (*colour, 1.0)
    background.inputs["Strength"].default_value = strength
    links.new(background.outputs["Background"], output.inputs["Surface"])
    _in_a_row(background, output)
    return world


def _emptied(owner: bpy.types.Material | bpy.types.World):
    """The owner's nodes and links, with nothing in them."""
    if owner.node_tree is None:  # from 5.0 on it has a tree from the start
        owner.use_nodes = True
    owner.node_tree.nodes.clear()
    return owner.node_tree.nodes, owner.node_tree.links


def _texture(nodes, image: bpy.types.Image, *, extension: str) -> bpy.types.ShaderNodeTexImage:
    texture = nodes.new("ShaderNodeTexImage")
    texture.image = image
    texture.interpolation = "Linear"
    texture.extension = extension
    return texture


def _in_a_row(*nodes: bpy.types.Node) -> None:
    for column, node in enumerate(nodes):
        node.location = (300.0 * (column - len(nodes)), 0.0)
