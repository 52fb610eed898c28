"""A Blender that has never heard of Depthwright opens a file made with it, finds everything, and renders it.

BLEND  the file
ABOVE  if set, the result is seen from above, not by the camera of the file
"""

import json
import os
import warnings
from pathlib import Path

import bpy

warnings.simplefilter("default")
OUT = Path(os.environ["BLENDER_UI_DIR"])

assert not any("depthwright" in name for name in bpy.context.preferences.addons.keys())  # noqa: SIM118 (bpy collection)
bpy.ops.wm.open_mainfile(filepath=os.environ["BLEND"])
assert not hasattr(bpy.context.scene, "depthwright")
scene = bpy.context.scene
ours = ("depthwright", "depthwright_painting")
depthwright = [item for item in bpy.data.objects if item.type == "MESH" and any(key in item for key in ours)]
assert depthwright, "nothing in the file carries a request"
for image in bpy.data.images:
    if "depthwright" in image:
        assert image.packed_file and image.size[0] > 0, image.name
if os.environ.get("ABOVE"):
    from mathutils import Vector

    corners = [depthwright[0].matrix_world @ Vector(corner) for corner in depthwright[0].bound_box]
    centre = sum(corners, Vector()) / 8
    size = max((corner - centre).length for corner in corners)
    scene.camera.location = centre + Vector((0.5, -1.0, 1.1)).normalized() * size * 2.2
    scene.camera.rotation_euler = (centre - scene.camera.location).to_track_quat("-Z", "Y").to_euler()
    for item in bpy.data.objects:  # the default cube stands in the way
        item.hide_render = item.type == "MESH" and item not in depthwright
scene.render.engine = "CYCLES"
scene.cycles.samples = 8
scene.cycles.use_denoising = False
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 320, 180, 100
scene.render.filepath = str(OUT / "render.png")
bpy.ops.render.render(write_still=True)
picture = bpy.data.images.load(scene.render.filepath)
pixels = list(picture.pixels)
pink = sum(r > 0.95 and g < 0.05 and b > 0.95 for r, g, b in zip(pixels[0::4], pixels[1::4], pixels[2::4], strict=True))
mean = sum(pixels[0::4]) / len(pixels[0::4])
spread = (sum((value - mean) ** 2 for value in pixels[0::4]) / len(pixels[0::4])) ** 0.5
(OUT / "state.json").write_text(json.dumps({"pink_pixels": pink, "spread": spread, "objects": len(depthwright)}))
