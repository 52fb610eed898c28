"""Run every benchmark and print a table: what, how long, and how much that is of its yardstick."""

from __future__ import annotations

import itertools
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import torch
from relievo.engine import catalog
from relievo.engine.builtin import procedural
from relievo.engine.client import EngineClient
from relievo.engine.environment import find_worker_command
from relievo.engine.geometry import camera, mesh
from relievo.engine.model.bundle import load_small
from relievo.engine.model.transformer import token_ids
from relievo.engine.pipeline import Pipeline
from relievo.engine.request import Request
from relievo.scene import live_scene, scene_mesh

from . import paint

REPEATS = 3


def best_of(work: Callable[[], object]) -> float:
    """Seconds of the fastest of some runs, after one that does not count."""
    work()
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def row(what: str, seconds: float, yardstick: str, yardstick_s: float) -> None:
    print(f"| {what} | {seconds * 1e3:.1f} ms | {seconds / yardstick_s:.2f} x {yardstick} |", flush=True)


def transformer_against_matrix_products() -> None:
    """One denoiser call of the built-in model against bare products of the sizes of its linear layers."""
    model = load_small(catalog.find("builtin").checkpoint_dir)
    side = model.config.native_px // model.config.refinement.patch_px
    tokens, batch = side * side, 2
    ctx = model.text.encode(["red brick wall", ""])
    inputs = {
        "img": torch.randn(batch, tokens, model.image_codec.channels),
        "depth": torch.randn(batch, tokens, model.depth_codec.channels),
        "ctx": ctx,
        "timesteps": torch.full((batch,), 0.5),
        "depth_timesteps": torch.full((batch,), 0.5),
        **token_ids(batch, ctx.shape[1], (side, side)),
    }
    hidden, config = model.config.transformer.hidden_size, model.config.transformer
    length = batch * (2 * tokens + ctx.shape[1])
    x, weight = torch.randn(length, hidden), torch.randn(hidden, 13 * hidden)  # 13 D^2 parameters a layer and token
    layers = config.depth_double + config.depth_single + config.depth_decoder_num_layers // 2
    with torch.inference_mode():
        call_s = best_of(lambda: model.dit(**inputs))
        products_s = best_of(lambda: [x @ weight for _ in range(layers)])
    row("built-in model, one guided step at its own size", call_s, "its matrix products alone", products_s)


def procedural_against_its_size() -> None:
    small_s = best_of(lambda: procedural.generate("mossy brick wall", "material", 0, 512, 512))
    large_s = best_of(lambda: procedural.generate("mossy brick wall", "material", 0, 1024, 1024))
    row("procedural material, 1024 x 1024", large_s, "512 x 512 (pixels: 4 x)", small_s)


def worker_against_calling_directly() -> None:
    request = catalog.resolve(Request(prompt="brick wall", width_px=512, height_px=512))
    pipeline = Pipeline()
    direct_s = best_of(lambda: pipeline.run(request, {}, lambda *_: None))
    with tempfile.TemporaryDirectory() as folder:
        client = EngineClient(find_worker_command("", None, False), Path(folder) / "worker.log")
        try:
            worker_s = best_of(lambda: client.submit(request).wait())
        finally:
            client.close()
    row("procedural 512 x 512 by way of the worker", worker_s, "the same in-process", direct_s)


def mesh_against_reading_its_depth() -> None:
    sample = procedural.generate("three boxes on grass", "scene", 0, 1024, 1024)
    intrinsics = camera.Intrinsics.from_fov(1024, 1024, math.radians(50.0))
    copy_s = best_of(sample.depth.copy)
    row("grid mesh of 1024 x 1024", best_of(lambda: mesh.build(sample.depth, intrinsics)), "copying its depth", copy_s)


def live_scene_against_bare_arrays() -> None:
    """A textured live scene in Blender, and one turn of its field of view, against handing over its arrays alone."""
    sample = procedural.generate("three boxes on grass", "scene", 0, 1024, 1024, fov_deg=50.0)
    bpy.ops.wm.read_factory_settings(use_empty=True)

    def build() -> bpy.types.Object:
        return scene_mesh.build(bpy.context, sample.image, sample.depth, {}, name="Bench", fov_deg=50.0)

    made = build()
    arrays = [
        (item.data, field, np.zeros(len(item.data) * width, dtype))
        for item, field, width, dtype in (
            (made.data.attributes["position"], "vector", 3, np.float32),
            (made.data.attributes["relievo_ray"], "vector", 3, np.float32),
            (made.data.attributes["relievo_depth"], "value", 1, np.float32),
            (made.data.attributes[".corner_vert"], "value", 1, np.int32),
        )
    ]
    for data, field, values in arrays:
        data.foreach_get(field, values)
    bare_s = best_of(lambda: [data.foreach_set(field, values) for data, field, values in arrays])

    angles = itertools.cycle((0.8, 0.9, 1.0))

    def turn() -> None:
        live_scene.put(live_scene.of(made), {"Field of View": next(angles)})
        bpy.context.view_layer.update()

    turn_s = best_of(turn)
    row("live scene of 1024 x 1024, built", best_of(build), "foreach_set of its main arrays", bare_s)
    row("the same, its field of view turned", turn_s, "foreach_set of its main arrays", bare_s)


if __name__ == "__main__":
    print("| what | time | ratio |\n|---|---|---|")
    procedural_against_its_size()
    mesh_against_reading_its_depth()
    worker_against_calling_directly()
    transformer_against_matrix_products()
    live_scene_against_bare_arrays()
    paint.bake_against_blenders_own(best_of, row)
    sys.stdout.flush()
    os._exit(0)  # Blender's module may hang when it is torn down
