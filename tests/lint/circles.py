"""No circle between modules, and none between the rooms of a folder, imports for type checking included.

import-linter holds which way arrows go. Its own contract against circles takes a package and its children for one
thing, and so does not see a child that imports its package; and it knows rooms only where they are listed.
"""

from __future__ import annotations

import itertools
import sys
from graphlib import CycleError, TopologicalSorter

import grimp

ROOT = "depthwright"
PRODUCT = ("engine", "scene", "operators", "panels")


def product() -> grimp.ImportGraph:
    """Who imports whom, all that is shipped."""
    graph = grimp.build_graph(ROOT, exclude_type_checking_imports=False, cache_dir=None)
    ours = {ROOT, *(f"{ROOT}.{part}" for part in PRODUCT)}
    for module in graph.modules - ours:
        if not module.startswith(tuple(f"{part}." for part in ours - {ROOT})):
            graph.remove_module(module)
    return graph


def module_circle(graph: grimp.ImportGraph) -> list[str]:
    return circle({module: graph.find_modules_directly_imported_by(module) for module in graph.modules})


def room_circle(graph: grimp.ImportGraph, folder: str) -> list[str]:
    """A circle of what lies in that folder, each with all that is below it."""
    rooms = graph.find_children(folder)
    below = {module: room for room in rooms for module in (room, *graph.find_descendants(room))}
    arrows: dict[str, set[str]] = {room: set() for room in rooms}
    for module, room in below.items():
        arrows[room] |= {below[to] for to in graph.find_modules_directly_imported_by(module) if to in below} - {room}
    return circle(arrows)


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """One of these arrows' circles, in their direction, its beginning again at its end; empty where there is none."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return error.args[1][::-1]
    return []


def told(graph: grimp.ImportGraph, rooms: list[str]) -> list[str]:
    """A circle as lines: an import that makes each of its arrows."""
    lines = [" -> ".join(room.removeprefix(f"{ROOT}.") for room in rooms)]
    for room, other in itertools.pairwise(rooms):
        inside = {room, *graph.find_descendants(room)}
        targets = {other, *graph.find_descendants(other)}
        found = ((a, b) for a in sorted(inside) for b in sorted(graph.find_modules_directly_imported_by(a) & targets))
        importer, imported = next(found)
        details = graph.get_import_details(importer=importer, imported=imported)
        lines += [f"    {importer}:{detail['line_number']}: {detail['line_contents']}" for detail in details[:1]]
    return lines


def main() -> int:
    graph = product()
    folders = sorted(module for module in graph.modules if graph.find_children(module))
    found = [module_circle(graph), *(room_circle(graph, folder) for folder in folders)]
    for rooms in filter(None, found):
        print("\n".join(told(graph, rooms)))
    if not any(found):
        print(f"No circle between {len(graph.modules)} modules, nor in {len(folders)} folders.")
    return int(any(found))


if __name__ == "__main__":
    sys.exit(main())
