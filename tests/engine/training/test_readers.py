"""Readers of published data sets, each on small files written in that set's own format."""

from __future__ import annotations

import io
import json
import math
import tarfile

import h5py
import numpy as np
import pytest
import torch
from depthwright.engine.contract.errors import InputError
from depthwright.engine.training.dataset import ShardSet, convert
from depthwright.engine.training.readers import FORMATS, open_reader
from depthwright.engine.training.readers.rgbd import Rgbd, squared
from depthwright.engine.training.readers.sets import distance_to_depth
from PIL import Image
from scipy.io import savemat

H, W = 12, 16
RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 256, (H, W, 3), np.uint8)
DEPTH = RNG.uniform(1, 9, (H, W)).astype(np.float32)  # metres


def png(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, format="JPEG" if path.suffix.lower() == ".jpg" else "PNG")


def npy(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values)


def only(reader):
    assert len(reader) == 1
    sample = reader[0]
    assert sample.image.shape == (*sample.depth.shape, 3) and sample.image.dtype == np.uint8
    assert sample.depth.dtype == np.float32 and sample.name
    return sample


def with_gaps(values, unknown):
    values = values.copy()
    values[2, 3], values[5] = unknown, unknown
    return values


EXPECTED = with_gaps(DEPTH, np.nan)


def test_nyuv2(tmp_path):
    """MATLAB 7.3: what is H x W x 3 x N there is N x 3 x W x H in HDF5; depth in metres, 0 unknown."""
    with h5py.File(tmp_path / "nyu_depth_v2_labeled.mat", "w", userblock_size=512) as file:
        file["images"] = np.stack([PICTURE.transpose(2, 1, 0), 255 - PICTURE.transpose(2, 1, 0)])
        file["rawDepths"] = np.stack([with_gaps(DEPTH, 0).T, DEPTH.T])
        file["depths"] = np.ones((2, W, H), np.float32)
    reader = open_reader("nyuv2", tmp_path)
    assert len(reader) == 2
    assert np.array_equal(reader[0].image, PICTURE) and np.array_equal(reader[1].image, 255 - PICTURE)
    assert np.array_equal(reader[0].depth, EXPECTED, equal_nan=True)
    savemat(tmp_path / "splits.mat", {"testNdxs": np.array([[2]]), "trainNdxs": np.array([[1]])})
    assert np.array_equal(only(open_reader("nyuv2", tmp_path, tmp_path / "splits.mat")).depth, DEPTH)


def test_kitti(tmp_path):
    """16-bit PNG, depth * 256, 0 = no measurement; annotated depth lies apart from the raw recordings."""
    stored = np.round(with_gaps(DEPTH, 0) * 256).astype(np.uint16)
    drive = "2011_09_26_drive_0002_sync"
    png(tmp_path / "val" / drive / "proj_depth/groundtruth/image_02/0000000005.png", stored)
    png(tmp_path / "raw/2011_09_26" / drive / "image_02/data/0000000005.png", PICTURE)
    sample = only(open_reader("kitti", tmp_path))
    assert np.array_equal(sample.image, PICTURE)
    assert np.array_equal(sample.depth, with_gaps(stored / 256, np.nan).astype(np.float32), equal_nan=True)

    chosen = tmp_path / "depth_selection/val_selection_cropped"
    name = "2011_09_26_drive_0002_sync_{}_0000000005_image_02.png"
    png(chosen / "groundtruth_depth" / name.format("groundtruth_depth"), stored)
    png(chosen / "image" / name.format("image"), PICTURE)
    assert len(open_reader("kitti", tmp_path)) == 2

    listing = tmp_path / "eigen.txt"
    image = f"raw/2011_09_26/{drive}/image_02/data/0000000005.png"
    depth = f"val/{drive}/proj_depth/groundtruth/image_02/0000000005.png"
    listing.write_text(f"{image} {depth} 721.5377\n{image} None 721.5377\n")
    assert np.array_equal(only(open_reader("kitti", tmp_path, listing)).depth, sample.depth, equal_nan=True)
    listing.write_text(f"{image} val/none.png\n")
    with pytest.raises(InputError, match=r"none\.png"):
        open_reader("kitti", tmp_path, listing)


def test_eth3d(tmp_path):
    """Raw 32-bit floats, row after row, inf where there is no depth; the file is called as the picture is."""
    depth = tmp_path / "courtyard/ground_truth_depth/dslr_images/DSC_0286.JPG"
    depth.parent.mkdir(parents=True)
    with_gaps(DEPTH, np.inf).astype("<f4").tofile(depth)
    png(tmp_path / "courtyard/images/dslr_images/DSC_0286.JPG", PICTURE)
    assert np.array_equal(only(open_reader("eth3d", tmp_path)).depth, EXPECTED, equal_nan=True)
    DEPTH[:-1].astype("<f4").tofile(depth)
    with pytest.raises(InputError, match="16 x 12"):
        open_reader("eth3d", tmp_path)[0]


def test_diode(tmp_path):
    """.npy of H x W x 1 metres, and a mask of what is valid."""
    scan = tmp_path / "val/indoors/scene_00019/scan_00183"
    png(scan / "00019_00183_indoors_000_010.png", PICTURE)
    npy(scan / "00019_00183_indoors_000_010_depth.npy", DEPTH[..., None])
    npy(scan / "00019_00183_indoors_000_010_depth_mask.npy", with_gaps(np.ones((H, W), np.float32), 0))
    sample = only(open_reader("diode", tmp_path))
    assert np.array_equal(sample.image, PICTURE) and np.array_equal(sample.depth, EXPECTED, equal_nan=True)


def test_scannet(tmp_path):
    """16-bit PNG in millimetres; the colour picture is larger than the depth."""
    millimetres = np.round(with_gaps(DEPTH, 0) * 1000).astype(np.uint16)
    png(tmp_path / "scene0000_00/depth/120.png", millimetres)
    png(tmp_path / "scene0000_00/color/120.jpg", np.full((2 * H, 2 * W, 3), 77, np.uint8))
    sample = only(open_reader("scannet", tmp_path))
    assert sample.image.shape == (H, W, 3) and abs(int(sample.image.mean()) - 77) <= 1
    assert np.allclose(sample.depth, EXPECTED, atol=6e-4, equal_nan=True)


def test_hypersim(tmp_path):
    """HDF5 with the distance along the ray, half precision, nan where there is nothing."""
    images = tmp_path / "ai_001_001/images"
    folder = images / "scene_cam_00_geometry_hdf5"
    folder.mkdir(parents=True)
    focal = W / 2 / math.tan(math.radians(30))
    x, y = np.meshgrid(np.arange(W) + 0.5 - W / 2, np.arange(H) + 0.5 - H / 2)
    distance = EXPECTED * np.sqrt(1 + (x / focal) ** 2 + (y / focal) ** 2)
    with h5py.File(folder / "frame.0000.depth_meters.hdf5", "w") as file:
        file["dataset"] = distance.astype(np.float16)
    png(images / "scene_cam_00_final_preview/frame.0000.tonemap.jpg", PICTURE)
    sample = only(open_reader("hypersim", tmp_path))
    assert np.allclose(sample.depth, EXPECTED, rtol=2e-3, equal_nan=True)
    assert 512 / math.tan(math.radians(30)) == pytest.approx(886.81, abs=0.01)  # the focal length the authors give
    wall = distance_to_depth(np.array([[math.hypot(4, 4 * 0.5 / (1 / math.tan(math.radians(45)))), 1.0]]), 90.0)
    assert wall[0, 0] == pytest.approx(4.0)


def test_tartanair(tmp_path):
    """Version 1: .npy in metres. Version 2: the bytes of the floats as OpenCV's blue, green, red, alpha."""
    far = with_gaps(DEPTH, 65504.0)
    expected = with_gaps(DEPTH, np.inf)
    png(tmp_path / "office/Easy/P000/image_left/000000_left.png", PICTURE)
    npy(tmp_path / "office/Easy/P000/depth_left/000000_left_depth.npy", far)
    png(tmp_path / "v2/P001/image_lcam_front/000007_lcam_front.png", 255 - PICTURE)
    as_bgra = far.view(np.uint8).reshape(H, W, 4)
    png(tmp_path / "v2/P001/depth_lcam_front/000007_lcam_front_depth.png", as_bgra[..., [2, 1, 0, 3]].copy())
    reader = open_reader("tartanair", tmp_path)
    assert len(reader) == 2
    assert np.array_equal(reader[0].image, PICTURE) and np.array_equal(reader[1].image, 255 - PICTURE)
    assert np.array_equal(reader[0].depth, expected) and np.array_equal(reader[1].depth, expected)


def test_plain_folder(tmp_path):
    png(tmp_path / "images/a.jpg", PICTURE)
    png(tmp_path / "images/b.png", PICTURE)
    png(tmp_path / "images/without.png", PICTURE)
    npy(tmp_path / "depth/a.npy", with_gaps(DEPTH, np.nan))
    png(tmp_path / "depth/b.png", np.round(with_gaps(DEPTH, 0) * 1000).astype(np.uint16))
    (tmp_path / "captions").mkdir()
    (tmp_path / "captions/b.txt").write_text("a wall\n")
    reader = open_reader("folder", tmp_path)
    assert len(reader) == 2 and [sample.caption for sample in (reader[0], reader[1])] == ["", "a wall"]
    assert np.array_equal(reader[0].depth, EXPECTED, equal_nan=True)
    assert np.allclose(reader[1].depth, EXPECTED, atol=6e-4, equal_nan=True)


def test_webdataset(tmp_path):
    def encoded(save, *values, **options):
        file = io.BytesIO()
        save(file, *values, **options)
        return file.getvalue()

    image = encoded(lambda file: Image.fromarray(PICTURE).save(file, format="PNG"))
    files = {
        "s/0001.png": image,
        "s/0001.depth.npy": encoded(np.save, with_gaps(DEPTH, np.nan)),
        "s/0001.txt": b"a red wall",
        "s/0002.png": image,
        "s/0002.depth.png": encoded(
            lambda file: Image.fromarray(np.round(with_gaps(DEPTH, 0) * 1000).astype(np.uint16)).save(file, "PNG")
        ),
        "s/0002.json": json.dumps({"caption": "a blue wall"}).encode(),
        "s/0003.png": image,  # has no depth
    }
    with tarfile.open(tmp_path / "train-000.tar", "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    for root in (tmp_path, tmp_path / "train-000.tar"):
        reader = open_reader("webdataset", root)
        assert [reader[i].caption for i in range(len(reader))] == ["a red wall", "a blue wall"]
    assert np.array_equal(reader[0].image, PICTURE) and np.array_equal(reader[0].depth, EXPECTED, equal_nan=True)
    assert np.allclose(reader[1].depth, EXPECTED, atol=6e-4, equal_nan=True)


def test_mistakes_are_told(tmp_path):
    with pytest.raises(InputError, match="no format"):
        open_reader("middlebury", tmp_path)
    with pytest.raises(InputError, match="nothing at"):
        open_reader("kitti", tmp_path / "nowhere")
    for name in set(FORMATS) - {"nyuv2"}:
        with pytest.raises(InputError, match="no "):
            open_reader(name, tmp_path)
    with pytest.raises(InputError, match="nyu_depth_v2_labeled"):
        open_reader("nyuv2", tmp_path)
    png(tmp_path / "images/a.png", PICTURE)
    png(tmp_path / "depth/a.png", PICTURE)
    with pytest.raises(InputError, match="16-bit"):
        open_reader("folder", tmp_path)[0]
    (tmp_path / "depth/a.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"a\.png cannot be read"):
        open_reader("folder", tmp_path)[0]


def test_a_square_keeps_what_a_sparse_depth_knows():
    depth = np.full((8, 12), np.nan, np.float32)
    depth[1, 3], depth[6, 8], depth[7, 9], depth[0, 0] = 4.0, 2.0, np.inf, 1.0  # the last one is outside the square
    image, disparity = squared(Rgbd(np.zeros((8, 12, 3), np.uint8), depth), 2)
    assert image.shape == (2, 2, 3)
    assert disparity[0, 0] == pytest.approx(1 / 4) and disparity[1, 1] == pytest.approx(1 / 4)  # of 1 / 2 and 0
    assert np.isnan(disparity[0, 1]) and np.isnan(disparity[1, 0])
    dense = np.arange(1, 17, dtype=np.float32).reshape(4, 4)
    expected = (1 / dense).reshape(2, 2, 2, 2).mean(axis=(1, 3))
    assert np.allclose(squared(Rgbd(np.zeros((4, 4, 3), np.uint8), dense), 2)[1], expected)
    assert np.allclose(squared(Rgbd(np.zeros((4, 4, 3), np.uint8), dense), 8)[1][::2, ::2], 1 / dense)


def test_a_data_set_becomes_shards_to_train_on(tmp_path):
    png(tmp_path / "set/images/a.png", PICTURE)
    npy(tmp_path / "set/depth/a.npy", with_gaps(DEPTH, np.nan))
    made = list(convert(open_reader("folder", tmp_path / "set"), tmp_path / "shards", 12, threads=1))
    assert [path.name for path in made] == ["000000000.npz"]
    batch = ShardSet(tmp_path / "shards").batch(np.arange(1))
    expected = torch.from_numpy(EXPECTED[:, 2:14])
    assert torch.equal(torch.isnan(batch.depth[0]), torch.isnan(expected))
    assert torch.allclose(batch.depth[0], expected, rtol=2e-3, equal_nan=True)
