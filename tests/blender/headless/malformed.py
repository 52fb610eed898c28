"""Files that nobody should write, and commands that nobody should type. All of them are small."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import exr_files
import numpy as np
from PIL import Image

WIDTH, HEIGHT = 48, 32


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, bits: int = 8, colour: int = 2, body: bytes | None = None, end: bool = True) -> bytes:
    """body  not packed yet"""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    packed = zlib.compress(body if body is not None else b"\0" * 100)
    whole = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed)
    return whole + (chunk(b"IEND", b"") if end else b"")


def picture(kind: str, **options) -> bytes:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    values = np.stack([x * 5, y * 7, x + y], -1).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(values).save(file, kind, **options)
    return file.getvalue()


def tiff(*entries: tuple[int, int, int, int], at: int = 8, count: int | None = None, order: str = "<") -> bytes:
    """A directory alone: tag, type, count, value."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", at)
    table = b"".join(struct.pack(order + "HHII", *entry) for entry in entries)
    return head + struct.pack(order + "H", len(entries) if count is None else count) + table + b"\0" * 4


def webp(kind: bytes, data: bytes, length: int | None = None) -> bytes:
    body = b"WEBP" + kind + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body) if length is None else length) + body


def jpeg_of(width: int, height: int) -> bytes:
    plain = picture("JPEG")
    at = plain.index(b"\xff\xc0")
    return plain[: at + 5] + struct.pack(">HH", height, width) + plain[at + 9 :]


def transparent() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.zeros((HEIGHT, WIDTH, 4), np.uint8)).save(file, "PNG")
    return file.getvalue()


def exr(channels: dict[str, str], data, display=None, compression: int = 0, **more) -> bytes:
    return exr_files.start() + exr_files.header(channels, data, display, compression, **more)


def pictures() -> dict[str, bytes]:
    """Name with its ending -> content; as --image."""
    window = (0, 0, WIDTH - 1, HEIGHT - 1)
    jpeg, whole = picture("JPEG"), picture("PNG")
    return {
        "empty.png": b"",
        "text.png": b"no picture",
        "text.jpg": b"no picture",
        "text.tif": b"no picture",
        "text.webp": b"no picture",
        "text.exr": b"no picture",
        "text.hdr": b"no picture",
        "text.tga": b"no",
        "other.xyz": b"no picture at all, whatever it is called",
        "script.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "mark.png": b"\x89PNG\r\n\x1a\n",
        "headless.png": b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", b"x") * 3,
        "nothing.png": png(0, 0),
        "thin.png": png(0, 30),
        "one.png": png(1, 1, body=b"\0\0\0\0"),
        "bomb.png": png(30_000, 30_000),
        "bomb1bit.png": png(30_000, 30_000, 1, 0),
        "bomb16.png": png(6_000, 6_000, 16),
        "wide.png": png(2**31 - 1, 1),
        "negative.png": png(2**31, 2),
        "largest.png": png(2**32 - 1, 2**32 - 1),
        "cut.png": whole[: len(whole) // 2],
        "cutend.png": whole[:-13],
        "noend.png": png(48, 32, body=b"\0" * 145 * 32, end=False),
        "chunk.png": whole[:33] + struct.pack(">I", 2**31 - 1) + whole[37:],
        "transparent.png": transparent(),
        "mark.jpg": b"\xff\xd8\xff",
        "cut.jpg": jpeg[: len(jpeg) * 3 // 4],
        "noframe.jpg": b"\xff\xd8\xff\xe0\0\x04ab\xff\xd9",
        "length.jpg": b"\xff\xd8\xff\xe0\0\0" + jpeg[6:],
        "bomb.jpg": jpeg_of(65_000, 65_000),
        "zero.jpg": jpeg_of(0, 0),
        "endless.jpg": b"\xff\xd8" + b"\xff" * 5000,
        "bomb.tif": tiff((256, 4, 1, 100_000), (257, 4, 1, 100_000), (258, 3, 1, 8)),
        "nosize.tif": tiff((258, 3, 1, 8)),
        "entries.tif": tiff(count=65_535),
        "away.tif": tiff(at=2**31),
        "itself.tif": tiff(at=2),
        "big.tif": b"II+\0\x08\0\0\0" + struct.pack("<Q", 2**60),
        "mark.tif": b"MM\0*",
        "bomb.webp": webp(b"VP8X", b"\0\0\0\0" + b"\xff" * 6),
        "bombl.webp": webp(b"VP8L", b"\x2f" + b"\xff" * 8),
        "mark.webp": webp(b"VP8L", b"\0" * 9),
        "other.webp": webp(b"ANIM", b"\0" * 9),
        "cut.webp": picture("WEBP", lossless=True)[:-20],
        "bomb.bmp": b"BM" + b"\0" * 12 + struct.pack("<Iii", 40, 2**30, -(2**30)) + b"\0" * 40,
        "cut.bmp": b"BM\0\0",
        "bomb.hdr": b"#?RADIANCE\n\n-Y 99999999 +X 99999999\n",
        "nosize.hdr": b"#?RADIANCE\nFORMAT=x\n",
        "bomb.jp2": b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0\0\0\x16ihdr" + struct.pack(">IIHB", 2**31, 2**31, 3, 7),
        "bomb.dds": b"DDS " + struct.pack("<IIII", 124, 0, 2**30, 2**30) + b"\0" * 100,
        "bomb.dpx": b"SDPX" + b"\0" * 768 + struct.pack(">II", 2**31, 2**31),
        "bomb.tga": b"\0\0\x0a" + b"\0" * 9 + struct.pack("<HH", 65_535, 65_535) + b"\x18\0",
        "cut.exr": exr({"R": "<f4", "G": "<f4", "B": "<f4"}, window)[:-20],
        "noswatches.exr": exr({"R": "<f4", "G": "<f4", "B": "<f4"}, window),
        "bomb.exr": exr({"R": "<f4", "G": "<f4", "B": "<f4"}, (0, 0, 29_999, 29_999)),
        "window.exr": exr({"R": "<f4", "G": "<f4", "B": "<f4"}, window, (0, 0, 2**30, 2**30)),
        "depth.exr": exr({"Z": "<f4"}, window),
    }


def npy(header: str | bytes, body: bytes = b"\0" * 64, version: bytes = b"\1\0") -> bytes:
    raw = header.encode("latin-1") if isinstance(header, str) else header
    return b"\x93NUMPY" + version + struct.pack("<H", len(raw)) + raw + body


def described(dtype: str = "<f4", shape: str = "(32, 48)", by_columns: str = "False") -> str:
    return f"{{'descr': '{dtype}', 'fortran_order': {by_columns}, 'shape': {shape}, }}\n"


def saved(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, values, allow_pickle=values.dtype.hasobject)
    return file.getvalue()


def depths() -> dict[str, bytes]:
    """Name with its ending -> content; as --depth."""
    window, z = (0, 0, WIDTH - 1, HEIGHT - 1), {"Z": "<f4"}
    good = saved(np.arange(WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, WIDTH) + 1)
    shape = {f"npy{index}.npy": npy(described(shape=text)) for index, text in enumerate(SHAPES)}
    kind = {f"type{index}.npy": npy(described(text)) for index, text in enumerate(TYPES)}
    return {
        **shape,
        **kind,
        "empty.npy": b"",
        "mark.npy": b"\x93NUMPY",
        "version.npy": npy(described(), version=b"\x09\0"),
        "nested.npy": npy("(" * 9000),
        "long.npy": npy("{" + " " * 20_000 + "}"),
        "words.npy": npy("import os"),
        "keys.npy": npy("{'descr': '<f4'}"),
        "cut.npy": good[:-100],
        "pickle.npy": saved(np.array([{"a": 1}], dtype=object)),
        "zip.npy": b"PK\3\4" + b"\0" * 100,
        "line.npy": saved(np.ones(9)),
        "cube.npy": saved(np.ones((4, 4, 4))),
        "complex.npy": saved(np.ones((HEIGHT, WIDTH), complex)),
        "nan.npy": saved(np.full((HEIGHT, WIDTH), np.nan)),
        "sky.npy": saved(np.full((HEIGHT, WIDTH), 1e10)),
        "half.npy": saved(np.full((HEIGHT, WIDTH), 65504.0)),
        "negative.npy": saved(np.full((HEIGHT, WIDTH), -2.0)),
        "flat.npy": saved(np.full((HEIGHT, WIDTH), 2.0)),
        "other.npy": saved(np.arange(1, 65, dtype=float).reshape(8, 8)),
        "depth.png": picture("PNG"),
        "depth.tif": picture("TIFF"),
        "depth.txt": b"1 2 3",
        "empty.exr": b"",
        "mark.exr": exr_files.start(),
        "version.exr": b"\x76\x2f\x31\x01\xff\xff\xff\xff",
        "header.exr": exr(z, window),
        "bomb.exr": exr(z, (0, 0, 29_999, 29_999)),
        "back.exr": exr(z, (5, 5, 0, 0)),
        "window.exr": exr(z, (-(2**31), 0, 2**31 - 1, 1)),
        "piz.exr": exr(z, window, None, 4),
        "unknown.exr": exr(z, window, None, 77),
        "deep.exr": exr_files.start(0x800) + exr_files.header(z, window),
        "chroma.exr": exr({"Y": "<f4", "RY": "<f4", "BY": "<f4"}, window, sampling=2),
        "normals.exr": exr({"Normal.X": "<f4", "Normal.Y": "<f4", "Normal.Z": "<f4"}, window),
        "endless.exr": exr_files.start() + b"a" * 5000,
        "attribute.exr": exr_files.start() + b"channels\0chlist\0" + struct.pack("<i", 2**31 - 1),
    }


SHAPES = (
    *(
        "(1000000, 1000000)",
        "(10**6, 10**6)",
        "(-1, 48)",
        "(99999999999999999999, 2)",
        "(1,) * 10**9",
        "'x'",
        "(32.0, 48)",
    ),
    *("()", "(0, 0)", "(True, 48)", "((32, 48),)", "None"),
)
TYPES = ("|O", "<U999999999", "<M8[s]", "|V8", "<c16", "zz", "<f4,<f4", "|b9")

HEADER = "id,prompt,size\n"


def lists() -> dict[str, bytes]:
    """Job lists; as batch's."""
    content: dict[str, str | bytes] = {
        "empty.csv": "",
        "header.csv": HEADER,
        "blank.csv": "\n\n\n",
        "quote.csv": HEADER + 'a,"wall,64\n',
        "latin.csv": HEADER.encode() + b"a,gr\xfcn,64\n",
        "binary.csv": bytes(range(256)) * 10,
        "utf16cut.csv": b"\xff\xfei\0d",
        "twice.csv": "id,prompt,prompt\na,x,y\n",
        "case.csv": "id,prompt,Prompt\na,x,y\n",
        "sameid.csv": HEADER + "a,x,64\nA,y,64\n",
        "dots.csv": HEADER + "..,x,64\n",
        "slash.csv": HEADER + "a/b,x,64\n",
        "manifest.csv": HEADER + "manifest.jsonl,x,64\n",
        "longid.csv": HEADER + "n" * 300 + ",x,64\n",
        "unknown.csv": "id,prompt,sede\na,x,3\n",
        "extra.csv": HEADER + "a,x,64,9,9\n",
        "noname.csv": "id,prompt,\na,x,9\n",
        "spaces.csv": "id prompt size\na x 64\n",
        "field.csv": HEADER + "a," + "x" * 200_000 + ",64\n",
        "empty.jsonl": "",
        "array.jsonl": "[1, 2]\n",
        "number.jsonl": "3\n",
        "deep.jsonl": "[" * 200_000 + "\n",
        "deepobject.jsonl": '{"a":' * 200_000 + "\n",
        "deepvalue.jsonl": '{"prompt": ' + "[" * 60 + "]" * 60 + "}\n",
        "object.jsonl": '{"prompt": {"a": 1}}\n',
        "listed.jsonl": '{"prompt": [["a"]]}\n',
        "cut.jsonl": '{"prompt": "a\n',
        "twice.jsonl": '{"prompt": "a", "prompt": "b"}\n',
        "digits.jsonl": '{"prompt": "a", "seed": ' + "9" * 5000 + "}\n",
        "key.jsonl": '{"": "a"}\n',
        "list.json": "[]",
        "list.xlsx": b"PK\3\4",
    }
    return {name: text.encode() if isinstance(text, str) else text for name, text in content.items()}


#: Rows that fail alone.
ROWS = (
    {"prompt": ""},
    {"prompt": "wa\0ll"},
    {"prompt": "\ud800"},
    {"prompt": "x", "seed": "many"},
    {"prompt": "x", "seed": 3.5},
    {"prompt": "x", "seed": 1e300},
    {"prompt": "x", "seed": -1},
    {"prompt": "x", "size": "64x"},
    {"prompt": "x", "asset": "perhaps"},
    {"prompt": "x", "asset": 3},
    {"prompt": "x", "guidance": "1e999"},
    {"prompt": "x", "tile_repeat": True},
    {"prompt": "x", "model": "../../x"},
    {"prompt": "x", "target": "scene", "camera": "\u202e"},
    {"prompt": "x", "render": "../x.png"},
    {"prompt": "x", "render": "..\\x.png"},
    {"prompt": "x", "maps": ".."},
    {"prompt": "x", "blend": "none.blend"},
    {"prompt": "x", "known_depth": "\0"},
    {"prompt": "x", "known_depth": "n" * 300},
    {"prompt": "x", "depth_is": "mm"},
    {"prompt": "x", "command": "rm"},
    {"prompt": "x", "command": "paint"},
    {"prompt": "x", "command": "paint", "object": ["A", 3]},
    {"prompt": "x", "command": "paint", "object": "A", "views": "ring:999999999"},
    {"prompt": "x", "guidance_interval": "0;1;2"},
)

OPTIONS = (
    "generate --prompt x --out {out} --seed 99999999999999999999",
    "generate --prompt x --out {out} --seed 1e3",
    "generate --prompt x --out {out} --seed ٣٣٣٣٣٣٣٣٣٣٣٣",
    "generate --prompt x --out {out} --size 1x1",
    "generate --prompt x --out {out} --size -64",
    "generate --prompt x --out {out} --size 64x64x64",
    "generate --prompt x --out {out} --size 999999999999999999999999",
    "generate --prompt x --out {out} --guidance inf",
    "generate --prompt x --out {out} --guidance -1",
    "generate --prompt x --out {out} --log2-alpha nan",
    "generate --prompt x --out {out} --steps 1000000",
    "generate --prompt x --out {out} --detail 3",
    "generate --prompt x --out {out} --resample 0",
    "generate --prompt x --out {out} --strictness nan",
    "generate --prompt x --out {out} --guidance-interval 1 0",
    "generate --prompt x --out {out} --guidance-interval nan nan",
    "generate --prompt x --out {out} --model \x1b[31mred",
    "generate --prompt x --out {out} --target \x07",
    "generate --prompt x --out {out} --preset secret",
    "generate --prompt x --out {out} --precision float128",
    "generate --prompt x --out {out} --relief-m nan",
    "generate --prompt x --out {out} --relief-m inf",
    "generate --prompt x --out {out} --flatten 0",
    "generate --prompt x --out {out} --tile-repeat 0",
    "generate --prompt x --out {out} --samples 0",
    "generate --prompt x --out {out} --depth-is mm",
    "generate --prompt x --out {out} --model builtin --known-depth {given}/depth.npy --depth-is feet",
    "generate --prompt x --out {out} --model builtin --known-depth {given}/depth.npy --depth-is -1",
    "generate --prompt x --out {out} --model builtin --known-depth {given}/depth.npy --depth-is nan",
    "generate --prompt x --out {out} --model builtin --mask {given}/image.png",
    "generate --prompt x --out {out} --blend {given}",
    "generate --prompt x --out {out} --blend {given}/image.png",
    "generate --prompt x --out {out} --target scene --fov-deg nan",
    "generate --prompt x --out {out} --target scene --fov-deg 50 --near-cut nan",
    "generate --prompt x --out {out} --target scene --fov-deg 50 --resolution-divisor 0",
    "generate --prompt x --out",
    "scene --image {given}/image.png --depth {given}/depth.npy --fov-deg 50 --out {out}.blend --known-distance 1,2,3",
    "scene --image {given}/image.png --depth {given}/depth.npy --fov-deg 50 --out {out}.blend "
    "--known-distance 1,1,1,1,2",
    "scene --image {given}/image.png --depth {given}/depth.npy --fov-deg 50 --out {out}.blend "
    "--known-distance 1,1,9999,1,2",
    "scene --image {given}/image.png --depth {given}/depth.npy --fov-deg 50 --out {out}.blend --depth-is light-years",
    "paint --blend {given}/none.blend --object A --prompt x --out {out}.blend",
    "paint --object A --prompt x --out {out}.blend",
    "batch {given} --out {out}",
    "batch {given}/image.png --out {out} --shard 0/0",
    "models verify nobody",
    "models import {given}/none",
)

#: What may lie in the place of a result's record.
RECORDS = (
    "",
    "{",
    "[]",
    "3",
    "[" * 200_000,
    '{"request":' * 200_000,
    '{"request": []}',
    '{"request": {}}',
    json.dumps({"request": {"mode": 3}}),
    json.dumps({"request": {"mode": "joint", "steps": "many", "width_px": []}}),
    json.dumps({"request": {"prompt": {"a": [[[[]]]]}, "seed": 1e300}}),
    '{"request": {"seed": Infinity}}',
    "\0" * 100,
)


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)
