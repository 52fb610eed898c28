"""Arrays to images and files and back, to the last bit; files that are none of it."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.scene.files import pictures

RNG = np.random.default_rng(5)
PICTURE = RNG.integers(0, 256, (9, 14, 3), dtype=np.uint8)
DEPTH = RNG.uniform(0.01, 900.0, (9, 14)).astype(np.float32)
DEPTH[2, 3] = np.inf


def test_png_keeps_every_byte(tmp_path):
    pictures.write_image(tmp_path / "a.png", PICTURE)
    assert np.array_equal(pictures.read_image(tmp_path / "a.png"), PICTURE)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert len(bpy.data.images) == 0


@pytest.mark.parametrize("name", ["d.exr", "d.npy"])
def test_depth_keeps_every_bit_and_infinity(name, tmp_path):
    pictures.write_depth(tmp_path / name, DEPTH)
    assert np.array_equal(pictures.read_depth(tmp_path / name), DEPTH)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert len(bpy.data.images) == 0


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_npy_of_other_types(dtype, tmp_path):
    np.save(tmp_path / "d.npy", DEPTH.astype(dtype)[..., None])
    assert np.array_equal(pictures.read_depth(tmp_path / "d.npy"), DEPTH.astype(dtype).astype(np.float32))


def test_half_float_exr(tmp_path):
    image = bpy.data.images.new("half", 4, 3, float_buffer=True)
    values = np.repeat(np.arange(1, 13, dtype=np.float32), 4)
    image.pixels.foreach_set(values)
    settings = bpy.context.scene.render.image_settings
    settings.file_format, settings.color_depth = "OPEN_EXR", "16"
    image.save_render(str(tmp_path / "half.exr"))
    read = pictures.read_depth(tmp_path / "half.exr")
    np.testing.assert_allclose(read[::-1].ravel(), np.arange(1, 13), rtol=1e-3)


def test_datablocks_are_packed_and_typed():
    picture, data = pictures.new_picture("P", PICTURE), pictures.new_data("D", DEPTH)
    assert picture.packed_file and picture.colorspace_settings.name == "sRGB" and not picture.is_float
    assert data.packed_file and data.colorspace_settings.name == "Non-Color" and data.is_float
    assert np.array_equal(pictures.pixels(data)[..., 0], DEPTH)
    assert np.array_equal(np.rint(pictures.pixels(picture)[..., :3] * 255), PICTURE)


def test_what_cannot_be_read_is_said(tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"not an image")
    cut = tmp_path / "cut.npy"
    np.save(cut, DEPTH)
    cut.write_bytes(cut.read_bytes()[:100])
    objects = tmp_path / "objects.npy"
    np.save(objects, np.array([{}], dtype=object), allow_pickle=True)
    pictures.write_image(tmp_path / "one.png", np.zeros((1, 1, 3), np.uint8))
    for read, path in [
        (pictures.read_image, bad),
        (pictures.read_image, tmp_path / "missing.png"),
        (pictures.read_image, tmp_path),
        (pictures.read_image, tmp_path / "one.png"),
        (pictures.read_depth, bad),
        (pictures.read_depth, cut),
        (pictures.read_depth, objects),
        (pictures.read_depth, tmp_path / "missing.exr"),
    ]:
        with pytest.raises(InputError) as error:
            read(path)
        assert error.value.summary and error.value.remedy
    (tmp_path / "bad.exr").write_bytes(b"v/1\x01 and then nothing")
    with pytest.raises(InputError):
        pictures.read_depth(tmp_path / "bad.exr")
    assert len(bpy.data.images) == 0


@pytest.mark.parametrize(
    "depth",
    [
        np.ones((1, 1)),
        np.full((4, 4), np.nan),
        np.full((4, 4), np.inf),
        np.zeros((4, 4)),
        np.full((4, 4), 3.0),
        np.ones((4, 4, 3)),
        np.ones(4),
        np.array([["a", "b"], ["c", "d"]]),
    ],
    ids=["1x1", "nan", "inf", "zero", "equal", "colour", "line", "text"],
)
def test_unusable_depth_is_refused(depth, tmp_path):
    np.save(tmp_path / "d.npy", depth)
    with pytest.raises(InputError):
        pictures.read_depth(tmp_path / "d.npy")


def test_unknown_pixels_become_infinite(tmp_path):
    depth = np.array([[1.0, np.nan, 2.0], [0.0, -1.0, 3.0]])
    np.save(tmp_path / "d.npy", depth)
    assert pictures.read_depth(tmp_path / "d.npy").tolist() == [[1.0, np.inf, 2.0], [np.inf, np.inf, 3.0]]


def test_unwritable_place_is_said_and_nothing_is_left(tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("")
    for write, value in [(pictures.write_image, PICTURE), (pictures.write_depth, DEPTH)]:
        with pytest.raises(InputError):
            write(blocker / "x.exr", value)
    assert len(bpy.data.images) == 0
