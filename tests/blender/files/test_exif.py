"""EXIF: which way up, and through which lens, as cameras write it; and as nobody should write it."""

from __future__ import annotations

import math
import random
import struct
import time
from fractions import Fraction

import numpy as np
import photos
import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.scene.files import exif
from photos import (
    ACROSS,
    DIGITAL_ZOOM,
    DOWN,
    FILE_SOURCE,
    FOCAL,
    FOCAL_35MM,
    HEIGHT,
    ORIENTATION,
    RESOLUTION,
    UNIT,
    WIDTH,
)
from PIL import Image, ImageOps

PIXELS = np.random.default_rng(0).integers(0, 255, (6, 10, 3), np.uint8)
LENS = {FOCAL: Fraction(50), FOCAL_35MM: 75}


def written(tmp_path, kind: str, main: dict, photo: dict | None = None, order: str = "<"):
    path = tmp_path / f"photo.{kind}"
    if kind == "tif":
        path.write_bytes(photos.tiff_file(PIXELS, main, photo, order))
    else:
        make = {"jpg": photos.jpeg, "png": photos.png, "webp": photos.webp}[kind]
        path.write_bytes(make(PIXELS, photos.tiff(main, photo, order)))
    return path


@pytest.mark.parametrize("order", ["<", ">"], ids=["little-endian", "big-endian"])
@pytest.mark.parametrize("kind", ["jpg", "tif", "png", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_in_every_kind_of_file(tmp_path, orientation, kind, order):
    """As Pillow turns it: the file is a picture that others read, too."""
    path = written(tmp_path, kind, {ORIENTATION: orientation}, LENS, order)
    found = exif.read(path)
    assert (found.orientation, found.focal_mm, found.focal_35mm, found.notes) == (orientation, 50.0, 75.0, ())
    with Image.open(path) as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    with Image.open(path) as lossy:  # Pillow turns TIFF while it reads it; the others are stored without loss
        stored = np.asarray(lossy.convert("RGB")) if kind == "jpg" else PIXELS
    turned = exif.upright(stored, found.orientation)
    assert turned.shape[1::-1] == found.upright_size(10, 6)
    assert (turned == expected).all()


@pytest.mark.parametrize("kind", ["jpg", "tif", "png", "webp"])
def test_a_picture_without_exif_says_nothing(tmp_path, kind):
    path = tmp_path / f"photo.{kind}"
    Image.fromarray(PIXELS).save(path)
    assert exif.read(path) == exif.Exif()
    assert exif.lens(exif.read(path), 10, 6) is None


# lenses, as they are written in the wild: the field of view is worked out by hand


def fov_deg(tmp_path, size: tuple[int, int], photo: dict | None, main: dict | None = None) -> float | None:
    found = exif.lens(exif.read(written(tmp_path, "jpg", main or {}, photo)), *size)
    return math.degrees(found.fov_x_rad) if found else None


def from_width(width: float, focal: float) -> float:
    return math.degrees(2 * math.atan(width / 2 / focal))


def test_35_mm_equivalent_of_a_camera(tmp_path):
    """3:2, as the film was: 36 mm across."""
    found = fov_deg(tmp_path, (6000, 4000), {FOCAL: Fraction(35), FOCAL_35MM: 52, WIDTH: 6000, HEIGHT: 4000})
    assert found == pytest.approx(from_width(36.0, 52.0), abs=1e-6)


def test_35_mm_equivalent_of_a_phone_counts_by_the_diagonal(tmp_path):
    """4:3: four fifths of 43.27 mm are 34.6 mm across."""
    found = fov_deg(tmp_path, (4032, 3024), {FOCAL: Fraction(425, 100), FOCAL_35MM: 26, WIDTH: 4032, HEIGHT: 3024})
    assert found == pytest.approx(from_width(0.8 * math.hypot(36, 24), 26.0), abs=1e-6)
    assert found == pytest.approx(67.3, abs=0.05)


def test_phone_portrait(tmp_path):
    """Stored lying, shown standing: the width is the short side."""
    photo = {FOCAL: Fraction(425, 100), FOCAL_35MM: 26, WIDTH: 4032, HEIGHT: 3024}
    found = fov_deg(tmp_path, (4032, 3024), photo, {ORIENTATION: 6})
    assert found == pytest.approx(from_width(0.6 * math.hypot(36, 24), 26.0), abs=1e-6)


def test_a_phone_portrait_that_a_program_turned_upright(tmp_path):
    """The pixels stand, the size that the camera recorded still lies."""
    photo = {FOCAL_35MM: 26, WIDTH: 4032, HEIGHT: 3024}
    assert fov_deg(tmp_path, (3024, 4032), photo) == pytest.approx(from_width(0.6 * math.hypot(36, 24), 26.0))


def test_focal_length_with_the_sensors_resolution(tmp_path):
    """50 mm on a sensor of 22.3 mm: 3888 pixels at 3888 / 22.3 a mm, written in inches (a Canon of 2006)."""
    per_inch = (3888000, 878)
    photo = {FOCAL: Fraction(50), ACROSS: per_inch, DOWN: (2592000, 585), UNIT: 2, WIDTH: 3888, HEIGHT: 2592}
    assert fov_deg(tmp_path, (3888, 2592), photo) == pytest.approx(from_width(0.878 * 25.4, 50.0), abs=0.02)


@pytest.mark.parametrize(("unit", "per_mm"), [(2, 25.4), (None, 25.4), (1, 25.4), (3, 10.0), (4, 1.0)])
def test_units_of_the_sensors_resolution(tmp_path, unit, per_mm):
    """Inches where none is given; cameras that say "none" mean inches as well."""
    density = Fraction(100) * Fraction(str(per_mm))
    photo = {FOCAL: Fraction(18), ACROSS: density, DOWN: density, WIDTH: 2400, HEIGHT: 1600}
    if unit:
        photo[UNIT] = unit
    assert fov_deg(tmp_path, (2400, 1600), photo) == pytest.approx(from_width(24.0, 18.0), abs=1e-6)


def test_an_unknown_unit_says_nothing(tmp_path):
    photo = {FOCAL: Fraction(18), ACROSS: Fraction(100), DOWN: Fraction(100), UNIT: 9, WIDTH: 2400, HEIGHT: 1600}
    assert fov_deg(tmp_path, (2400, 1600), photo) is None


def test_a_crop_sees_less(tmp_path):
    """The middle square of a picture of 3:2 with 24 mm: a focal length of 4000 pixels."""
    photo = {FOCAL_35MM: 24, WIDTH: 6000, HEIGHT: 4000}
    assert fov_deg(tmp_path, (4000, 4000), photo) == pytest.approx(from_width(4000, 4000.0), abs=1e-3)


def test_a_smaller_copy_sees_the_same(tmp_path):
    photo = {FOCAL_35MM: 24, WIDTH: 6000, HEIGHT: 4000}
    assert fov_deg(tmp_path, (600, 400), photo) == pytest.approx(from_width(36.0, 24.0), abs=1e-6)


def test_the_recorded_size_of_another_picture_is_not_believed(tmp_path):
    """Larger than what was recorded, and of another shape: a montage, or a program that left an old entry."""
    photo = {FOCAL_35MM: 24, WIDTH: 600, HEIGHT: 400}
    assert fov_deg(tmp_path, (2000, 2000), photo) == pytest.approx(from_width(math.hypot(36, 24) / 2**0.5, 24.0))


def test_digital_zoom_is_in_the_equivalent_already(tmp_path):
    photo = {FOCAL: Fraction(4), FOCAL_35MM: 56, DIGITAL_ZOOM: Fraction(2), WIDTH: 4000, HEIGHT: 3000}
    assert fov_deg(tmp_path, (4000, 3000), photo) == pytest.approx(from_width(0.8 * math.hypot(36, 24), 56.0))


def test_digital_zoom_counts_on_top_of_the_sensors_resolution(tmp_path):
    """6 mm on a sensor 6.4 mm wide, enlarged twice."""
    density = Fraction(625)
    photo = {FOCAL: Fraction(6), ACROSS: density, DOWN: density, UNIT: 4, WIDTH: 4000, HEIGHT: 3000}
    assert fov_deg(tmp_path, (4000, 3000), photo) == pytest.approx(from_width(6.4, 6.0), abs=1e-6)
    assert fov_deg(tmp_path, (4000, 3000), {**photo, DIGITAL_ZOOM: Fraction(2)}) == pytest.approx(from_width(6.4, 12.0))
    assert fov_deg(tmp_path, (4000, 3000), {**photo, DIGITAL_ZOOM: (0, 1)}) == pytest.approx(from_width(6.4, 6.0))


@pytest.mark.parametrize(
    "photo",
    [
        {FOCAL_35MM: 0},
        {FOCAL: (0, 0), FOCAL_35MM: 0},
        {FOCAL: (0, 1), ACROSS: (1, 0), DOWN: (0, 0), UNIT: 2},
        {FOCAL: (50, 0), ACROSS: (4000, 1), DOWN: (4000, 1)},
        {WIDTH: 0, HEIGHT: 0},
        {},
        {FOCAL: Fraction(50)},  # on a sensor of which nothing is said
        {FOCAL: Fraction(50), ACROSS: (72, 1), DOWN: (72, 1), UNIT: 2, WIDTH: 6000, HEIGHT: 4000},  # a screen's
        {FOCAL: Fraction(50), ACROSS: (4294967295, 1), DOWN: (4294967295, 1), UNIT: 3, WIDTH: 6000, HEIGHT: 4000},
        {FOCAL_35MM: 65535},  # a telescope: narrower than a camera can be set to
    ],
)
def test_zero_missing_and_senseless_entries_say_nothing(tmp_path, photo):
    found = exif.read(written(tmp_path, "jpg", {}, photo))
    assert exif.lens(found, 6000, 4000) is None and found.orientation == 1


def test_zero_in_one_entry_leaves_the_other(tmp_path):
    density = Fraction(100)
    photo = {FOCAL: Fraction(18), FOCAL_35MM: 0, ACROSS: density, DOWN: (0, 0), UNIT: 4, WIDTH: 2400, HEIGHT: 1600}
    assert fov_deg(tmp_path, (2400, 1600), photo) == pytest.approx(from_width(24.0, 18.0), abs=1e-6)


def test_a_scan_has_a_resolution_and_no_lens(tmp_path):
    """A flatbed writes 300 dots an inch; a film scanner says what it is, and may leave the camera's entries in."""
    assert fov_deg(tmp_path, (6000, 4000), None, {RESOLUTION: Fraction(300)}) is None
    for source in (b"\1", b"\2"):
        assert fov_deg(tmp_path, (6000, 4000), {FOCAL_35MM: 50, FILE_SOURCE: source}) is None
    assert fov_deg(tmp_path, (6000, 4000), {FOCAL_35MM: 50, FILE_SOURCE: b"\3"}) is not None


def test_where_it_comes_from_is_said(tmp_path):
    found = exif.read(written(tmp_path, "jpg", {}, {FOCAL_35MM: 26}))
    assert exif.lens(found, 4032, 3024).source == "26 mm in 35 mm"


# where it may lie


def test_a_jpeg_with_other_segments_before(tmp_path):
    data = photos.tiff({ORIENTATION: 8})
    before = photos.segment(0xE0, b"JFIF\0") + photos.segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>") + b"\xff"
    (tmp_path / "a.jpg").write_bytes(photos.jpeg(PIXELS, data, before))
    assert exif.read(tmp_path / "a.jpg").orientation == 8


def test_a_png_with_exif_after_its_pixels_or_with_jpegs_mark(tmp_path):
    data = photos.tiff({ORIENTATION: 8})
    (tmp_path / "a.png").write_bytes(photos.png(PIXELS, data, at_the_end=True))
    (tmp_path / "b.png").write_bytes(photos.png(PIXELS, b"Exif\0\0" + data))
    assert exif.read(tmp_path / "a.png").orientation == exif.read(tmp_path / "b.png").orientation == 8


def test_a_wrong_checksum_is_damage(tmp_path):
    (tmp_path / "a.png").write_bytes(photos.png(PIXELS, photos.tiff({ORIENTATION: 8}), right=False))
    found = exif.read(tmp_path / "a.png")
    assert found.orientation == 1 and "checksum" in found.notes[0] and "a.png" in found.notes[0]


def test_other_files_say_nothing_and_no_file_is_an_error(tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    (tmp_path / "empty.jpg").touch()
    assert exif.read(tmp_path / "a.txt") == exif.read(tmp_path / "empty.jpg") == exif.Exif()
    with pytest.raises(InputError):
        exif.read(tmp_path / "none.jpg")


# damage and malice


def test_an_orientation_that_is_none(tmp_path):
    found = exif.read(written(tmp_path, "jpg", {ORIENTATION: 9}, LENS))
    assert found.orientation == 1 and "orientation 9" in found.notes[0] and found.focal_mm == 50.0


@pytest.mark.parametrize("value", ["6", b"\6\0\0\0\6\0\0\0", 0])
def test_an_orientation_of_another_type_counts_as_absent(tmp_path, value):
    assert exif.read(written(tmp_path, "jpg", {ORIENTATION: value})).orientation == 1


def test_a_lens_directory_outside_the_file_leaves_the_orientation(tmp_path):
    data = photos.tiff({ORIENTATION: 6, photos.EXIF_DIRECTORY: 4_000_000_000})
    (tmp_path / "a.jpg").write_bytes(photos.jpeg(PIXELS, data))
    found = exif.read(tmp_path / "a.jpg")
    assert found.orientation == 6 and "damaged" in found.notes[0]


def test_directories_that_point_to_each_other(tmp_path):
    data = photos.tiff({ORIENTATION: 6, photos.EXIF_DIRECTORY: 8})
    (tmp_path / "a.jpg").write_bytes(photos.jpeg(PIXELS, data))
    assert exif.read(tmp_path / "a.jpg").orientation == 6


def test_a_directory_of_65535_entries(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"II*\0" + struct.pack("<IH", 8, 65535) + bytes(12 * 65535))
    assert "65535 entries" in exif.read(tmp_path / "a.tif").notes[0]


def test_millions_of_empty_chunks_are_given_up(tmp_path):
    chunk = struct.pack(">I4sI", 0, b"tEXt", 0)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk * 1_000_000)
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8" + b"\xff" * 5_000_000)
    started = time.perf_counter()
    assert exif.read(tmp_path / "a.png").orientation == exif.read(tmp_path / "a.jpg").orientation == 1
    assert time.perf_counter() - started < 2.0


@pytest.mark.parametrize("kind", ["jpg", "tif", "png", "webp"])
def test_files_cut_anywhere_and_spoilt_anywhere_never_raise(tmp_path, kind):
    whole = written(tmp_path, kind, {ORIENTATION: 6}, {**LENS, WIDTH: 10, HEIGHT: 6}).read_bytes()
    path, dice = tmp_path / "spoilt", random.Random(0)
    for kept in range(0, len(whole), 3):
        path.write_bytes(whole[:kept])
        assert exif.read(path).orientation in (1, 6)
    for _ in range(300):
        spoilt = bytearray(whole)
        for _ in range(dice.randint(1, 8)):
            spoilt[dice.randrange(len(spoilt))] = dice.choice((0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)))
        path.write_bytes(spoilt)
        found = exif.read(path)
        assert found.orientation in range(1, 9)
        exif.lens(found, 10, 6)
