"""A plain folder: what anybody can make of pictures and depth of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from .rgbd import Files, Pair, read_array, scaled_png

PER_METRE = 1000.0  # 16-bit PNG in millimetres, as most sensors write them
_IMAGES = (".png", ".jpg", ".jpeg")


def plain_folder(root: Path, listing: Path | None = None) -> Files:
    """images/NAME.png or .jpg, depth/NAME.npy (metres; inf = sky, nan or 0 = unknown) or .png (16 bit, millimetres,
    0 = unknown), and where there are captions, captions/NAME.txt."""
    texts = (root / "captions").glob("*.txt")
    captions = {text.stem: text.read_text(encoding="utf-8", errors="replace").strip() for text in texts}
    return Files(root, listing, _pairs, lambda files, _: metres(files[1], files[1].suffix), captions)


def metres(file: Path | BinaryIO, suffix: str) -> np.ndarray:
    """Depth (H, W) in metres of a .npy or a 16-bit .png in millimetres."""
    if suffix == ".png":
        return scaled_png(file, PER_METRE)
    depth = read_array(file).squeeze().astype(np.float32)
    return np.where(depth > 0, depth, np.float32(np.nan))


def _pairs(root: Path) -> Iterator[Pair]:
    depths = {file.stem: file for file in (root / "depth").glob("*") if file.suffix in (".npy", ".png")}
    for image in (root / "images").glob("*"):
        if image.suffix.lower() in _IMAGES and image.stem in depths:
            yield image, depths[image.stem]
