"""The set of map files: what lies in them is the relief that is in Blender; whole or not at all. And the asset."""

from __future__ import annotations

import json

import bpy
import numpy as np
import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.scene.files import pictures
from depthwright.scene.material import displacement, map_set, material
from depthwright.scene.stage import asset
from relief_pair import TILED, waves


def build(choice: str = "modifier", **settings) -> bpy.types.Object:
    image, depth = waves()
    image[:, :, 0], image[:12] = 200, 30
    defaults = {"name": "Waves", "relief_m": 0.2, "location": (0, 0, 0)}
    return material.build(bpy.context, image, depth, TILED, displacement=choice, **(defaults | settings))


def datablocks() -> dict[str, set[str]]:
    kinds = ("scenes", "objects", "cameras", "lights", "worlds", "images", "materials", "meshes", "collections")
    return {kind: {item.name for item in getattr(bpy.data, kind)} for kind in kinds}


@pytest.mark.parametrize("choice", list(displacement.CHOICES))
def test_the_usual_names_and_what_is_in_them(tmp_path, choice):
    made = build(choice)
    before = datablocks()
    paths = map_set.save(made, tmp_path / "new" / "maps", "waves")
    assert datablocks() == before
    assert sorted(path.name for path in (tmp_path / "new" / "maps").iterdir()) == sorted(
        f"waves_{name}"
        for name in (
            "basecolor.png",
            "height.exr",
            "normal.png",
            "normal_dx.png",
            "ao.png",
            "curvature.png",
            "maps.json",
        )
    )
    image, depth = waves()
    image[:, :, 0], image[:12] = 200, 30
    assert np.array_equal(pictures.read_image(paths["basecolor.png"]), image)
    height = (depth.max() - depth) / np.ptp(depth)
    stored = bpy.data.images.load(str(paths["height.exr"]))
    np.testing.assert_allclose(pictures.pixels(stored)[..., 0], height, atol=1e-6)
    assert stored.is_float
    # Slopes of the mesh that is seen: 0.2 high on a tile of 2 m.
    x, y = (np.arange(48) / 48)[None, :], (np.arange(48) / 48)[:, None]
    a, b = 2 * np.pi * (x + 2 * y), 2 * np.pi * (3 * x - y)
    across = 0.25 * 2 * np.pi * (np.cos(a) - 3 * np.sin(b)) * 0.2 / 2 / np.ptp(depth) * 0.4
    down = 0.25 * 2 * np.pi * (2 * np.cos(a) + np.sin(b)) * 0.2 / 2 / np.ptp(depth) * 0.4
    for name, sign in (("normal.png", 1.0), ("normal_dx.png", -1.0)):
        picture = bpy.data.images.load(str(paths[name]))
        picture.colorspace_settings.name = "Non-Color"
        normal = pictures.pixels(picture)[..., :3] * 2 - 1
        np.testing.assert_allclose(normal[..., 0] / normal[..., 2], -across, atol=0.01)
        np.testing.assert_allclose(normal[..., 1] / normal[..., 2], sign * down, atol=0.01)
        assert picture.depth >= 48, "16 bits a channel: 8 show as steps in reflections"
    light = pictures.read_image(paths["ao.png"])
    assert light.min() < 240 and light.max() > 230
    described = json.loads(paths["maps.json"].read_text())
    assert described["maps"]["height_m"] == pytest.approx(0.2) and described["maps"]["tile_width_m"] == 2.0
    assert described["request"]["prompt"] == "waves"


def test_the_maps_follow_the_strength_as_it_is_now(tmp_path):
    made = build()
    made.modifiers["Depthwright Displacement"].strength = 0.0
    paths = map_set.save(made, tmp_path, "flat")
    assert json.loads(paths["maps.json"].read_text())["maps"]["height_m"] == 0.0
    assert pictures.read_image(paths["ao.png"]).min() == 255


def test_after_saving_and_opening_the_file(tmp_path):
    build("bump")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    (made,) = bpy.data.objects
    assert map_set.has_maps(made)
    assert len(map_set.save(made, tmp_path, "again")) == 7


def test_whole_or_not_at_all(tmp_path, monkeypatch):
    made = build()
    map_set.save(made, tmp_path, "a")
    old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_args):
        raise OSError("disk full")

    monkeypatch.setattr(map_set.maps, "curvature", full)
    made.modifiers["Depthwright Displacement"].strength = 0.5
    with pytest.raises(InputError, match="cannot be written"):
        map_set.save(made, tmp_path, "a")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == old
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError):
        map_set.save(made, tmp_path / "file", "a")


def test_an_object_without_our_material_is_refused(tmp_path):
    bpy.ops.mesh.primitive_cube_add()
    for refuse in (lambda: map_set.save(bpy.context.object, tmp_path, "a"), lambda: asset.mark(bpy.context, None)):
        with pytest.raises(InputError):
            refuse()
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("prompt", "name"), [("mossy brick wall", "mossy_brick_wall"), ("../a b: ü", "a_b_ü"), ("??", "depthwright")]
)
def test_names_of_files(prompt, name):
    assert map_set.file_name(prompt) == name


@pytest.mark.slow
@pytest.mark.parametrize("choice", list(displacement.CHOICES))
def test_an_asset_is_what_carries_the_relief_and_has_a_picture(tmp_path, choice, monkeypatch):
    monkeypatch.setattr(asset, "_PREVIEW_SAMPLES", 1)
    made = build(choice)
    scene = bpy.context.scene
    before = datablocks()
    thing = asset.mark(bpy.context, made)
    assert thing == (made if choice == "modifier" else made.active_material)
    assert datablocks() == before and bpy.context.scene == scene and scene.camera is None
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "library.blend"))
    thing = (bpy.data.objects if choice == "modifier" else bpy.data.materials)[0]
    assert thing.asset_data.description == "waves" and "Depthwright" in thing.asset_data.tags
    size = tuple(thing.preview.image_size)
    picture = np.empty(4 * size[0] * size[1], np.float32)
    thing.preview.image_pixels_float.foreach_get(picture)
    assert size == (asset.PREVIEW_PX, asset.PREVIEW_PX)
    assert np.ptp(picture.reshape(*size, 4)[..., :3]) > 0.3
