"""KITTI, ETH3D, DIODE, ScanNet, Hypersim, TartanAir: where their files are, and what is in them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...contract.errors import InputError
from .rgbd import Files, Pair, read_array, read_raw_image, scaled_png

KITTI_PER_METRE = 256.0  # devkit of the depth benchmark: 16-bit PNG, depth * 256, 0 = no measurement
SCANNET_PER_METRE = 1000.0
HYPERSIM_FOV_DEG = 60.0  # across; the same for nearly every camera of the set
TARTANAIR_SKY_M = 5000.0  # the simulator's far plane lies beyond


def kitti(root: Path, listing: Path | None = None) -> Files:
    """The depth benchmark: projected, accumulated lidar; sparse."""
    return Files(root, listing, _kitti_pairs, lambda files, _: scaled_png(files[1], KITTI_PER_METRE))


def _kitti_pairs(root: Path) -> Iterator[Pair]:
    """Annotated depth with the raw recordings beside it, and the benchmark's own selection."""
    for depth in root.rglob("proj_depth/groundtruth/image_0[23]/*.png"):
        drive, camera = depth.parents[3].name, depth.parent.name
        day = drive[:10]
        tails = (f"{day}/{drive}/{camera}/data", f"{drive}/{camera}/data")
        folders = (base / tail for base in (root, root / "raw", root / "kitti_raw") for tail in tails)
        names = (depth.name, f"{depth.stem}.jpg")
        image = next((f / name for f in folders for name in names if (f / name).exists()), None)
        if image:
            yield image, depth
    for depth in root.rglob("groundtruth_depth/*.png"):
        image = depth.parents[1] / "image" / depth.name.replace("_groundtruth_depth_", "_image_")
        if image.exists():
            yield image, depth


def eth3d(root: Path, listing: Path | None = None) -> Files:
    """High-resolution multi-view: scanned depth of the distorted pictures; a raw file with a picture's name."""
    return Files(root, listing, _eth3d_pairs, _eth3d_depth)


def _eth3d_pairs(root: Path) -> Iterator[Pair]:
    for depth in root.rglob("ground_truth_depth/dslr_images/*.JPG"):
        image = depth.parents[2] / "images" / "dslr_images" / depth.name
        if image.exists():
            yield image, depth


def _eth3d_depth(files: Pair, image: np.ndarray) -> np.ndarray:
    """Row after row of 32-bit floats, little endian, without a header; inf where the scanner saw nothing."""
    stored = np.fromfile(files[1], "<f4")
    height, width = image.shape[:2]
    if stored.size != height * width:
        raise InputError(
            f"{files[1]} holds {stored.size} numbers; its picture has {width} x {height} pixels.",
            "Use the pictures with distortion (dslr_images), which the depth belongs to.",
        )
    stored = stored.reshape(height, width)
    return np.where(np.isfinite(stored) & (stored > 0), stored, np.float32(np.nan))


def diode(root: Path, listing: Path | None = None) -> Files:
    """Laser-scanned depth with a mask of what can be trusted."""
    return Files(root, listing, _diode_triples, _diode_depth)


def _diode_triples(root: Path) -> Iterator[Pair]:
    for depth in root.rglob("*_depth.npy"):
        stem = depth.name.removesuffix("_depth.npy")
        image, mask = depth.with_name(f"{stem}.png"), depth.with_name(f"{stem}_depth_mask.npy")
        if image.exists() and mask.exists():
            yield image, depth, mask


def _diode_depth(files: Pair, _: np.ndarray) -> np.ndarray:
    image, stored, *mask = files
    if not mask:
        raise InputError(f"No mask is named for {image}.", "List picture, depth and mask of every DIODE sample.")
    depth = read_array(stored).squeeze()
    trusted = (read_array(mask[0]).squeeze() > 0) & (depth > 0)
    return np.where(trusted, depth, np.float32(np.nan))


def scannet(root: Path, listing: Path | None = None) -> Files:
    """As its SensReader exports: color/N.jpg and depth/N.png, of which the depth is the smaller one."""
    return Files(root, listing, _scannet_pairs, lambda files, _: scaled_png(files[1], SCANNET_PER_METRE))


def _scannet_pairs(root: Path) -> Iterator[Pair]:
    for depth in root.rglob("depth/*.png"):
        color = depth.parents[1] / "color"
        image = next(
            (color / (depth.stem + end) for end in (".jpg", ".png") if (color / (depth.stem + end)).exists()), None
        )
        if image:
            yield image, depth


def hypersim(root: Path, listing: Path | None = None) -> Files:
    """Rendered rooms. Its files hold the distance to the camera's centre, along the ray; z-depth is made of it."""
    return Files(root, listing, _hypersim_pairs, _hypersim_depth)


def _hypersim_pairs(root: Path) -> Iterator[Pair]:
    for depth in root.rglob("*_geometry_hdf5/frame.*.depth_meters.hdf5"):
        preview = depth.parent.with_name(depth.parent.name.replace("_geometry_hdf5", "_final_preview"))
        image = preview / depth.name.replace(".depth_meters.hdf5", ".tonemap.jpg")
        if image.exists():
            yield image, depth


def _hypersim_depth(files: Pair, _: np.ndarray) -> np.ndarray:
    from .hdf5 import read_hdf5

    return distance_to_depth(read_hdf5(files[1], "dataset").astype(np.float32), HYPERSIM_FOV_DEG)


def distance_to_depth(distance: np.ndarray, fov_deg: float) -> np.ndarray:
    """(H, W) distances along the rays of a pinhole camera with that horizontal field of view -> z-depth."""
    height, width = distance.shape
    focal = width / 2 / math.tan(math.radians(fov_deg) / 2)
    x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / np.float32(focal)
    y = (np.arange(height, dtype=np.float32) + 0.5 - height / 2) / np.float32(focal)
    return distance / np.sqrt(1 + x[None] ** 2 + y[:, None] ** 2)


def tartanair(root: Path, listing: Path | None = None) -> Files:
    """Simulated flights; version 1 (.npy) and version 2 (floats in the bytes of a PNG)."""
    return Files(root, listing, _tartanair_pairs, _tartanair_depth)


def _tartanair_pairs(root: Path) -> Iterator[Pair]:
    for pattern in ("depth_*/*_depth.npy", "depth_*/*_depth.png"):
        for depth in root.rglob(pattern):
            folder = depth.parents[1] / depth.parent.name.replace("depth_", "image_", 1)
            image = folder / (depth.stem.removesuffix("_depth") + ".png")
            if image.exists():
                yield image, depth


def _tartanair_depth(files: Pair, _: np.ndarray) -> np.ndarray:
    if files[1].suffix == ".npy":
        depth = read_array(files[1])
    else:
        stored = read_raw_image(files[1])
        if stored.ndim != 3 or stored.shape[2] != 4:
            raise InputError(f"{files[1]} does not hold floats in four bytes.", "Use the set's depth as published.")
        # Written by OpenCV: the bytes of a little-endian float in the order blue, green, red, alpha.
        depth = np.ascontiguousarray(stored[..., [2, 1, 0, 3]]).view("<f4")[..., 0]
    return np.where(depth < TARTANAIR_SKY_M, depth, np.float32(np.inf))
