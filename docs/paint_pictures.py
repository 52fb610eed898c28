"""Texture painting with the model that ships: Suzanne and a house, six views, two prompts each, rendered.

python docs/paint_pictures.py --out demo/paint
Every line it prints can be typed by hand. With --keep the renders replace those in docs/pictures.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from pathlib import Path

DEPTHWRIGHT = Path(sys.executable).with_name("depthwright")
PICTURES = Path(__file__).resolve().parent / "pictures"

#: Name of the picture -> file, objects, prompt and views.
PAINTED = {
    "paint-house-brick": ("house.blend", "House", "red brick wall", "auto:6"),
    "paint-suzanne-wood": ("suzanne.blend", "Suzanne", "brown wood planks", "cube"),
    "paint-house-stone": ("house.blend", "House", "grey stone wall", "auto:6"),
    "paint-suzanne-ice": ("suzanne.blend", "Suzanne", "blue ice", "cube"),
}
SETTINGS = "--size 256 --steps 20 --texture-size 1024 --seed 1 --samples 16"
KEPT_PX, KEPT_COLOURS = 480, 192


def write_suzanne(path: Path) -> None:
    import bpy

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.mesh.primitive_monkey_add()
    thing = bpy.context.object
    thing.name = "Suzanne"
    thing.modifiers.new("Finer", "SUBSURF").render_levels = 2
    thing.data.shade_smooth()
    bpy.ops.wm.save_as_mainfile(filepath=str(path.absolute()))


def write_house(path: Path) -> None:
    """Walls under a roof with eaves, and a chimney, as one mesh without UVs."""
    import bpy

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    points, faces = [], []

    def prism(outline: list[tuple[float, float]], front: float, back: float) -> None:
        """An outline (x, z), anticlockwise as seen from the front, pulled from front to back."""
        first, count = len(points), len(outline)
        points.extend((x, y, z) for y in (front, back) for x, z in outline)
        faces.append(tuple(range(first, first + count)))
        faces.append(tuple(reversed(range(first + count, first + 2 * count))))
        for here in range(count):
            there = (here + 1) % count
            faces.append((first + there, first + here, first + count + here, first + count + there))

    eaves = [(-1.0, 0.0), (1.0, 0.0), (1.0, 1.1), (1.22, 1.0), (1.22, 1.12), (0.0, 2.1), (-1.22, 1.12), (-1.22, 1.0)]
    prism([*eaves, (-1.0, 1.1)], -1.3, 1.3)
    prism([(0.35, 1.5), (0.7, 1.5), (0.7, 2.4), (0.35, 2.4)], 0.3, 0.7)
    mesh = bpy.data.meshes.new("House")
    mesh.from_pydata(points, [], faces)
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("House", mesh))
    bpy.ops.wm.save_as_mainfile(filepath=str(path.absolute()))


def keep(render: Path, name: str) -> None:
    """Scaled down and with fewer colours, so that the repository stays small."""
    from PIL import Image

    picture = Image.open(render).convert("RGB")
    picture = picture.resize((KEPT_PX, round(picture.height * KEPT_PX / picture.width)), Image.Resampling.LANCZOS)
    picture.quantize(KEPT_COLOURS).save(PICTURES / f"{name}.png", optimize=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("demo/paint"))
    parser.add_argument("--keep", action="store_true", help="put the renders into docs/pictures")
    parser.add_argument("--only", help="a part of a picture's name")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    write_suzanne(args.out / "suzanne.blend")
    write_house(args.out / "house.blend")
    failed = 0
    for name, (file, thing, prompt, views) in PAINTED.items():
        if args.only and args.only not in name:
            continue
        made = args.out / name
        words = (
            f"paint --blend {shlex.quote(str(args.out / file))} --object {thing} --prompt '{prompt}' --views {views}"
            f" {SETTINGS} --out {shlex.quote(f'{made}.blend')} --render {shlex.quote(f'{made}.png')}"
        )
        print(f"\ndepthwright {words}", flush=True)
        started = time.monotonic()
        status = subprocess.run([DEPTHWRIGHT, *shlex.split(words)], check=False).returncode
        print(f"{time.monotonic() - started:.1f} s{', FAILED' if status else ''}", flush=True)
        failed += status != 0
        if args.keep and not status:
            keep(args.out / f"{name}.png", name)
    sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    import os

    os._exit(main())  # Blender as a module may hang while the interpreter ends
