"""Builds what a release ships: the zip, the wheel, and an index.json by which Blender installs the zip from a URL.

The commit must carry the version's own tag, the changelog must have the version, and nothing may be uncommitted.
``make release`` runs this file. The index names the zip beside it, so all files go into one place, any web server or
a forge's release; an artist then adds that place's index.json in Blender as a remote repository.

    python -m depthwright.tests.shipping.release OUTPUT_DIR        prints the paths
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from . import pack, wheel

INDEX = "index.json"


def build(output_dir: Path, root: Path = pack.ROOT) -> list[Path]:
    """Build all files in ``output_dir``, which must not hold a zip yet; their paths. PackError says what is wrong."""
    version = tomllib.loads((root / "blender_manifest.toml").read_text(encoding="utf-8"))["version"]
    check(root, version)
    if others := sorted(output_dir.glob("*.zip")):
        raise pack.PackError(f"{others[0]} is there already, and would be listed in the index: remove it.")
    made = [pack.build(output_dir, root), wheel.build(output_dir, root)]
    pack.extension_tool("server-generate", "--repo-dir", output_dir)
    return [*made, output_dir / INDEX]


def check(root: Path, version: str) -> None:
    """PackError unless the commit in ``root`` may be released as ``version``."""
    if changed := git(root, "status", "--porcelain"):
        raise pack.PackError(f"Not all is committed:\n{changed}")
    tags = git(root, "tag", "--points-at", "HEAD").split()
    if f"v{version}" not in tags:
        raise pack.PackError(
            f"The manifest's version is {version}, and the tags of this commit are: {', '.join(tags) or 'none'}. "
            f"Correct the version, or tag the commit: git tag v{version}"
        )
    changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = re.search(rf"^## {re.escape(version)}(.*)$", changes, re.MULTILINE)
    if heading is None:
        raise pack.PackError(f"CHANGELOG.md has no heading '## {version}'.")
    if not re.fullmatch(r" \(\d{4}-\d\d-\d\d\)", heading[1]):
        raise pack.PackError(f"CHANGELOG.md has no day beside {version}: ## {version} (YEAR-MONTH-DAY)")


def git(root: Path, *words: str) -> str:
    command = ["git", "-c", f"safe.directory={root}", "-C", str(root), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise pack.PackError(f"git {words[0]} ended with {done.returncode}: {done.stderr}")
    return done.stdout.rstrip()


def main() -> int:
    try:
        made = build(Path(sys.argv[1]))
    except pack.PackError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    print(*made, sep="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
