"""The README's pictures, scaled down from what the demo made.

python docs/pictures.py demo
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

WIDTH_PX = 640
HERE = Path(__file__).resolve().parent / "pictures"
SHOWN = {
    "procedural-material": "render.png",
    "procedural-scene": "render.png",
    "builtin-material": "render.png",
    "builtin-scene": "render.png",
    "builtin-depth": "preview.png",
    "builtin-image": "preview.png",
}


def main() -> None:
    for name, file in SHOWN.items():
        picture = Image.open(Path(sys.argv[1]) / name / file).convert("RGB")
        size = (WIDTH_PX, round(picture.height * WIDTH_PX / picture.width))
        picture.resize(size, Image.Resampling.LANCZOS).save(HERE / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
