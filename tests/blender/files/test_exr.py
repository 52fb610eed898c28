"""EXR files: right numbers of every form that is read, the depth found among channels, all else refused by name."""

from __future__ import annotations

import random
import re
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import bpy
import depthwright
import exr_files
import numpy as np
import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.scene.files import exr, pictures
from exr_files import NONE, PIZ, RLE, ZIP, ZIPS, Part

SAMPLES = Path(__file__).with_name("samples")
COMPRESSIONS = {"none": NONE, "RLE": RLE, "ZIPS": ZIPS, "ZIP": ZIP}


def ramp(height: int = 37, width: int = 23, dtype: str = "<f4") -> np.ndarray:
    """Numbers that differ everywhere but for a flat stretch, which packs well; with sky and unknown."""
    values = 1.0 + np.arange(height * width, dtype=float).reshape(height, width) / 8
    values[5:9] = 2.0
    if dtype != "<u4":
        values[0, 0], values[1, 2], values[2, 1] = np.inf, np.nan, -0.5
    return values.astype(dtype)


@pytest.fixture
def file(tmp_path):
    def put(content: bytes) -> Path:
        path = tmp_path / "some.exr"
        path.write_bytes(content)
        return path

    return put


def channels_of(path: Path, part: int = 0) -> dict[str, np.ndarray]:
    header = exr.read_header(path)
    found = header.parts[part]
    return exr.read_channels(header, found, [channel.name for channel in found.channels])


# numbers


@pytest.mark.parametrize("dtype", ["<f4", "<f2", "<u4"])
@pytest.mark.parametrize("compression", COMPRESSIONS.values(), ids=COMPRESSIONS)
def test_every_number_comes_back(file, compression, dtype):
    path = file(exr_files.write(Part({"Z": ramp(dtype=dtype)}, compression)))
    found, notes = exr.read_depth(path)
    np.testing.assert_array_equal(found, ramp(dtype=dtype).astype(np.float32))
    assert found.dtype == np.float32 and not notes


@pytest.mark.parametrize("compression", COMPRESSIONS.values(), ids=COMPRESSIONS)
@pytest.mark.parametrize("size", [(1, 1), (16, 1), (17, 3), (1, 50), (33, 32)])
def test_channels_of_different_types_beside_each_other(file, compression, size):
    dice = np.random.default_rng(0)
    given = {
        "A": dice.standard_normal(size).astype("<f2"),
        "B": dice.standard_normal(size).astype("<f4"),
        "id": dice.integers(0, 2**20, size).astype("<u4"),
        "flat": np.zeros(size, "<f4"),
    }
    found = channels_of(file(exr_files.write(Part(given, compression))))
    assert list(found) == sorted(given)
    for name, values in given.items():
        np.testing.assert_array_equal(found[name], values.astype(np.float32))


@pytest.mark.parametrize("compression", COMPRESSIONS.values(), ids=COMPRESSIONS)
def test_parts_each_with_their_own_channels(file, compression):
    parts = [
        Part({"R": ramp(), "G": ramp() * 2, "B": ramp() * 3}, compression, name="colour"),
        Part({"Z": ramp() * 4}, ZIPS, name="depth"),
        Part({"X": ramp(5, 6)}, compression, name="more"),
    ]
    path = file(exr_files.write(parts))
    assert [part.name for part in exr.read_header(path).parts] == ["colour", "depth", "more"]
    for index, part in enumerate(parts):
        for name, values in channels_of(path, index).items():
            np.testing.assert_array_equal(values, part.channels[name])
    np.testing.assert_array_equal(exr.read_depth(path)[0], ramp() * 4)


@pytest.mark.parametrize("compression", COMPRESSIONS.values(), ids=COMPRESSIONS)
@pytest.mark.parametrize(
    ("corner", "display"),
    [
        ((4, 3), (0, 0, 39, 49)),  # rendered in a border
        ((-5, -7), (0, 0, 9, 9)),  # overscan on all sides
        ((-5, 30), (0, 0, 39, 49)),  # over two edges
        ((1004, -2000), (1000, -2010, 1019, -1970)),  # windows need not begin at 0
        ((100, 0), (0, 0, 19, 19)),  # beside it
        ((0, -100), (0, 0, 19, 19)),
    ],
)
def test_the_data_window_lies_where_it_belongs_in_the_picture(file, compression, corner, display):
    path = file(exr_files.write(Part({"Z": ramp()}, compression, corner, display)))
    found, _ = exr.read_depth(path)
    expected = np.full((display[3] - display[1] + 1, display[2] - display[0] + 1), np.nan, np.float32)
    for y, row in enumerate(ramp(), corner[1] - display[1]):
        for x, value in enumerate(row, corner[0] - display[0]):
            if 0 <= y < expected.shape[0] and 0 <= x < expected.shape[1]:
                expected[y, x] = value
    np.testing.assert_array_equal(found, expected)


# Blender's own files


@pytest.mark.parametrize("version", ["4.3", "5.2"])
def test_all_passes_of_a_render_in_one_file(version):
    """4.3 writes one part, 5.2 one for each pass: a square 5 away, before nothing, which Blender calls 1e10."""
    header = exr.read_header(SAMPLES / f"blender-{version}.exr")
    assert len(header.parts) == (1 if version == "4.3" else 4)
    depth, notes = exr.read_depth(SAMPLES / f"blender-{version}.exr")
    assert not notes
    check_square(depth)


def check_square(depth: np.ndarray) -> None:
    """2 wide, its middle 0.5 to the right; 50 mm before a sensor of 36 mm see 3.6 in 24 pixels there: 13.3 pixels."""
    assert depth.shape == (16, 24)
    seen = depth < 1e9
    np.testing.assert_allclose(depth[seen], 5.0, rtol=1e-6)
    assert (depth[~seen] == np.float32(1e10)).all()
    across, down = np.flatnonzero(seen.any(axis=0)), np.flatnonzero(seen.any(axis=1))
    for found, middle in ((across, 12 + 0.5 / 3.6 * 24), (down, 8)):
        assert len(found) in (13, 14)
        assert abs(found.mean() + 0.5 - middle) < 1.0
    assert seen.sum() == len(across) * len(down)


@pytest.mark.parametrize("codec", ["NONE", "RLE", "ZIPS", "ZIP"])
def test_what_this_blender_renders(tmp_path, codec):
    scene = bpy.context.scene
    bpy.ops.mesh.primitive_plane_add(size=2, location=(0.5, 0, -5))
    bpy.ops.object.camera_add()
    scene.camera = bpy.context.object
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
    scene.render.resolution_x, scene.render.resolution_y = 24, 16
    scene.view_layers[0].use_pass_z = scene.view_layers[0].use_pass_normal = True
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format, settings.exr_codec = "OPEN_EXR_MULTILAYER", codec
    scene.render.filepath = str(tmp_path / "all.exr")
    bpy.ops.render.render(write_still=True)
    depth, _ = exr.read_depth(tmp_path / "all.exr")
    check_square(depth)


def test_a_depth_that_depthwright_wrote(tmp_path):
    depth = np.abs(ramp(40, 30)) + 1.0
    depth[3, 3] = np.inf
    depth = np.nan_to_num(depth, nan=7.0, posinf=np.inf)
    pictures.write_depth(tmp_path / "depth.exr", depth)
    np.testing.assert_array_equal(exr.read_depth(tmp_path / "depth.exr")[0], depth)


# which channel


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Z"], "Z"),
        (["V"], "V"),
        (["Y"], "Y"),
        (["R"], "R"),
        (["depth"], "depth"),
        (["Depth"], "Depth"),
        (["R", "G", "B", "Z"], "Z"),
        (["R", "G", "B", "A", "Z", "ZBack"], "Z"),
        (["R", "G", "B", "depth"], "depth"),
        (["R", "G", "B", "depth.Z"], "depth.Z"),
        (["R", "G", "B", "Depth.V"], "Depth.V"),
        (["Y", "Z"], "Z"),
        (["ViewLayer.Combined.R", "ViewLayer.Depth.Z", "ViewLayer.Mist.Z"], "ViewLayer.Depth.Z"),
        (["L.Normal.X", "L.Normal.Y", "L.Normal.Z", "L.Depth.Z"], "L.Depth.Z"),
        (["L.Position.X", "L.Position.Y", "L.Position.Z", "L.Z"], "L.Z"),
        (["beauty.R", "beauty.G", "beauty.B", "beauty.Z"], "beauty.Z"),
        (["A", "L.Denoising Depth.Z"], "L.Denoising Depth.Z"),
    ],
)
@pytest.mark.parametrize("part_each", [False, True], ids=["one part", "a part each"])
def test_the_depth_among_channels(file, names, expected, part_each):
    """Others hold other numbers. In files of many parts, each layer is one."""
    channels = {name: ramp() * (index + 2) for index, name in enumerate(names)}
    if part_each:
        layers = sorted({name.rpartition(".")[0] for name in names})
        parts = [
            Part(
                {name: values for name, values in channels.items() if name.rpartition(".")[0] == layer}, ZIP, name=layer
            )
            for layer in layers
        ]
        path = file(exr_files.write(parts))
    else:
        path = file(exr_files.write(Part(channels)))
    found, notes = exr.read_depth(path)
    np.testing.assert_array_equal(found, channels[expected])
    assert not notes


def test_a_part_named_for_its_layer_with_a_bare_channel(file):
    parts = [Part({"R": ramp(), "G": ramp(), "B": ramp() * 2}, name="beauty"), Part({"Y": ramp() * 3}, name="depth")]
    np.testing.assert_array_equal(exr.read_depth(file(exr_files.write(parts)))[0], ramp() * 3)
    parts = [Part({"Z": ramp()}, name="mist"), Part({"Z": ramp() * 3}, name="left")]
    np.testing.assert_array_equal(exr.read_depth(file(exr_files.write(parts)))[0], ramp() * 3)


def test_grey_in_three_colours_is_a_depth_and_a_picture_is_not(file):
    grey = {"R": ramp(), "G": ramp(), "B": ramp(), "A": np.ones((37, 23), "<f4")}
    np.testing.assert_array_equal(exr.read_depth(file(exr_files.write(Part(grey))))[0], ramp())
    with pytest.raises(InputError, match="a picture in colours"):
        exr.read_depth(file(exr_files.write(Part({**grey, "G": ramp() * 1.01}))))


@pytest.mark.parametrize(
    "names",
    [["disparity"], ["A"], ["X", "Y", "Z"], ["L.Mist.Z"], ["L.Normal.X", "L.Normal.Y", "L.Normal.Z"], ["U", "V"]],
)
def test_what_is_no_depth_is_never_taken_for_one(file, names):
    with pytest.raises(InputError, match="no channel that is called a depth") as error:
        exr.read_depth(file(exr_files.write(Part({name: ramp() for name in names}))))
    assert names[0] in error.value.summary and error.value.remedy


@pytest.mark.parametrize("part_each", [False, True])
def test_of_several_depths_the_first_is_taken_and_it_is_said(file, part_each):
    if part_each:
        parts = [
            Part({"V.Depth.Z": ramp() * k}, name=f"V.Depth-{view}", view=view)
            for k, view in ((1, "left"), (2, "right"))
        ]
        path = file(exr_files.write(parts))
        said = r"V.Depth.Z of left is taken, V.Depth.Z of right left out"
    else:
        path = file(exr_files.write(Part({"V.Depth.left.Z": ramp(), "V.Depth.right.Z": ramp() * 2})))
        said = r"V.Depth.left.Z is taken, V.Depth.right.Z left out"
    found, notes = exr.read_depth(path)
    np.testing.assert_array_equal(found, ramp())
    assert len(notes) == 1 and re.search(said, notes[0])


# what is refused, by name


OTHERS = {4: "PIZ", 5: "PXR24", 6: "B44", 7: "B44A", 8: "DWAA", 9: "DWAB", 10: "HTJ2K256", 77: "no. 77"}


@pytest.mark.parametrize(("number", "name"), OTHERS.items())
def test_other_compressions(file, number, name):
    with pytest.raises(InputError, match=f"is packed by {name},"):
        exr.read_depth(file(exr_files.write(Part({"Z": ramp()}, number))))


def test_a_depth_that_can_be_read_beside_a_part_that_cannot(file):
    parts = [Part({"R": ramp()}, PIZ, name="beauty"), Part({"Z": ramp()}, ZIP, name="depth")]
    np.testing.assert_array_equal(exr.read_depth(file(exr_files.write(parts)))[0], ramp())


KINDS = {"tiledimage": "tiled", "deepscanline": "deep", "deeptile": "deep and tiled", "new": "'new'"}


@pytest.mark.parametrize(("kind", "name"), KINDS.items())
def test_other_kinds_of_parts(file, kind, name):
    with pytest.raises(InputError, match=name):
        exr.read_depth(file(exr_files.write([Part({"Z": ramp()}, ZIP, name="a", kind=kind)])))


def test_files_of_one_part_that_are_tiled_or_deep(file):
    head = exr_files.header({"Z": "<f4"}, (0, 0, 9, 9))
    with pytest.raises(InputError, match="is tiled"):
        exr.read_depth(file(exr_files.start(0x200) + head + bytes(1000)))
    deep = exr_files.attribute("type", "string", b"deepscanline")
    head = exr_files.header({"Z": "<f4"}, (0, 0, 9, 9), more=deep)
    with pytest.raises(InputError, match="is deep"):
        exr.read_depth(file(exr_files.start(0x800) + head + bytes(1000)))


def test_luminance_and_chroma(file):
    head = exr_files.header({"Z": "<f4", "RY": "<f4"}, (0, 0, 9, 9), sampling=2)
    with pytest.raises(InputError, match="luminance and chroma"):
        exr.read_depth(file(exr_files.start() + head + bytes(1000)))


# damage and malice


def refused(path: Path) -> str:
    """The one sentence that it is refused with, and a remedy; at once."""
    started = time.perf_counter()
    with pytest.raises(InputError) as error:
        exr.read_depth(path)
    assert time.perf_counter() - started < 2.0
    assert error.value.remedy and "\n" not in error.value.summary
    return error.value.summary


BIG = 2**31 - 1
ONE = {"Z": "<f4"}


@pytest.mark.parametrize("compression", COMPRESSIONS.values(), ids=COMPRESSIONS)
@pytest.mark.parametrize(
    ("data", "display"),
    [
        ((0, 0, 29_999, 29_999), (0, 0, 29_999, 29_999)),
        ((0, 0, BIG - 1, BIG - 1), (0, 0, 9, 9)),
        ((0, 0, 9, 9), (-BIG, -BIG, BIG, BIG)),
        ((-BIG, 0, BIG, 0), (0, 0, 9, 9)),
        ((0, -BIG, 0, BIG), (0, 0, 9, 9)),
        ((0, 0, 2**26 - 1, 0), (0, 0, 9, 9)),
        ((0, 0, 0, 2**26 - 1), (0, 0, 9, 9)),
        ((0, 0, 8191, 8191), (0, 0, 8191, 8191)),
        ((5, 5, 4, 9), (0, 0, 9, 9)),
        ((0, 0, 9, 9), (9, 9, 0, 0)),
    ],
)
def test_windows_that_the_file_cannot_fill(file, data, display, compression):
    path = file(exr_files.start() + exr_files.header({"Z": "<f4"}, data, display, compression) + bytes(4096))
    assert re.search("window|beyond its end|too short|columns", refused(path))


def test_a_bomb_is_refused_before_it_unpacks(file):
    """64 MB of zeros for a row of 40 bytes: what is more than the row is never unpacked."""
    packed = zlib.compress(bytes(64 * 2**20), 9)
    head = exr_files.start() + exr_files.header({"Z": "<f4"}, (0, 0, 99_999, 0), compression=ZIPS)
    chunk = struct.pack("<Qii", len(head) + 8, 0, len(packed)) + packed
    assert "do not unpack" in refused(file(head + chunk))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x76\x2f\x31\x01",
        b"not an EXR file at all",
        b"\x76\x2f\x31\x01\x03\0\0\0" + bytes(100),
        b"\x76\x2f\x31\x01\x02\0\1\0" + bytes(100),
        exr_files.start() + bytes(100),
        exr_files.start() + b"x" * 1000,
        exr_files.start() + exr_files.attribute("channels", "chlist", b"\0") + bytes(100),
        exr_files.start() + b"channels\0chlist\0" + struct.pack("<i", -5) + bytes(100),
        exr_files.start() + b"channels\0chlist\0" + struct.pack("<i", BIG) + bytes(100),
        exr_files.start() + b"preview\0preview\0" + struct.pack("<i", BIG) + bytes(100),
        exr_files.start() + exr_files.attribute("dataWindow", "box2f", bytes(16)) + bytes(100),
        exr_files.start() + exr_files.header(ONE, (0, 0, 9, 9), more=exr_files.attribute("type", "string", b"\xff")),
        exr_files.start() + exr_files.header(ONE, (0, 0, 9, 9), more=exr_files.attribute("name", "int", b"1234")),
        exr_files.start(0x800) + exr_files.header({"Z": "<f4"}, (0, 0, 9, 9)) + bytes(1000),
        exr_files.start() + exr_files.attribute("a", "int", b"") * 30_000,
        exr_files.start(0x1000) + exr_files.header({"Z": "<f4"}, (0, 0, 0, 0)) * 2000 + b"\0" + bytes(30_000),
    ],
)  # fmt: skip
def test_headers_that_make_no_sense(file, content):
    refused(file(content))


@pytest.mark.parametrize("field", ["offset 0", "offset far", "row", "size", "size below zero", "part"])
def test_tables_and_chunks_that_lie(file, field):
    content = bytearray(exr_files.write([Part({"Z": ramp()}, ZIP, name="depth")]))
    header = exr.read_header(file(bytes(content)))
    table_at = header.parts[0].table_at
    (chunk_at,) = struct.unpack_from("<Q", content, table_at)
    changes = {
        "offset 0": (table_at, "<Q", 0),
        "offset far": (table_at, "<Q", 2**63),
        "part": (chunk_at, "<i", 1),
        "row": (chunk_at + 4, "<i", 16),
        "size": (chunk_at + 8, "<i", BIG),
        "size below zero": (chunk_at + 8, "<i", -1),
    }
    at, code, value = changes[field]
    struct.pack_into(code, content, at, value)
    assert "damaged" in refused(file(bytes(content)))


@pytest.mark.parametrize("compression", COMPRESSIONS.values(), ids=COMPRESSIONS)
def test_files_cut_anywhere_and_spoilt_anywhere_are_read_or_refused(file, compression):
    whole = exr_files.write([Part({"R": ramp()}, compression, name="a"), Part({"Z": ramp()}, compression, name="b")])
    dice = random.Random(0)
    for kept in [*range(0, 500, 7), *dice.sample(range(500, len(whole)), 40)]:
        with pytest.raises(InputError):
            exr.read_depth(file(whole[:kept]))
    for _ in range(300):
        spoilt = bytearray(whole)
        for _ in range(dice.randint(1, 6)):
            at = dice.randrange(len(spoilt)) if dice.random() < 0.3 else dice.randrange(700)
            spoilt[at] = dice.choice((0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)))
        try:
            exr.read_depth(file(bytes(spoilt)))
        except InputError as error:
            assert error.remedy


@pytest.mark.slow
def test_memory_stays_below_a_gigabyte_for_the_largest_claims(tmp_path):
    """A picture of the largest size with hardly anything in it, in three channels."""
    part = Part({name: ramp(3, 3) for name in "RGB"}, ZIP, display=(0, 0, 8191, 8191))
    (tmp_path / "big.exr").write_bytes(exr_files.write(part))
    code = (
        "import sys, resource\nsys.path.append(sys.argv[2])\n"
        "from depthwright.scene.files import exr\nexr.read_depth(sys.argv[1])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    where = [str(tmp_path / "big.exr"), str(Path(depthwright.__file__).parents[1])]
    done = subprocess.run([sys.executable, "-c", code, *where], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    print(f"{int(done.stdout) / 1024:.0f} MB")
    assert int(done.stdout) * 1024 < 1e9


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        exr.read_header(tmp_path / "none.exr")
