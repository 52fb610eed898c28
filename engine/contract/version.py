"""The version number has one source: blender_manifest.toml, which Blender itself reads."""

from __future__ import annotations

import tomllib
from pathlib import Path

VERSION: str = tomllib.loads(
    (Path(__file__).resolve().parents[2] / "blender_manifest.toml").read_text(encoding="utf-8")
)["version"]
