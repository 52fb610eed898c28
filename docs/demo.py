"""The main job with the models that ship: what `make demo` runs. Every line it prints can be typed by hand.

python docs/demo.py --out demo
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

DEPTHWRIGHT = Path(sys.executable).with_name("depthwright")


class Part(NamedTuple):
    name: str  # of its folder under --out
    title: str
    arguments: str  # of depthwright; {out} is the demo's folder


PARTS = (
    Part(
        "procedural-material",
        "A material from a prompt, procedural",
        "generate --prompt 'mossy red brick wall' --seed 7 --size 1024"
        " --out {out}/procedural-material --render {out}/procedural-material/render.png",
    ),
    Part(
        "procedural-scene",
        "A scene from a prompt, procedural",
        "generate --prompt 'three red boxes on checkered floor under blue sky' --target scene --seed 3 --size 960x540"
        " --fov-deg 50 --out {out}/procedural-scene --render {out}/procedural-scene/render.png",
    ),
    Part(
        "builtin-material",
        "A material from a prompt, built-in neural model",
        "generate --prompt 'red brick wall' --model builtin --seed 1 --size 512"
        " --out {out}/builtin-material --render {out}/builtin-material/render.png",
    ),
    Part(
        "builtin-scene",
        "A scene from a prompt, built-in neural model",
        "generate --prompt 'green hills under blue sky' --target scene --model builtin --seed 1 --size 512x288"
        " --fov-deg 50 --out {out}/builtin-scene --render {out}/builtin-scene/render.png",
    ),
    Part(
        "builtin-depth",
        "Image to depth, built-in neural model",
        "depth --image {out}/procedural-scene/image.png --out {out}/builtin-depth",
    ),
    Part(
        "builtin-image",
        "Depth to image, built-in neural model",
        "image --depth {out}/procedural-material/depth.exr --prompt 'grey brick wall' --out {out}/builtin-image",
    ),
)


def run(part: Part, out: Path) -> tuple[float, bool]:
    """Seconds it took, and whether it was done."""
    shutil.rmtree(out / part.name, ignore_errors=True)
    arguments = part.arguments.format(out=shlex.quote(str(out)))
    print(f"\n{part.title}\n  depthwright {arguments}", flush=True)
    started = time.monotonic()
    done = subprocess.run([DEPTHWRIGHT, *shlex.split(arguments)], check=False).returncode == 0
    return time.monotonic() - started, done


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("demo"))
    out: Path = parser.parse_args().out
    outcomes = [(part, *run(part, out)) for part in PARTS]

    print("\nMade (seconds, Blender's start included):")
    for part, seconds, done in outcomes:
        print(f"  {seconds:6.1f} s  {out / part.name}{'' if done else '  FAILED'}")
    return 0 if all(done for *_, done in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
