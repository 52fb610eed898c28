"""The node group of live scenes: from stored rays and depths to the surface that is seen.

One group a file and version, shared by all scene objects. A file keeps the group it was made with: a newer Depthwright
adds its own beside it, so that what an older one has built stays as it was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import bpy

from ...engine.geometry.edges import DEFAULT_TEAR
from ...engine.geometry.mesh import LEAST_TEAR
from ..blocks import properties
from ..blocks.kinds import sure, untyped
from ..blocks.node_tools import Formula, in_columns
from ..view import axes

NAME = "Depthwright Scene"
VERSION = 1
VERSION_KEY = "depthwright_scene_version"

#: What the mesh stores, and the nodes read.
RAY, DEPTH, KNOWN = "depthwright_ray", "depthwright_depth", "depthwright_known"
SHOWN_FROM, SHOWN_TO, CELL_JUMP = "depthwright_shown_from", "depthwright_shown_to", "depthwright_cell_jump"
FILL, INSET = "depthwright_fill", "depthwright_inset"
UV = "UVMap"

_DRAFT_JUMP = "depthwright_draft_jump"


@dataclass(frozen=True)
class Input:
    """One input of the modifier. ``hidden``: set once by Depthwright or by a driver, and of no use to turn by hand."""

    name: str
    kind: str
    default: Any
    description: str
    least: float | None = None
    most: float | None = None
    subtype: str = "NONE"
    hidden: bool = False


_FLOAT, _INT, _BOOL = "NodeSocketFloat", "NodeSocketInt", "NodeSocketBool"

INPUTS = (
    Input("From Camera", _BOOL, False, "Follow the lens, sensor and shift of the camera it was made for"),
    Input(
        "Field of View", _FLOAT, math.radians(50.0), "Angle across the picture", math.radians(1.0), math.radians(170.0),
        "ANGLE",
    ),
    Input("View Width", _FLOAT, 1.0, "Width of the picture, made for an orthographic camera", 1e-4, subtype="DISTANCE"),
    Input("Shift X", _FLOAT, 0.0, "Shift of the lens, as on the camera", -10.0, 10.0),
    Input("Shift Y", _FLOAT, 0.0, "Shift of the lens, as on the camera", -10.0, 10.0),
    Input("Depth Scale", _FLOAT, 1.0, "Multiplies every distance from the camera", 1e-4),
    Input("Depth Offset", _FLOAT, 0.0, "Added to every distance from the camera, after the scale", subtype="DISTANCE"),
    Input("Near Cut", _FLOAT, 0.0, "What is nearer is cut off", 0.0, subtype="DISTANCE"),
    Input("Far Cut", _FLOAT, 0.0, "What is farther is cut off. 0: nothing is", 0.0, subtype="DISTANCE"),
    Input(
        "Tear", _FLOAT, DEFAULT_TEAR, "Neighbouring pixels whose depths differ by more than this share are parted",
        LEAST_TEAR, 10.0,
    ),
    Input(
        "Edge Inset", _FLOAT, 0.0, "Move silhouettes in by so many pixels, off colours mixed with the background",
        0.0, 4.0,
    ),
    Input("Back Fill", _BOOL, True, "Continue the background a little way behind what stands before it"),
    Input(
        "Sky Distance", _FLOAT, 100.0, "Where the sky is, and all that is farther; before the depth is scaled", 1e-4,
        subtype="DISTANCE",
    ),
    Input("Resolution Divisor", _INT, 1, "Take every n-th pixel only: a light draft, without back fill", 1, 64),
    Input("Material", "NodeSocketMaterial", None, "What a draft is shown with", hidden=True),
    Input("Camera View Width", _FLOAT, 1.0, "Width of the camera's view at distance 1", hidden=True),
    Input("Camera Shift X", _FLOAT, 0.0, "Shift of the camera's lens", hidden=True),
    Input("Camera Shift Y", _FLOAT, 0.0, "Shift of the camera's lens", hidden=True),
    Input("Made Width", _FLOAT, 1.0, "Width of the view that the rays were stored for, at distance 1", hidden=True),
    Input("Made Height", _FLOAT, 1.0, "Height of the view that the rays were stored for", hidden=True),
    Input("Made Shift X", _FLOAT, 0.0, "Shift of the lens that the rays were stored for", hidden=True),
    Input("Made Shift Y", _FLOAT, 0.0, "Shift of the lens that the rays were stored for", hidden=True),
    Input("Shift Unit", _FLOAT, 1.0, "A shift of 1, in widths of the picture", hidden=True),
    Input("Orthographic", _BOOL, False, "Whether all rays are parallel", hidden=True),
    Input("Columns", _INT, 2, "Pixels in a row, margin included", hidden=True),
    Input("Rows", _INT, 2, "Pixels in a column, margin included", hidden=True),
)  # fmt: skip


def is_ours(tree: bpy.types.NodeTree) -> bool:
    """Whether that is the group of some version, which was called otherwise once."""
    return properties.has(tree, VERSION_KEY)


def group() -> bpy.types.NodeTree:
    """This version's group: the one in the file, or a new one. One with older names reads attributes of older names."""
    for tree in bpy.data.node_groups:
        if tree.bl_idname == "GeometryNodeTree" and tree.get(VERSION_KEY) == VERSION and tree.library is None:
            return tree
    return _make()


def identifiers(tree: bpy.types.NodeTree) -> dict[str, str]:
    """Name of an input -> what the modifier calls it."""
    return {
        item.name: item.identifier
        for item in _interface(tree).items_tree
        if isinstance(item, bpy.types.NodeTreeInterfaceSocket) and item.in_out == "INPUT"
    }


def _interface(tree: bpy.types.NodeTree) -> bpy.types.NodeTreeInterface:
    return sure(bpy.types.NodeTreeInterface, tree.interface)


def _make() -> bpy.types.NodeTree:
    tree = sure(bpy.types.GeometryNodeTree, bpy.data.node_groups.new(NAME, "GeometryNodeTree"))
    tree[VERSION_KEY] = VERSION
    tree.is_modifier = True
    _interface(tree).new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    _interface(tree).new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    for item in INPUTS:
        _add_input(tree, item)
    formula = Formula(tree)
    given = tree.nodes.new("NodeGroupInput").outputs
    position, distance = _position(formula, given)
    full = _full(formula, given, position, distance)
    draft = _draft(tree, formula, given, position)
    is_draft = formula.compare("GREATER_THAN", given["Resolution Divisor"], 1.5)
    shown = formula.switch("GEOMETRY", is_draft, full, draft)
    formula.node("NodeGroupOutput", {0: shown})
    in_columns(tree)
    return tree


def _add_input(tree: bpy.types.NodeTree, item: Input) -> None:
    made = _interface(tree).new_socket(item.name, in_out="INPUT", socket_type=item.kind, description=item.description)
    socket = untyped(made)  # what it has depends on item.kind
    if item.default is not None:
        if item.subtype != "NONE":
            socket.subtype = item.subtype
        socket.default_value = item.default
        if item.least is not None:
            socket.min_value = item.least
        if item.most is not None:
            socket.max_value = item.most
    socket.hide_in_modifier = item.hidden


def _position(f: Formula, given: bpy.types.NodeOutputs) -> tuple[bpy.types.NodeSocket, bpy.types.NodeSocket]:
    """Field: where a stored point is, and its distance along the view axis.

    ray' = (ray / made width + (shift - made shift) * shift unit) * width; then out to the distance.
    """
    by_angle = f.math("MULTIPLY", f.math("TANGENT", f.math("MULTIPLY", given["Field of View"], 0.5)), 2.0)
    by_hand = f.switch("FLOAT", given["Orthographic"], by_angle, given["View Width"])
    width = f.switch("FLOAT", given["From Camera"], by_hand, given["Camera View Width"])
    shift_x, shift_y = (
        f.math(
            "MULTIPLY",
            f.math(
                "MULTIPLY",
                f.math(
                    "SUBTRACT",
                    f.switch("FLOAT", given["From Camera"], given[f"Shift {axis}"], given[f"Camera Shift {axis}"]),
                    given[f"Made Shift {axis}"],
                ),
                given["Shift Unit"],
            ),
            width,
        )
        for axis in "XY"
    )
    zoom = f.math("DIVIDE", width, given["Made Width"])
    stored = f.math("MINIMUM", f.attribute(DEPTH, "FLOAT"), given["Sky Distance"])
    stored = f.switch("FLOAT", f.attribute(KNOWN, "BOOLEAN"), given["Sky Distance"], stored)
    distance = f.math("MULTIPLY_ADD", stored, given["Depth Scale"], given["Depth Offset"])
    size = f.combine(given["Made Width"], given["Made Height"], 0.0)
    inset = f.vector_math("MULTIPLY_ADD", _inset(f, given), size, f.attribute(RAY, "FLOAT_VECTOR"))
    ray = f.vector_math("MULTIPLY_ADD", inset, f.combine(zoom, zoom, 1.0), f.combine(shift_x, shift_y, 0.0))
    reach = f.switch("FLOAT", given["Orthographic"], distance, 1.0)
    return f.vector_math("MULTIPLY", ray, f.combine(reach, reach, distance)), distance


def _full(f: Formula, given: bpy.types.NodeOutputs, position: Any, distance: Any) -> bpy.types.NodeSocket:
    """The mesh itself, without the faces that are not there at this threshold or are cut off."""
    cut_off = f.logic("NOT", f.on_domain(_inside(f, given, distance), "BOOLEAN", "POINT"))
    hidden = f.logic(
        "OR",
        f.compare("GREATER_THAN", f.attribute(SHOWN_FROM, "FLOAT"), given["Tear"]),
        f.compare("LESS_EQUAL", f.attribute(SHOWN_TO, "FLOAT"), given["Tear"]),
    )
    unwanted = f.logic("AND", f.attribute(FILL, "BOOLEAN"), f.logic("NOT", given["Back Fill"]))
    gone = f.logic("OR", f.logic("OR", hidden, unwanted), cut_off)
    kept = f.node(
        "GeometryNodeDeleteGeometry",
        {"Geometry": given["Geometry"], "Selection": gone},
        domain="FACE",
        mode="ALL",
    ).outputs[0]
    placed = f.node("GeometryNodeSetPosition", {"Geometry": kept, "Position": position}).outputs[0]
    uv = f.vector_math("ADD", f.attribute(UV, "FLOAT_VECTOR"), f.on_domain(_inset(f, given), "FLOAT_VECTOR", "POINT"))
    painted = f.store(placed, UV, uv, "FLOAT2", "CORNER")
    return f.switch("GEOMETRY", f.compare("GREATER_THAN", given["Edge Inset"], 0.0), placed, painted)


def _inset(f: Formula, given: bpy.types.NodeOutputs) -> bpy.types.NodeSocket:
    """Field: how far a point gives way to the inset of the silhouettes, in widths and heights of the picture."""
    width, height = (f.math("SUBTRACT", given[side], 2.0) for side in ("Columns", "Rows"))  # without the margin
    per_pixel = f.combine(
        f.math("DIVIDE", given["Edge Inset"], width), f.math("DIVIDE", given["Edge Inset"], height), 0
    )
    return f.vector_math("MULTIPLY", f.attribute(INSET, "FLOAT_VECTOR"), per_pixel)


def _draft(tree: bpy.types.NodeTree, f: Formula, given: bpy.types.NodeOutputs, position: Any) -> bpy.types.NodeSocket:
    """A grid of every n-th pixel, without the cells in which there is a jump above the threshold.

    Numbers of vertices and faces run up each column of a grid node's mesh, columns from the left.
    """
    base, step = given["Geometry"], given["Resolution Divisor"]
    last_column, last_row = f.math("SUBTRACT", given["Columns"], 1.0), f.math("SUBTRACT", given["Rows"], 1.0)
    across = f.math("CEIL", f.math("DIVIDE", last_column, step))  # cells, as in all that follows
    up = f.math("CEIL", f.math("DIVIDE", last_row, step))
    grid = f.node(
        "GeometryNodeMeshGrid",
        {"Vertices X": f.math("ADD", across, 1.0), "Vertices Y": f.math("ADD", up, 1.0)},
    ).outputs[0]

    number = f.node("GeometryNodeInputIndex", {}).outputs[0]

    def pixel(per_column: Any, right: Any, below: Any, last_c: Any, last_r: Any, first_row: Any) -> tuple:
        """Column and row in the stored grid of the element of that number, moved right and below by some pixels."""
        column = f.math("FLOOR", f.math("DIVIDE", f.math("ADD", number, 0.5), per_column))
        from_bottom = f.math("SUBTRACT", number, f.math("MULTIPLY", column, per_column))
        row = f.math("SUBTRACT", first_row, from_bottom)
        column = f.math("MINIMUM", f.math("MULTIPLY_ADD", column, step, right), last_c)
        row = f.math("MINIMUM", f.math("MULTIPLY_ADD", row, step, below), last_r)
        return column, row, f.math("MULTIPLY_ADD", row, given["Columns"], column)

    # Face by face the largest jump of the cells under it, one of n x n in each turn.
    turn_in, turn_out = tree.nodes.new("GeometryNodeRepeatInput"), tree.nodes.new("GeometryNodeRepeatOutput")
    end = sure(bpy.types.GeometryNodeRepeatOutput, turn_out)
    sure(bpy.types.GeometryNodeRepeatInput, turn_in).pair_with_output(end)
    end.repeat_items.new("FLOAT", "Turn")
    turn = turn_in.outputs["Turn"]
    below = f.math("FLOOR", f.math("DIVIDE", f.math("ADD", turn, 0.5), step))
    right = f.math("SUBTRACT", turn, f.math("MULTIPLY", below, step))
    before_last_column, before_last_row = f.math("SUBTRACT", last_column, 1.0), f.math("SUBTRACT", last_row, 1.0)
    *_, cell = pixel(up, right, below, before_last_column, before_last_row, f.math("SUBTRACT", up, 1.0))
    jump = f.math(
        "MAXIMUM", f.attribute(_DRAFT_JUMP, "FLOAT"), f.sample(base, f.attribute(CELL_JUMP, "FLOAT"), cell, "FLOAT")
    )
    f.connect(f.math("MULTIPLY", step, step), turn_in.inputs["Iterations"])
    f.connect(grid, turn_in.inputs["Geometry"])
    f.connect(f.store(turn_in.outputs["Geometry"], _DRAFT_JUMP, jump, "FLOAT", "FACE"), turn_out.inputs["Geometry"])
    f.connect(f.math("ADD", turn, 1.0), turn_out.inputs["Turn"])
    measured = turn_out.outputs["Geometry"]

    column, row, vertex = pixel(f.math("ADD", up, 1.0), 0.0, 0.0, last_column, last_row, up)
    placed = f.node(
        "GeometryNodeSetPosition", {"Geometry": measured, "Position": f.sample(base, position, vertex, "FLOAT_VECTOR")}
    ).outputs[0]
    # The grid has a pixel more than the picture on each side, and pixels have their colour in their middle.
    u = f.math("DIVIDE", f.math("SUBTRACT", column, 0.5), f.math("SUBTRACT", given["Columns"], 2.0))
    v = f.math("DIVIDE", f.math("SUBTRACT", row, 0.5), f.math("SUBTRACT", given["Rows"], 2.0))
    uv = f.on_domain(f.combine(u, f.math("SUBTRACT", axes.TOP_V, v), 0.0), "FLOAT_VECTOR", "POINT")
    painted = f.store(placed, UV, uv, "FLOAT2", "CORNER")

    z = f.separate(f.node("GeometryNodeInputPosition", {}).outputs[0])[2]
    distance = f.math("MULTIPLY", z, axes.CAMERA[2])
    inside = f.on_domain(_inside(f, given, distance), "BOOLEAN", "POINT")
    torn = f.compare("GREATER_THAN", f.attribute(_DRAFT_JUMP, "FLOAT"), given["Tear"])
    kept = f.node(
        "GeometryNodeDeleteGeometry",
        {"Geometry": painted, "Selection": f.logic("OR", torn, f.logic("NOT", inside))},
        domain="FACE",
        mode="ALL",
    ).outputs[0]
    return f.node("GeometryNodeSetMaterial", {"Geometry": kept, "Material": given["Material"]}).outputs[0]


def _inside(f: Formula, given: bpy.types.NodeOutputs, distance: Any) -> bpy.types.NodeSocket:
    """Field: whether that distance is between the near and the far cut."""
    no_limit = f.compare("LESS_EQUAL", given["Far Cut"], 0.0)
    return f.logic(
        "AND",
        f.compare("GREATER_EQUAL", distance, given["Near Cut"]),
        f.logic("OR", no_limit, f.compare("LESS_EQUAL", distance, given["Far Cut"])),
    )
