"""What else a material is delivered as: a set of map files, an asset. Asked for by --maps and --asset."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import bpy

from ...scene.blocks.context import current
from ...scene.material import map_set
from ...scene.stage import asset
from .console import Console
from .staging import Staging


@dataclass(frozen=True)
class Sheets:
    """maps: the folder they are written to for now, which exists; name: how their files begin."""

    maps: Path | None = None
    name: str = ""
    asset: bool = False

    def write(self, made: bpy.types.Object, console: Console) -> None:
        """Write the maps and mark the asset, as far as they are wanted. Before the file is saved."""
        if self.maps is not None:
            console.say("writing maps")
            map_set.write(made, self.maps, self.name)
        if self.asset:
            console.say("rendering the asset's preview")
            asset.mark(current(), made)


def place(maps: Path, staging: Staging, title: str) -> Path:
    """Where the maps that become that folder are written for now. InputError where they would overwrite others."""
    map_set.refuse_others(maps, map_set.file_name(title))
    return staging.folder(maps)


def files(args: argparse.Namespace, title: str) -> list[Path]:
    """What --maps will have written."""
    return list(map_set.paths_in(args.maps, map_set.file_name(title)).values()) if args.maps else []


def wanted(args: argparse.Namespace, maps: Path | None, title: str) -> Sheets:
    """The options, with the place that --maps means for now."""
    return Sheets(maps, map_set.file_name(title), args.asset)
