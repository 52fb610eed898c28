"""What cannot be used is refused: two lines on stderr, the right exit status, nothing written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psutil
import pytest
from depthwright.operators.headless.entry import run
from depthwright.scene.files import pictures
from headless import everything_in, start, write_pair


@pytest.fixture
def given(tmp_path) -> Path:
    """A folder with good and bad input files."""
    folder = tmp_path / "given"
    folder.mkdir()
    write_pair(folder)
    image = np.zeros((32, 48, 3), np.uint8)
    pictures.write_image(folder / "tall.png", image.transpose(1, 0, 2))
    (folder / "text.png").write_text("no picture")
    (folder / "text.exr").write_text("no depth")
    (folder / "text.npy").write_text("no depth")
    (folder / "text.blend").write_text("no file of Blender")
    bad = {
        "one": np.ones((1, 1)),
        "nan": np.full((32, 48), np.nan),
        "inf": np.full((32, 48), np.inf),
        "flat": np.full((32, 48), 3.0),
        "colour": np.ones((32, 48, 3)),
        "text": np.full((32, 48), "deep"),
    }
    for name, values in bad.items():
        np.save(folder / f"{name}.npy" if name != "text" else folder / "words.npy", values)
    np.save(folder / "pickle.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (folder / "file").write_text("a regular file")
    return folder


REFUSED = {
    "no command": "",
    "unknown command": "paint --prompt x",
    "unknown option": "generate --prompt x --out {out} --sede 3",
    "no prompt": "generate --out {out}",
    "empty prompt": "generate --prompt= --out {out}",
    "blank prompt": "generate --prompt=\t --out {out}",
    "prompt in another encoding": "generate --prompt \udcff --out {out}",
    "unknown target": "generate --prompt x --target mesh --out {out}",
    "unknown model": "generate --prompt x --model nobody --out {out}",
    "seed": "generate --prompt x --seed -1 --out {out}",
    "steps": "generate --prompt x --steps 0 --out {out}",
    "guidance": "generate --prompt x --guidance nan --out {out}",
    "size in words": "generate --prompt x --size large --out {out}",
    "size zero": "generate --prompt x --size 0 --out {out}",
    "size too large": "generate --prompt x --size 99999 --out {out}",
    "render is no png": "generate --prompt x --render x.jpg --out {out}",
    "unknown camera": "generate --prompt x --target scene --camera Nobody --out {out}",
    "two cameras": "generate --prompt x --target scene --camera A --fov-deg 50 --out {out}",
    "camera for a material": "generate --prompt x --camera A --out {out}",
    "field of view for a material": "generate --prompt x --fov-deg 50 --out {out}",
    "relief for a scene": "generate --prompt x --target scene --fov-deg 50 --relief-m 0 --out {out}",
    "repeat for a scene": "generate --prompt x --target scene --fov-deg 50 --tile-repeat 2 --out {out}",
    "displacement for a scene": "generate --prompt x --target scene --fov-deg 50 --displacement bump --out {out}",
    "flattening for a scene": "generate --prompt x --target scene --fov-deg 50 --flatten 1 --out {out}",
    "maps for a scene": "generate --prompt x --target scene --fov-deg 50 --maps {out} --out {out}",
    "asset for a scene": "generate --prompt x --target scene --fov-deg 50 --asset --out {out}",
    "alignment for a material": "generate --prompt x --align-to-scene --out {out}",
    "known scene for a material": "generate --prompt x --model builtin --known-from-scene --out {out}",
    "live scene for a material": "generate --prompt x --near-cut 0 --out {out}",
    "back fill for a material": "generate --prompt x --no-back-fill --out {out}",
    "strictness with nothing known": "generate --prompt x --strictness 0.5 --out {out}",
    "resampling with nothing known": "depth --image {given}/image.png --resample 3 --out {out}",
    "repeat too often": "generate --prompt x --tile-repeat 513 --out {out}",
    "field of view": "generate --prompt x --target scene --fov-deg 190 --out {out}",
    "no blend": "generate --prompt x --blend {given}/none.blend --out {out}",
    "a text as blend": "generate --prompt x --blend {given}/text.blend --out {out}",
    "out too long": "generate --prompt x --out {out}" + 300 * "n",
    "render too long": "generate --prompt x --out {out} --render " + 300 * "n" + ".png",
    "maps too long": "generate --prompt x --out {out} --maps " + 300 * "n",
    "mask too long": "generate --prompt x --model builtin --out {out} --mask " + 300 * "n",
    "maps below a file": "generate --prompt x --out {out} --maps {given}/file/maps",
    "no such known picture": "generate --prompt x --model builtin --known-image {given}/none.png --out {out}",
    "render over the known picture": "generate --prompt x --model builtin --known-image {given}/image.png "
    "--render {given}/image.png --out {out}",
    "render over a map": "generate --prompt x --maps {out} --render {out}/x_ao.png --out {out}",
    "picture too long": "depth --out {out} --image " + 300 * "n",
    "out below a file": "generate --prompt x --out {given}/file/out",
    "out is a file": "generate --prompt x --out {given}/file",
    "render below a file": "generate --prompt x --out {out} --render {given}/file/x.png",
    "no such picture": "depth --image {given}/none.png --out {out}",
    "text as picture": "depth --image {given}/text.png --out {out}",
    "model without that mode": "depth --image {given}/image.png --model procedural --out {out}",
    "no such depth": "image --prompt x --depth {given}/none.npy --out {out}",
    "text as exr": "image --prompt x --depth {given}/text.exr --out {out}",
    "text as npy": "image --prompt x --depth {given}/text.npy --out {out}",
    "pickle as npy": "image --prompt x --depth {given}/pickle.npy --out {out}",
    "depth as png": "image --prompt x --depth {given}/image.png --out {out}",
    "depth 1x1": "image --prompt x --depth {given}/one.npy --out {out}",
    "depth nan": "material --image {given}/image.png --depth {given}/nan.npy --out {out}.blend",
    "depth inf": "material --image {given}/image.png --depth {given}/inf.npy --out {out}.blend",
    "depth flat": "material --image {given}/image.png --depth {given}/flat.npy --out {out}.blend",
    "depth colour": "scene --image {given}/image.png --depth {given}/colour.npy --fov-deg 50 --out {out}.blend",
    "depth words": "scene --image {given}/image.png --depth {given}/words.npy --fov-deg 50 --out {out}.blend",
    "other shape": "scene --image {given}/tall.png --depth {given}/depth.npy --fov-deg 50 --out {out}.blend",
    "out is no blend": "scene --image {given}/image.png --depth {given}/depth.npy --fov-deg 50 --out {out}.obj",
    "blend below a file": "material --image {given}/image.png --depth {given}/depth.npy --out {given}/file/x.blend",
    "render over the result": "generate --prompt x --out {out} --render {out}/image.png",
    "render over the input": "material --image {given}/image.png --depth {given}/depth.npy --out {out}.blend"
    " --render {given}/image.png",
    "no job list": "batch {given}/none.csv --out {out}",
    "job list of a wrong kind": "batch {given}/depth.npy --out {out}",
    "shard": "batch {given}/none.csv --out {out} --shard 5/4",
}


@pytest.mark.parametrize("line", REFUSED.values(), ids=REFUSED.keys())
def test_refused(tmp_path, given, capfd, line):
    before = everything_in(tmp_path)
    words = [word.format(out=tmp_path / "out", given=given) for word in line.split(" ") if word]
    status = run(words)
    printed = capfd.readouterr()
    assert status == 2, printed.err
    assert printed.out == ""
    summary, remedy = printed.err.rstrip("\n").split("\n")[-2:]
    assert summary.endswith(".") and remedy.endswith(".") and "Traceback" not in printed.err
    assert everything_in(tmp_path) == before


def test_an_engine_python_that_is_not_there(tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("DEPTHWRIGHT_ENGINE_PYTHON", str(tmp_path / "no-python"))
    assert run(["generate", "--prompt", "brick", "--size", "32", "--out", str(tmp_path / "out")]) == 1
    summary, remedy = capfd.readouterr().err.rstrip("\n").split("\n")[-2:]
    assert "DEPTHWRIGHT_ENGINE_PYTHON" in summary and remedy
    assert everything_in(tmp_path) == []


@pytest.mark.slow
def test_worker_killed_half_way(tmp_path):
    process = start("generate", "--prompt", "brick", "--size", "4096", "--out", tmp_path / "out")
    try:
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("generating"):
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
        assert process.wait(timeout=30) == 1
        assert "SIGKILL" in said[-2] and said[-1].startswith("Try again")
        assert everything_in(tmp_path) == []
    finally:
        process.kill()
        process.communicate()
