"""The published benchmarks, and pictures of one's own: which pixels of which pictures count."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..contract.errors import InputError
from ..training.readers import Rgbd
from .metrics import has_depth


@dataclass(frozen=True)
class Benchmark:
    """reader   the format of its files (a name in training.readers.FORMATS)
    range_m  nearest and farthest depth that counts, both included; predictions are clipped to it
    window   what part of the picture is shown to the model: (height, width), bottom middle; None: all
    crop     of that, (first row, end row, first column, end column) of what counts, as shares of the sides or, where
             any number is above 1, in pixels of ``crop_size``
    """

    name: str
    reader: str
    range_m: tuple[float, float]
    window: tuple[int, int] | None = None
    crop: tuple[float, float, float, float] = (0.0, 1.0, 0.0, 1.0)
    crop_size: tuple[int, int] | None = None
    about: str = ""

    def shown(self, sample: Rgbd) -> Rgbd:
        """The part of the sample that is measured on. InputError where it is smaller than the window."""
        if self.window is None:
            return sample
        height, width = sample.depth.shape
        if height < self.window[0] or width < self.window[1]:
            raise InputError(f"{sample.name} is only {width} x {height} pixels.", f"Use {self.name} as published.")
        top, left = height - self.window[0], (width - self.window[1]) // 2
        part = np.s_[top : top + self.window[0], left : left + self.window[1]]
        return replace(sample, image=sample.image[part], depth=sample.depth[part])

    def counted(self, depth: np.ndarray) -> np.ndarray:
        """(H, W) bool: pixels with a depth in range, within the crop. InputError for another size than the crop's."""
        height, width = depth.shape
        if self.crop_size is not None and depth.shape != self.crop_size:
            wanted = f"{self.crop_size[1]} x {self.crop_size[0]}"
            raise InputError(f"A depth is {width} x {height} pixels; {self.name} has {wanted}.", "Use it as published.")
        top, bottom, left, right = self.crop
        if self.crop_size is None:
            top, bottom, left, right = top * height, bottom * height, left * width, right * width
        counts = np.zeros(depth.shape, bool)
        counts[int(top) : int(bottom), int(left) : int(right)] = True
        with np.errstate(invalid="ignore"):
            return counts & has_depth(depth) & (depth >= self.range_m[0]) & (depth <= self.range_m[1])


_KITTI = Benchmark(
    "kitti",
    "kitti",
    (1e-3, 80.0),
    window=(352, 1216),  # the depth benchmark's own size
    crop=(0.40810811, 0.99189189, 0.03594771, 0.96405229),  # Garg et al., ECCV 2016
    about="Garg's crop, 80 m",
)
BENCHMARKS: dict[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (
        Benchmark(
            "nyuv2",
            "nyuv2",
            (1e-3, 10.0),
            crop=(45, 471, 41, 601),  # Eigen et al., NIPS 2014
            crop_size=(480, 640),
            about="Eigen's crop, measured depth, 10 m",
        ),
        _KITTI,
        replace(
            _KITTI,
            name="kitti-eigen",
            crop=(0.3324324, 0.91351351, 0.0359477, 0.96405229),
            about="Eigen's crop, 80 m",
        ),
        Benchmark("eth3d", "eth3d", (1e-3, np.inf), about="all measured pixels"),
        Benchmark("diode", "diode", (0.6, 350.0), about="all pixels the mask trusts, 0.6 to 350 m"),
        Benchmark("scannet", "scannet", (1e-3, 10.0), about="all measured pixels, 10 m"),
        Benchmark("folder", "folder", (1e-3, np.inf), about="all pixels with depth"),
        Benchmark("webdataset", "webdataset", (1e-3, np.inf), about="all pixels with depth"),
    )
}


def published_name(benchmark: str) -> str:
    """What the tables of published numbers call it: they do not say which crop of KITTI's it was."""
    return benchmark.partition("-")[0]
