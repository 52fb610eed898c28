"""Prompts that were understood in full before the words grew keep their pictures and depths, bit for bit.

Libraries compute sines and powers a little differently on other processors. So the fixture also holds the bits of a
probe that is none of our code: where the probe is the same, the pictures are held to their bits, else to small copies.

python tests/engine/builtin/test_kept_pictures.py writes the fixture anew: only for pictures that are meant to change.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from depthwright.engine.builtin.procedural import generate

FIXTURE = Path(__file__).with_name("kept_pictures.json")
SMALL = 6  # cells a side of the small copies
# prompt, target, seed, width and height in pixels
KEPT = (
    ("red brick wall", "material", 0, 128, 128),
    ("large white brick wall", "material", 1, 96, 160),
    ("rough mossy brown brick wall", "material", 2, 128, 128),
    ("old wet scarlet bricks", "material", 3, 64, 64),
    ("small grey cobblestones", "material", 4, 128, 96),
    ("wet mossy cobbles", "material", 5, 128, 128),
    ("brown wood planks", "material", 6, 160, 112),
    ("narrow old wooden planks", "material", 7, 128, 128),
    ("blue ceramic tiles", "material", 8, 96, 96),
    ("black and white checkered tiles", "material", 9, 128, 128),
    ("green hexagon tiles", "material", 10, 128, 128),
    ("grey roof shingles", "material", 11, 128, 128),
    ("red fish scale shingles", "material", 12, 112, 64),
    ("tan sand dunes", "material", 13, 128, 128),
    ("brown cracked earth", "material", 14, 128, 128),
    ("coarse grey gravel", "material", 15, 128, 128),
    ("grey rock cliff", "material", 16, 200, 120),
    ("layered brown rock", "material", 17, 128, 128),
    ("large grey moon craters", "material", 18, 128, 128),
    ("glowing orange lava", "material", 19, 128, 128),
    ("cracked cyan ice", "material", 20, 128, 128),
    ("blue corrugated metal", "material", 21, 128, 128),
    ("rusty grey corrugated metal", "material", 22, 128, 64),
    ("grey diamond plate", "material", 23, 128, 128),
    ("fine purple woven fabric", "material", 24, 128, 128),
    ("tiny green leaves", "material", 25, 128, 128),
    ("orange foliage", "material", 26, 96, 96),
    ("mossy stone wall", "material", 27, 128, 128),
    ("green grass", "material", 28, 96, 96),
    ("moss", "material", 29, 128, 128),
    ("brown bark", "material", 30, 128, 128),
    ("snow", "material", 31, 128, 128),
    ("brown leather", "material", 32, 128, 128),
    ("white marble", "material", 33, 128, 128),
    ("cracked grey concrete", "material", 34, 128, 128),
    ("snowy mountains terrain", "material", 35, 128, 128),
    ("islands terrain in blue water", "material", 36, 256, 256),
    ("green hills under blue sky", "scene", 37, 160, 120),
    ("snowy mountains under sunset sky", "scene", 38, 128, 128),
    ("desert floor to the horizon", "scene", 39, 128, 96),
    ("brown wooden floor to the horizon at night", "scene", 40, 96, 96),
    ("mossy cobblestones to the horizon", "scene", 41, 96, 96),
    ("long corridor with grey walls and brown wooden floor", "scene", 42, 128, 128),
    ("dark corridor with red brick walls", "scene", 43, 96, 128),
    ("two red boxes on grass floor under blue sky", "scene", 44, 128, 128),
    ("four small blue spheres on checkered floor", "scene", 45, 160, 90),
    ("room with white walls and wooden floor", "scene", 46, 128, 128),
    ("small room with blue walls, a window, a door and two yellow boxes", "scene", 47, 128, 96),
    ("street with tall buildings under blue sky", "scene", 48, 128, 128),
    ("narrow cobbled street with red brick houses at dusk", "scene", 49, 96, 128),
)


def bits(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]


def probe() -> str:
    """What this processor and this numpy make of the functions that pictures are made with."""
    values = np.random.default_rng(7).random((64, 65)).astype(np.float32)
    spectrum = np.fft.rfft2(values).astype(np.complex64)
    made = (np.sin(9 * values), np.tanh(values), np.exp(-values), values**1.7, np.log(values + 1), np.sqrt(values))
    return bits(np.fft.irfft2(spectrum, s=values.shape), *made, values @ values.T)


def small(values: np.ndarray) -> np.ndarray:
    """(H, W) or (H, W, C): the means of SMALL x SMALL parts."""
    rows, columns = (np.linspace(0, side, SMALL + 1).astype(int)[:-1] for side in values.shape[:2])
    sums = np.add.reduceat(np.add.reduceat(values.astype(np.float64), rows, 0), columns, 1)
    ones = np.ones(values.shape[:2])
    counts = np.add.reduceat(np.add.reduceat(ones, rows, 0), columns, 1)
    return sums / counts.reshape(counts.shape + (1,) * (values.ndim - 2))


def look(prompt: str, target: str, seed: int, width: int, height: int) -> dict:
    sample = generate(prompt, target, seed, width, height)
    assert not sample.notes and not sample.unknown_words, f"{prompt!r} is not understood in full"
    return {
        "bits": bits(sample.image, sample.depth),
        "image": small(sample.image).round(2).ravel().tolist(),
        "disparity": small(1 / sample.depth).round(5).ravel().tolist(),
    }


@pytest.fixture(scope="module")
def kept() -> dict:
    return json.loads(FIXTURE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("asked", KEPT, ids=[f"{number} {asked[0]}" for number, asked in enumerate(KEPT)])
def test_prompts_understood_before_keep_their_pictures(asked, kept):
    wanted, found = kept["pictures"][KEPT.index(asked)], look(*asked)
    assert wanted["prompt"] == asked[0]
    if kept["probe"] == probe():
        assert found["bits"] == wanted["bits"]
    assert np.abs(np.subtract(found["image"], wanted["image"])).max() < 1
    assert np.allclose(found["disparity"], wanted["disparity"], rtol=2e-3, atol=1e-4)


def test_there_are_fifty():
    assert len(KEPT) == 50 == len({asked[0] for asked in KEPT})


def main() -> None:
    pictures = [{"prompt": asked[0], **look(*asked)} for asked in KEPT]
    lines = ",\n".join(json.dumps(picture) for picture in pictures)
    FIXTURE.write_text(f'{{"probe": "{probe()}", "pictures": [\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
