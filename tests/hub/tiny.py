"""A catalogue of tiny models, and their files. As a program: the engine's own command line with that catalogue."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from depthwright.engine import catalog
from depthwright.engine.catalog import actions, parts
from depthwright.tests.hub.server import safetensors

LICENSES = {
    "free": {"name": "Apache-2.0", "url": "https://example.org/free", "commercial": True, "forbids": ""},
    "strict": {"name": "CC BY-NC 4.0", "url": "https://example.org/nc", "commercial": False, "forbids": "Selling it."},
}
REPOSITORY, TEXT, INDEX = "somebody/tiny", "somebody/text", "model.safetensors.index.json"
#: Of a language model of which two layers are read: which tensor is in which file.
DEEP = {
    "model.embed_tokens.weight": "a.safetensors",
    "model.layers.0.mlp.weight": "a.safetensors",
    "model.layers.1.mlp.weight": "b.safetensors",
    "model.layers.2.mlp.weight": "b.safetensors",
    "model.layers.3.mlp.weight": "c.safetensors",
    "model.layers.10.mlp.weight": "c.safetensors",
    "model.norm.weight": "c.safetensors",
    "lm_head.weight": "d.safetensors",
}


def files(large_bytes: int = 30_000) -> dict[str, bytes]:
    """What the hub serves: "owner/name/path" -> content."""
    return {
        f"{REPOSITORY}/config.json": json.dumps({"variant": "tiny_v1"}).encode(),
        f"{REPOSITORY}/model.safetensors": safetensors(large_bytes),
        f"{TEXT}/config.json": b"{}",
        f"{TEXT}/weights/model.safetensors": safetensors(2000, seed=1),
        **{f"{TEXT}-deep/{name}.safetensors": safetensors(3000 + seed, seed) for seed, name in enumerate("abcd")},
        f"{TEXT}-deep/{INDEX}": json.dumps({"weight_map": DEEP}).encode(),
        f"{TEXT}-8bit/config.json": b"{}",
        f"{TEXT}-8bit/small.safetensors": safetensors(1500, seed=2),
    }


def catalogue(known: dict[str, tuple[int | None, str | None]] | None = None) -> dict:
    """models.json of one model "tiny", of two parts; known: path -> size and SHA-256 as the catalogue has them."""

    def part(key: str, repository: str, license_id: str, *paths: str, **more) -> dict:
        listed = [{"path": p, "size": (known or {}).get(p, (None,))[0], "about": 1000} for p in paths]
        for entry in listed:
            entry["sha256"] = (known or {}).get(entry["path"], (None, None))[1]
        values = {"id": key, "label": f"The part {key}", "repository": repository, "revision": "main"}
        return {**values, "license": license_id, "files": listed, **more}

    return {
        "licenses": LICENSES,
        "parts": [
            part("tiny-net", REPOSITORY, "strict", "config.json", "model.safetensors", variants=["tiny_v1"]),
            part("text", TEXT, "free", "config.json", "weights/model.safetensors"),
            part("text-8bit", f"{TEXT}-8bit", "free", "config.json", "small.safetensors"),
            part("deep", f"{TEXT}-deep", "free", INDEX, *(f"{name}.safetensors" for name in "abcd"), layers=2),
        ],
        "models": [
            {
                **{"id": "tiny", "label": "Tiny", "description": "For tests.", "backend": "modality_forcing"},
                **{"modes": ["joint"], "targets": ["scene"], "license": "CC BY-NC 4.0", "license_note": "Not to sell."},
                **{"needs_torch": True, "native_px": 64, "default_size_px": 64, "default_steps": 1},
                **{"default_guidance": 1.0},
                "parts": {"transformer": ["tiny-net"], "text_encoder": ["text", "text-8bit", "deep"]},
            }
        ],
    }


def use(monkeypatch: pytest.MonkeyPatch, folder: Path, known: dict | None = None) -> None:
    """Make it the product's catalogue; clear() when the test is over."""
    file = folder / "models.json"
    file.write_text(json.dumps(catalogue(known)), encoding="utf-8")
    monkeypatch.setattr(parts, "DATA_FILE", file)
    clear()


def clear() -> None:
    """Forget the catalogue: the next who asks reads it anew."""
    for cached in (parts.data, parts.parts, catalog.models):
        cached.cache_clear()


def perform(action: str, options: dict, said: list | None = None) -> dict:
    """actions.perform, with what it reports in ``said``."""
    return actions.perform(action, options, lambda *words: said.append(words) if said is not None else None)


if __name__ == "__main__":
    from depthwright.engine import __main__

    parts.DATA_FILE = Path(os.environ["TINY_CATALOGUE"])
    sys.exit(__main__.main())
