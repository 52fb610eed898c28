"""Builds the extension's zip with Blender's own extension tool, from exactly the files git knows.

The working folder holds environments, caches and results; the manifest's exclude list drops them as well, but what
ships should depend on the repository alone. ``make zip`` runs this file, the tests build their zip through it.

    python tests/shipping/pack.py [OUTPUT_DIR]        prints the path of the zip
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MADE = {"__pycache__", "build", "dist", "demo", "runs"}


class PackError(Exception):
    """The zip could not be built or is not valid; the message holds what the tool said."""


def bpy_scripts() -> Path:
    """The scripts folder of the bpy wheel, found without importing bpy (one second and a few hundred MB)."""
    spec = importlib.util.find_spec("bpy")
    if spec is None or spec.origin is None:
        raise PackError("bpy is not installed in this Python: run `make test` once, then use .venv/bin/python.")
    found = sorted(Path(spec.origin).parent.glob("*/scripts"))
    if not found:
        raise PackError(f"no scripts folder beside {spec.origin}")
    return found[-1]


def extension_tool(*arguments: str | Path) -> str:
    """Run Blender's blender_ext.py; its output. PackError where it does not end with 0."""
    tool = bpy_scripts() / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
    done = subprocess.run([sys.executable, tool, *arguments], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise PackError(f"blender_ext.py {arguments[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def export(target: Path, root: Path = ROOT) -> None:
    """Copy what git tracks, or would track, to the folder ``target``: no ignored file, nothing that was deleted."""
    for name in _known_to_git(root) or _below(root):
        source = root / name
        if source.is_file():  # listed but deleted, or the folder of another repository
            copy = target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)


def _known_to_git(root: Path) -> list[str]:
    """What git lists; nothing where there is no git, or no checkout: an unpacked archive."""
    # safe.directory: a checkout that another user made, as in a container, is git's business only when it runs hooks.
    command = ["git", "-c", f"safe.directory={root}", "-C", str(root)]
    command += ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, timeout=60)
    except FileNotFoundError:
        return []
    return [name for name in listed.stdout.decode().split("\0") if name] if listed.returncode == 0 else []


def _below(root: Path) -> Iterator[str]:
    """Every file but what .gitignore names: hidden folders, and what make puts beside the sources."""
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if not f.startswith(".") and f not in MADE and not f.endswith(".egg-info")]
        yield from (str(Path(folder, file).relative_to(root)) for file in files)


def build(output_dir: Path, root: Path = ROOT) -> Path:
    """Build and validate the zip in ``output_dir`` (made if missing); its path."""
    output_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        clean, built = Path(folder, "depthwright"), Path(folder, "built")
        built.mkdir()
        export(clean, root)
        tags = bpy_scripts() / "modules" / "_bpy_internal" / "extensions" / "tags.py"
        checked_tags = ["--valid-tags", tags] if tags.is_file() else []
        extension_tool("build", "--source-dir", clean, "--output-dir", built, *checked_tags)
        (made,) = built.glob("*.zip")
        extension_tool("validate", made, *checked_tags)
        return Path(shutil.move(made, output_dir / made.name))


def main() -> int:
    output_dir = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist"
    try:
        made = build(output_dir)
    except PackError as error:
        print(f"pack: {error}", file=sys.stderr)
        return 1
    print(f"{made} ({made.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
