"""The built zip in real Blenders with their interface: installed, used as a person does, and taken away again.

Needs what real_blender.py describes; every system found there is one parameter.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from depthwright.tests.shipping import pack

from . import real_blender
from .real_blender import RealBlender

REASON = real_blender.missing()
pytestmark = [pytest.mark.skipif(bool(REASON), reason=REASON), pytest.mark.timeout(600), pytest.mark.slow]

DEPTHWRIGHT = ("-b", "--command", "depthwright")

MATERIAL = {"prompt": "mossy red brick wall", "target": "material", "seed": 7, "size_px": 2048}
SCENE = {"prompt": "mountain valley", "target": "scene", "seed": 3, "size_px": 1024}
NEURAL = {
    "prompt": "mossy red brick wall",
    "target": "material",
    "seed": 7,
    "model": "builtin",
    "size_px": 64,
    "steps": 12,
}


@pytest.fixture(
    scope="module", params=real_blender.find_chroots() or [None], ids=lambda path: path.name if path else ""
)
def blender(
    request: pytest.FixtureRequest, extension_zip: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealBlender]:
    """A Blender into which the zip was installed by Blender's own command."""
    out, user = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("user")
    shutil.copy(extension_zip, out)
    real = RealBlender(chroot=request.param, user=user, out=out)
    real.command("--command", "extension", "install-file", "-r", "user_default", "-e", f"/mnt/out/{extension_zip.name}")
    yield real
    if keep := os.environ.get("DEPTHWRIGHT_UI_PICTURES"):
        for picture in out.rglob("*.png"):
            target = Path(keep) / request.param.name / picture.relative_to(out)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(picture, target)


@pytest.fixture(scope="module")
def neural_blender(blender: RealBlender) -> RealBlender:
    """The same Blender, with this Python as the engine's."""
    python = real_blender.engine_python()
    if python is None:
        pytest.skip("this Python has no torch, which the neural model needs")
    executable, mounts = python
    return RealBlender(
        blender.chroot, blender.user, blender.out, mounts, {"DEPTHWRIGHT_ENGINE_PYTHON": str(executable)}
    )


def test_installed_and_enabled(blender: RealBlender) -> None:
    assert "depthwright" in blender.command("--command", "extension", "list")


def test_material_in_the_interface(blender: RealBlender) -> None:
    state = blender.ui("generate.py", "material", EMPTY="1", SETTINGS=json.dumps(MATERIAL))
    assert state["pictured_while_running"], "the generation was over before its picture could be taken"
    assert state["record"]["request"]["prompt"] == MATERIAL["prompt"]
    assert state["record"]["request"]["seed"] == MATERIAL["seed"]
    assert state["record"]["request"]["width_px"] == MATERIAL["size_px"]
    assert state["vertices"] > 10_000  # displaced, not merely bumped
    reopened = blender.background(
        "reopen.py", "material-reopened", fresh=True, ABOVE="1", BLEND="/mnt/out/material/made.blend"
    )
    assert reopened["pink_pixels"] == 0
    assert reopened["spread"] > 0.03


def test_scene_in_the_interface(blender: RealBlender) -> None:
    state = blender.ui("generate.py", "scene", SETTINGS=json.dumps(SCENE))
    assert state["record"]["request"]["target"] == "scene"
    assert state["vertices"] > 10_000
    reopened = blender.background("reopen.py", "scene-reopened", fresh=True, BLEND="/mnt/out/scene/made.blend")
    assert reopened["pink_pixels"] == 0
    assert reopened["spread"] > 0.03


def test_cancel_in_the_interface(blender: RealBlender) -> None:
    settings = {**MATERIAL, "size_px": 4096}
    assert blender.ui("cancel.py", "cancel", SETTINGS=json.dumps(settings))["ok"]


def test_interplay_in_the_interface(blender: RealBlender) -> None:
    assert blender.ui("interplay.py", "interplay")["ok"]


def test_paint_in_the_interface(blender: RealBlender) -> None:
    assert blender.ui("paint.py", "paint", timeout_s=400, size="1280x1000")["ok"]
    reopened = blender.background("reopen.py", "paint-reopened", fresh=True, BLEND="/mnt/out/paint/made.blend")
    assert reopened["pink_pixels"] == 0
    assert reopened["spread"] > 0.03


def test_neural_model_in_the_interface(neural_blender: RealBlender) -> None:
    state = neural_blender.ui("generate.py", "neural", timeout_s=300, EMPTY="1", SETTINGS=json.dumps(NEURAL))
    assert state["pictured_while_running"]
    assert state["record"]["model"]["id"] == "builtin"
    assert len(state["progress"]) > 2


def test_a_download_in_the_interface(neural_blender: RealBlender) -> None:
    """From a hub within the script, which stands still for a while; Blender must not."""
    hub = f"{pack.ROOT / 'tests' / 'hub'}:/mnt/hub"
    networked = replace(neural_blender, mounts=[*neural_blender.mounts, hub], net=True)
    state = networked.ui("download.py", "download", size="1280x1200")
    assert state["turns"] == 10, "Blender stood still with the server"
    assert state["notes"] == ["Modality Forcing (12 B, published) is here."]
    assert "no hash" not in state["checked"]


def test_the_suite_of_the_bpy_wheel(blender: RealBlender, tmp_path: Path) -> None:
    """tests/blender, as far as it needs neither the console script nor torch."""
    pure, package = tmp_path / "pure", tmp_path / "package"
    real_blender.copy_pytest(pure)
    pack.export(package)
    rooms = sorted(path for path in (pack.ROOT / "tests" / "blender").iterdir() if any(path.glob("test_*.py")))
    tests = [f"tests/blender/{room.name}" for room in rooms if room.name != "headless"]
    with_suite = replace(blender, mounts=[f"{pure}:/mnt/pure", f"{package}:/mnt/package/depthwright"])
    state = with_suite.background("suite.py", "suite", timeout_s=400, TESTS=" ".join(tests))
    assert state["status"] == 0
    assert state["passed"] > 50


def test_mistakes_in_the_interface(blender: RealBlender) -> None:
    said = blender.ui("mistakes.py", "mistakes")["said"]
    assert {name: words[0] for name, words in said.items()} == {
        "empty-prompt": "InputError",
        "no-file": "InputError",
        "unreadable-file": "InputError",
        "no-torch": "EnvironmentMissing",  # the systems' own Python has none, and none is given here
    }


def test_command_line(blender: RealBlender) -> None:
    words = ["--prompt", "cobblestones", "--seed", "4", "--size", "128"]
    printed = blender.command(*DEPTHWRIGHT, "generate", *words, "--out", "/mnt/out/headless")
    made = blender.out / "headless"
    assert {"request.json", "image.png", "depth.exr", "preview.png"} <= {path.name for path in made.iterdir()}, printed
    assert json.loads((made / "request.json").read_text(encoding="utf-8"))["request"]["prompt"] == "cobblestones"


def test_command_line_renders(blender: RealBlender) -> None:
    words = ["--prompt", "cobblestones", "--size", "256", "--render", "/mnt/out/headless-render.png"]
    blender.command(*DEPTHWRIGHT, "generate", *words, "--out", "/mnt/out/headless-render")
    assert (blender.out / "headless-render.png").stat().st_size > 10_000


def test_command_line_on_files(blender: RealBlender) -> None:
    """Picture and depth as files, through a camera of the file that is open, and as a material."""
    words = ["--prompt", "mountains", "--target", "scene", "--fov-deg", "60", "--size", "320x180"]
    blender.command(*DEPTHWRIGHT, "generate", *words, "--out", "/mnt/out/pair")
    pair = ["--image", "/mnt/out/pair/image.png", "--depth", "/mnt/out/pair/depth.exr"]
    opened = ("-b", "/mnt/out/pair/scene.blend", *DEPTHWRIGHT[1:])
    for door, command, camera in ((opened, "scene", ["--camera", "mountains Camera"]), (DEPTHWRIGHT, "material", [])):
        made = f"/mnt/out/pair-{command}"
        blender.command(*door, command, *pair, *camera, "--out", f"{made}.blend", "--render", f"{made}.png")
        assert (blender.out / f"pair-{command}.blend").stat().st_size > 10_000
        assert (blender.out / f"pair-{command}.png").stat().st_size > 10_000


def test_command_line_batch(blender: RealBlender) -> None:
    jobs = [{"prompt": prompt, "size": 64} for prompt in ("bricks", "marble", "planks")]
    (blender.out / "jobs.jsonl").write_text("\n".join(map(json.dumps, jobs)), encoding="utf-8")
    for resume in ([], ["--resume"]):
        blender.command(*DEPTHWRIGHT, "batch", "/mnt/out/jobs.jsonl", "--out", "/mnt/out/batch", *resume)
        assert len((blender.out / "batch" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()) == len(jobs)


def test_command_line_refuses_an_empty_prompt(blender: RealBlender) -> None:
    words = ["--prompt", " ", "--out", "/mnt/out/refused"]
    printed = blender.command(*DEPTHWRIGHT, "generate", *words, expect=2)
    assert "prompt is empty" in printed
    assert not (blender.out / "refused").exists()
