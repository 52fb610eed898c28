"""What every reader gives, and how files are read: errors name the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from PIL import Image, UnidentifiedImageError

from ...contract.errors import InputError


@dataclass(frozen=True)
class Rgbd:
    """image    (H, W, 3) uint8 sRGB
    depth    (H, W) float32 z-depth (not distance) in metres; inf = sky, nan = not known
    caption  what it shows, where the set says so
    name     which sample it is, for messages
    tiles    seamless on both axes
    """

    image: np.ndarray
    depth: np.ndarray
    caption: str = ""
    name: str = ""
    tiles: bool = False


class Reader(Protocol):
    """Samples by number; nothing is held in memory but their names."""

    def __len__(self) -> int: ...
    def __getitem__(self, number: int) -> Rgbd: ...


def read_image(file: Path | BinaryIO) -> np.ndarray:
    """(H, W, 3) uint8."""
    return _read(file, lambda opened: np.array(Image.open(opened).convert("RGB")))


def read_raw_image(file: Path | BinaryIO) -> np.ndarray:
    """The pixels as they are stored: (H, W) or (H, W, C)."""
    return _read(file, lambda opened: np.asarray(Image.open(opened)))


def read_array(file: Path | BinaryIO) -> np.ndarray:
    """A .npy file."""
    return _read(file, lambda opened: np.load(opened, allow_pickle=False))


def scaled_png(file: Path | BinaryIO, per_metre: float) -> np.ndarray:
    """(H, W) float32 metres of a 16-bit PNG in which 0 is not known."""
    stored = read_raw_image(file)
    if stored.ndim != 2 or stored.dtype.kind not in "iu" or stored.dtype.itemsize < 2:
        raise InputError(f"{name_of(file)} is no 16-bit depth image.", "Use the set's depth as it was published.")
    return np.where(stored > 0, stored / np.float32(per_metre), np.float32(np.nan)).astype(np.float32)


def name_of(file: Path | BinaryIO) -> str:
    return str(file) if isinstance(file, Path) else str(getattr(file, "name", "a file"))


def _read(file: Path | BinaryIO, decode: Callable[[Any], np.ndarray]) -> np.ndarray:
    try:
        return decode(file)
    except (OSError, ValueError, UnidentifiedImageError) as error:
        raise InputError(
            f"{name_of(file)} cannot be read.", "Unpack the data set once more.", f"{type(error).__name__}: {error}"
        ) from error


Pair = tuple[Path, ...]  # picture, depth and perhaps a mask


class Files:
    """A set of which every sample is a picture file and a depth file.

    find    all samples of a folder, where there is no listing
    decode  the depth (H, W) of a sample, from its files and its picture
    """

    def __init__(
        self,
        root: Path,
        listing: Path | None,
        find: Callable[[Path], Iterable[Pair]],
        decode: Callable[[Pair, np.ndarray], np.ndarray],
        captions: dict[str, str] | None = None,
    ) -> None:
        self.root, self.decode, self.captions = root, decode, captions or {}
        self.pairs = listed(root, listing) if listing else sorted(find(root))

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, number: int) -> Rgbd:
        files = self.pairs[number]
        image = read_image(files[0])
        depth = self.decode(files, image).astype(np.float32, copy=False)
        name = files[0].relative_to(self.root).as_posix()
        if depth.shape != image.shape[:2]:
            image = resized(image, depth.shape)
        return Rgbd(image, depth, self.captions.get(files[0].stem, ""), name)


def listed(root: Path, listing: Path) -> list[Pair]:
    """The samples of a listing. Lines that name no depth ("None", as KITTI's Eigen split has) are left out."""
    try:
        lines = listing.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{listing} cannot be read.", "Give a text file with one sample a line.") from error
    found = []
    for line in lines:
        fields = [field for field in line.split() if not _is_number(field)][:3]  # KITTI's focal length comes last
        if len(fields) >= 2 and "None" not in fields:
            found.append(tuple(root / field for field in fields))
    missing = next((file for files in found for file in files if not file.exists()), None)
    if missing:
        raise InputError(f"{missing}, which {listing.name} names, is not there.", "Name the folder it is relative to.")
    return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def resized(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(H, W, 3) at another size, averaged where it gets smaller."""
    return np.array(Image.fromarray(image).resize((shape[1], shape[0]), Image.Resampling.BOX))


def squared(sample: Rgbd, side_px: int) -> tuple[np.ndarray, np.ndarray]:
    """The middle square of a sample at another size, as training takes it.

    Image (side_px, side_px, 3) uint8, averaged; disparity (side_px, side_px) float32, 1 / depth, 0 = sky, nan = not
    known: the mean over the known pixels that fall into one, so that a sparse depth keeps all it knows.
    """
    height, width = sample.depth.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    window = np.s_[top : top + side, left : left + side]
    image = resized(sample.image[window], (side_px, side_px))
    disparity = 1.0 / sample.depth[window].astype(np.float64)
    if side_px >= side:
        nearest = np.arange(side_px) * side // side_px
        return image, disparity[np.ix_(nearest, nearest)].astype(np.float32)
    target = np.arange(side) * side_px // side
    cell = (target[:, None] * side_px + target[None]).ravel()
    known = ~np.isnan(disparity.ravel())
    count = np.bincount(cell[known], minlength=side_px**2)
    total = np.bincount(cell[known], disparity.ravel()[known], minlength=side_px**2)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return image, mean.reshape(side_px, side_px).astype(np.float32)
