"""Helpers for the command line's tests: run it in this process, or as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from depthwright.scene.files import pictures

DEPTHWRIGHT = Path(sys.executable).with_name("depthwright")


def start(*arguments: object, **options: object) -> subprocess.Popen:
    """The console script as a process; options of Popen."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    return subprocess.Popen([str(DEPTHWRIGHT), *map(str, arguments)], **options)


def everything_in(folder: Path) -> list[str]:
    """All paths below a folder, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def write_pair(folder: Path, width_px: int = 48, height_px: int = 32) -> tuple[Path, Path]:
    """A picture with a gradient and the depth of a bump: image.png, depth.npy."""
    y, x = np.mgrid[0:height_px, 0:width_px].astype(np.float32)
    picture = np.stack([x / width_px, y / height_px, np.full_like(x, 0.5)], axis=-1)
    image, depth = folder / "image.png", folder / "depth.npy"
    pictures.write_image(image, np.rint(picture * 255).astype(np.uint8))
    bump = np.exp(-((x - width_px / 2) ** 2 + (y - height_px / 2) ** 2) / width_px)
    np.save(depth, (5.0 - bump).astype(np.float32))
    return image, depth
