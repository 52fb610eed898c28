"""Writing node trees, node by node or as formulas. The same from Blender 4.2 on."""

from __future__ import annotations

from typing import Any

import bpy

from .kinds import sure


def fill(socket: Any, value: Any) -> None:
    """Give an input the value that it has where nothing is linked to it: only the kinds of sockets have one."""
    socket.default_value = value


def tree_of(owner: bpy.types.Material | bpy.types.World) -> bpy.types.NodeTree:
    """The nodes of what has some."""
    return sure(bpy.types.NodeTree, owner.node_tree)


class Formula:
    """Adds nodes to a geometry node tree: each method one, and gives back its output.

    A value is an output socket, or a plain number for an unlinked input.
    """

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self._tree = tree

    def node(self, kind: str, inputs: dict[str | int, Any], **settings: Any) -> bpy.types.Node:
        """A node with those settings; what is given for its inputs, by name or number, is linked or filled in."""
        node = self._tree.nodes.new(kind)
        for name, value in settings.items():
            setattr(node, name, value)
        for key, value in inputs.items():
            self.connect(value, _socket(node.inputs, key))
        return node

    def connect(self, value: Any, socket: bpy.types.NodeSocket) -> None:
        if isinstance(value, bpy.types.NodeSocket):
            self._tree.links.new(value, socket)
        else:
            fill(socket, value)

    def math(self, operation: str, *values: Any) -> bpy.types.NodeSocket:
        return self.node("ShaderNodeMath", dict(enumerate(values)), operation=operation).outputs[0]

    def vector_math(self, operation: str, *values: Any) -> bpy.types.NodeSocket:
        return self.node("ShaderNodeVectorMath", dict(enumerate(values)), operation=operation).outputs[0]

    def logic(self, operation: str, *values: Any) -> bpy.types.NodeSocket:
        return self.node("FunctionNodeBooleanMath", dict(enumerate(values)), operation=operation).outputs[0]

    def compare(self, operation: str, a: Any, b: Any) -> bpy.types.NodeSocket:
        node = self.node("FunctionNodeCompare", {}, data_type="FLOAT", operation=operation)
        self.connect(a, _socket(node.inputs, "A"))
        self.connect(b, _socket(node.inputs, "B"))
        return node.outputs[0]

    def switch(self, kind: str, condition: Any, no: Any, yes: Any) -> bpy.types.NodeSocket:
        node = self.node("GeometryNodeSwitch", {}, input_type=kind)
        for name, value in (("Switch", condition), ("False", no), ("True", yes)):
            self.connect(value, _socket(node.inputs, name))
        return _socket(node.outputs, "Output")

    def combine(self, x: Any, y: Any, z: Any) -> bpy.types.NodeSocket:
        return self.node("ShaderNodeCombineXYZ", {0: x, 1: y, 2: z}).outputs[0]

    def separate(self, vector: Any) -> tuple[bpy.types.NodeSocket, ...]:
        return tuple(self.node("ShaderNodeSeparateXYZ", {0: vector}).outputs)

    def attribute(self, name: str, kind: str) -> bpy.types.NodeSocket:
        """A named attribute of the geometry; kind: FLOAT, FLOAT_VECTOR, BOOLEAN, INT."""
        node = self.node("GeometryNodeInputNamedAttribute", {"Name": name}, data_type=kind)
        return _socket(node.outputs, "Attribute")

    def on_domain(self, value: Any, kind: str, domain: str) -> bpy.types.NodeSocket:
        """A field worked out on that domain before it goes on to another."""
        node = self.node("GeometryNodeFieldOnDomain", {}, data_type=kind, domain=domain)
        self.connect(value, _socket(node.inputs, "Value"))
        return _socket(node.outputs, "Value")

    def sample(self, geometry: Any, value: Any, index: Any, kind: str, domain: str = "POINT") -> bpy.types.NodeSocket:
        """The value that the geometry's element of that number has."""
        node = self.node("GeometryNodeSampleIndex", {}, data_type=kind, domain=domain, clamp=True)
        for name, given in (("Geometry", geometry), ("Value", value), ("Index", index)):
            self.connect(given, _socket(node.inputs, name))
        return _socket(node.outputs, "Value")

    def store(self, geometry: Any, name: str, value: Any, kind: str, domain: str) -> bpy.types.NodeSocket:
        """The geometry with that attribute set."""
        node = self.node("GeometryNodeStoreNamedAttribute", {}, data_type=kind, domain=domain)
        for key, given in (("Geometry", geometry), ("Name", name), ("Value", value)):
            self.connect(given, _socket(node.inputs, key))
        return node.outputs["Geometry"]


def _socket(sockets: Any, key: str | int) -> bpy.types.NodeSocket:
    """By number, or by name: a node for several data types has a socket for each, of which one is enabled."""
    if isinstance(key, int):
        return sockets[key]
    return next(socket for socket in sockets if socket.name == key and socket.enabled)


def in_columns(tree: bpy.types.NodeTree) -> None:
    """Place the nodes so that a person can read the tree: each to the right of all that it takes from."""
    column = dict.fromkeys((node.name for node in tree.nodes), 0)
    ends = ((link.from_node, link.to_node) for link in tree.links)
    links = [(start.name, end.name) for start, end in ends if start is not None and end is not None]
    for _ in column:
        before = dict(column)
        for start, end in links:
            column[end] = max(column[end], column[start] + 1)
        if column == before:
            break
    filled: dict[int, int] = {}
    places = []
    for at in column.values():
        places += [200.0 * at, -180.0 * filled.get(at, 0)]
        filled[at] = filled.get(at, 0) + 1
    tree.nodes.foreach_set("location", places)  # one by one, each has the whole tree looked at
    tree.update_tag()
