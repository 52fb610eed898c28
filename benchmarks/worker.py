"""The engine's process, spoken to over its pipe."""

from __future__ import annotations

import tempfile
from pathlib import Path

from depthwright.engine import catalog
from depthwright.engine.client.client import EngineClient
from depthwright.engine.client.environment import find_worker_command
from depthwright.engine.contract.request import Request
from depthwright.engine.worker.pipeline import Pipeline

from .measure import best_of, row


def run() -> None:
    worker_against_calling_directly()


def worker_against_calling_directly() -> None:
    request = catalog.resolve(Request(prompt="brick wall", width_px=512, height_px=512))
    pipeline = Pipeline()
    direct = best_of(lambda: pipeline.run(request, {}, lambda *_: None))
    with tempfile.TemporaryDirectory() as folder:
        client = EngineClient(find_worker_command("", None, False), Path(folder) / "worker.log")
        try:
            by_worker = best_of(lambda: client.submit(request).wait())
        finally:
            client.close()
    row("procedural 512 x 512 by way of the worker", by_worker, "the same in-process", direct)
