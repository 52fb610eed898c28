"""What a file says about itself is honoured: which way up, what is transparent, which channel, what numbers mean."""

from __future__ import annotations

import os
import subprocess

import bpy
import exr_files
import numpy as np
import photos
import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.engine.geometry.depth import Meaning
from depthwright.scene.files import pictures
from PIL import Image, ImageOps

RNG = np.random.default_rng(3)
DEPTH = RNG.uniform(1.0, 9.0, (12, 20)).astype(np.float32)
#: Large areas, so that JPEG changes little of them.
PHOTO = np.kron(RNG.integers(0, 256, (4, 6, 3), dtype=np.uint8), np.ones((16, 16, 1), np.uint8))
WRITERS = {"jpg": photos.jpeg, "png": photos.png, "webp": photos.webp}


def shown(path) -> np.ndarray:
    """As another program shows it."""
    return np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB")).astype(int)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", [*WRITERS, "tif"])
def test_a_picture_is_upright(tmp_path, kind, orientation):
    path = tmp_path / f"photo.{kind}"
    if kind == "tif":
        path.write_bytes(photos.tiff_file(PHOTO, {photos.ORIENTATION: orientation}, None, "<"))
    else:
        path.write_bytes(WRITERS[kind](PHOTO, photos.tiff({photos.ORIENTATION: orientation})))
    read = pictures.read_image(path).astype(int)
    assert read.shape == ((96, 64, 3) if orientation >= 5 else (64, 96, 3))
    assert np.abs(read - shown(path)).mean() < 2.0
    assert pictures.read_mask(path).shape == read.shape[:2]


def cut_out(noise: int) -> np.ndarray:
    """A red disc; what lies under the transparent pixels around it is noise. Its edge is half transparent."""
    y, x = np.mgrid[0:40, 0:40]
    distance = np.hypot(x - 20, y - 20)
    values = np.random.default_rng(noise).integers(0, 256, (40, 40, 4), dtype=np.uint8)
    values[..., 3] = np.where(distance < 12, 255, np.where(distance < 14, 128, 0))
    values[distance < 14, :3] = (200, 60, 40)
    return values


@pytest.mark.parametrize("kind", ["png", "tif", "webp"])
def test_colours_under_transparent_pixels_are_nobody_s(tmp_path, kind):
    read = []
    for noise in (1, 2):
        path = tmp_path / f"{noise}.{kind}"
        Image.fromarray(cut_out(noise)).save(path, **({"lossless": True, "exact": True} if kind == "webp" else {}))
        read.append(pictures.read_picture(path))
    assert np.array_equal(read[0].colour, read[1].colour)
    opaque = cut_out(1)[..., 3] > 127
    assert np.array_equal(read[0].opaque, opaque)
    assert (read[0].colour[~opaque] == 255).all()
    assert (read[0].colour[20, 20] == (200, 60, 40)).all()
    half = cut_out(1)[..., 3] == 128
    assert np.abs(read[0].colour[half].astype(int) - (227, 157, 147)).max() <= 1  # over white


def test_a_whole_picture_is_opaque(tmp_path):
    pictures.write_image(tmp_path / "a.png", PHOTO)
    assert pictures.read_picture(tmp_path / "a.png").opaque is None


def write_exr(path, channels: dict[str, np.ndarray], *, corner=(0, 0), display=None, compression=exr_files.ZIP) -> None:
    path.write_bytes(exr_files.write(exr_files.Part(channels, compression, corner, display)))


@pytest.mark.parametrize("name", ["Z", "V", "Y", "R", "depth", "Depth.Z", "ViewLayer.Depth.Z"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_depth_is_found_by_its_channel(tmp_path, name, dtype):
    path = tmp_path / "d.exr"
    write_exr(path, {name: DEPTH.astype(dtype)})
    assert np.array_equal(pictures.read_depth(path), DEPTH.astype(dtype).astype(np.float32))


def test_a_picture_with_its_depth_in_one_file(tmp_path):
    path = tmp_path / "both.exr"
    colour = {name: np.full((12, 20), value, np.float32) for name, value in (("R", 0.5), ("G", 0.1), ("B", 0.0))}
    write_exr(path, {**colour, "A": np.ones((12, 20), np.float32), "Z": DEPTH})
    assert np.array_equal(pictures.read_depth(path), DEPTH)
    assert (pictures.read_image(path) == (188, 89, 0)).all()


def test_what_lies_outside_the_data_window_is_unknown(tmp_path):
    window, path = (0, 0, 29, 19), tmp_path / "window.exr"
    write_exr(path, {"Z": DEPTH}, corner=(4, 5), display=window)
    read = pictures.read_partial_depth(path)
    assert read.shape == (20, 30)
    assert np.array_equal(read[5:17, 4:24], DEPTH)
    assert np.isnan(read).sum() == 600 - 240
    colour = {name: np.full((12, 20), 0.25, np.float32) for name in "RGB"}
    write_exr(path, colour, corner=(4, 5), display=window)
    picture = pictures.read_picture(path)
    assert picture.colour.shape == (20, 30, 3) and picture.opaque.sum() == 240


def test_a_multilayer_file_of_blender(tmp_path):
    """Which images.load gives no pixels of."""
    path = tmp_path / "multi.exr"
    layers = {f"ViewLayer.Combined.{c}": np.full((12, 20), 0.25, np.float32) for c in "RGBA"}
    layers["ViewLayer.Combined.A"][:] = 1.0
    write_exr(path, {**layers, "ViewLayer.Depth.Z": DEPTH, "ViewLayer.Mist.Z": DEPTH * 0})
    assert np.array_equal(pictures.read_depth(path), DEPTH)
    assert (pictures.read_image(path) == 137).all()


@pytest.mark.parametrize("codec", ["PIZ", "DWAA", "PXR24", "NONE", "RLE", "ZIPS"])
def test_what_blender_alone_unpacks_is_read_where_its_channel_is_right(tmp_path, codec):
    values = np.repeat(np.linspace(1, 4, 240, dtype=np.float32), 4)
    image = bpy.data.images.new("x", 20, 12, float_buffer=True)
    image.pixels.foreach_set(values)
    scene = bpy.data.scenes.new("x")
    settings = scene.render.image_settings
    settings.file_format, settings.color_depth, settings.exr_codec, settings.color_mode = "OPEN_EXR", "32", codec, "RGB"
    image.save_render(str(tmp_path / "p.exr"), scene=scene)
    bpy.data.scenes.remove(scene)
    bpy.data.images.remove(image)
    expected = np.linspace(1, 4, 240, dtype=np.float32).reshape(12, 20)[::-1]
    read = pictures.read_depth(tmp_path / "p.exr")
    np.testing.assert_allclose(read, expected, rtol=5e-3 if codec in ("DWAA", "PXR24") else 1e-7)
    assert pictures.read_image(tmp_path / "p.exr").shape == (12, 20, 3)


@pytest.mark.parametrize("nothing", [np.inf, 1e10, 1e30, 65504.0])
@pytest.mark.parametrize("suffix", [".exr", ".npy"])
def test_sky_is_sky_however_it_is_written(tmp_path, nothing, suffix):
    depth, sky = DEPTH.copy(), RNG.random(DEPTH.shape) < 0.3
    depth[sky] = nothing
    path = tmp_path / f"sky{suffix}"
    np.save(path, depth) if suffix == ".npy" else write_exr(path, {"R": depth, "G": depth, "B": depth})
    for read in (pictures.read_depth, pictures.read_partial_depth):
        assert np.array_equal(read(path), np.where(sky, np.float32(np.inf), DEPTH))


def test_a_distance_that_only_looks_like_the_largest_half_is_kept(tmp_path):
    depth = DEPTH.copy()
    depth[0, :2] = 65504.0, 70000.0
    np.save(tmp_path / "far.npy", depth)
    assert np.array_equal(pictures.read_depth(tmp_path / "far.npy"), depth)


@pytest.mark.parametrize(("said", "step"), [("mm", 0.001), ("cm", 0.01), ("0.0002", 0.0002), ("z", 1.0)])
def test_a_png_of_sixteen_bits_is_a_depth_where_its_steps_are_said(tmp_path, said, step):
    numbers = RNG.integers(1, 65535, (12, 20)).astype(np.uint16)
    numbers[0, 0], numbers[0, 1] = 0, 65535
    Image.fromarray(numbers).save(tmp_path / "d.png")
    read = pictures.read_partial_depth(tmp_path / "d.png", Meaning.parse(said))
    assert np.isnan(read[0, 0]) and np.isinf(read[0, 1])
    np.testing.assert_allclose(read[1:], numbers[1:] * step, rtol=1e-6)
    with pytest.raises(InputError, match="--depth-is"):
        pictures.read_depth(tmp_path / "d.png")


@pytest.mark.parametrize("said", ["disparity", "inverse"])
def test_disparity_is_read_where_it_is_said(tmp_path, said):
    numbers = np.array([[0.0, 0.5, 2.0], [np.nan, -1.0, 4.0]], np.float32)
    np.save(tmp_path / "d.npy", numbers)
    read = pictures.read_partial_depth(tmp_path / "d.npy", Meaning.parse(said))
    np.testing.assert_array_equal(read, np.array([[np.inf, 2.0, 0.5], [np.nan, np.nan, 0.25]], np.float32))


def test_a_name_that_is_no_utf8_is_read_as_any_other(tmp_path):
    pictures.write_image(tmp_path / "a.png", PHOTO)
    pictures.write_depth(tmp_path / "d.exr", DEPTH)
    folder = os.fsencode(tmp_path)
    for name, other in ((b"a.png", b"gr\xfcn.png"), (b"d.exr", b"gr\xfcn.exr")):
        subprocess.run([b"mv", folder + b"/" + name, folder + b"/" + other], check=True)
    assert np.array_equal(pictures.read_image(os.fsdecode(folder + b"/gr\xfcn.png")), PHOTO)
    assert np.array_equal(pictures.read_depth(os.fsdecode(folder + b"/gr\xfcn.exr")), DEPTH)
    with pytest.raises(InputError):
        pictures.read_image(os.fsdecode(folder + b"/n\xfcll.png"))
