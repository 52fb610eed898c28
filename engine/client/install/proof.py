"""Proves an engine: its process starts, its device computes, and a small picture comes out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ... import catalog
from ...catalog.builds import Build, Machine, choose
from ...contract.errors import CardUnused, EngineError
from ...contract.protocol import Progress
from ...contract.request import Request
from ...contract.version import VERSION
from ..client import EngineClient
from ..environment import worker_command
from ..job import Job
from .home import now
from .machine import this_machine

PICTURE = Request(prompt="mossy brick wall", model="builtin", width_px=64, height_px=64, steps=4)
HELLO_S = 120.0  # the first start of a fresh engine: nothing of it is in the system's cache yet

#: report(stage, step, of): may raise, which stops it.
Report = Callable[[str, int, int], None]


def prove_python(python: Path, build: Build, report: Report) -> dict[str, Any]:
    """Of a new environment, made with that build. EngineError where it does not work."""
    return prove_command(worker_command(python), report, build.id)


def prove_command(command: list[str], report: Report, build: str = "", remote: bool = False) -> dict[str, Any]:
    """Of what that command starts. build: as check_card; remote: whose cards are not this computer's."""
    with tempfile.TemporaryDirectory(prefix="depthwright-proof-", ignore_cleanup_errors=True) as folder:
        client = EngineClient(command, Path(folder) / "engine.log", hello_timeout_s=HELLO_S)
        try:
            proof = prove(client, report)
            if not remote:
                check_card(proof, this_machine(), build)
            return proof
        finally:
            client.close()


def prove(client: EngineClient, report: Report) -> dict[str, Any]:
    """What worker.proof.prove says, with picture_seconds and when. EngineError where it does not work."""
    proof = _done(client.manage("prove"), report)
    if not isinstance(proof.get("device"), str):
        raise EngineError(
            "The engine does not know this test.", "Install the same version of Depthwright on both sides.", repr(proof)
        )
    result = _done(client.submit(catalog.resolve(PICTURE)), report)
    if result.image.shape != (64, 64, 3) or int(result.image.max()) == int(result.image.min()):
        raise EngineError("The engine's test picture is empty.", "Install the engine again.", str(result.image.shape))
    return {**proof, "picture_seconds": round(result.seconds, 3), "when": now()}


def check_card(proof: Mapping[str, Any], machine: Machine, build: str) -> None:
    """CardUnused where the engine computes on the processor though it could have a card of this computer.

    build  what the engine was made with; empty where Depthwright did not make it. Who chose the processor's gets it
    """
    choice = choose(machine)
    if proof["kind"] != "cpu" or choice.card is None or build == "cpu":
        return
    assert choice.build is not None  # a card is chosen with its build
    if build and choice.build.id == build:
        remedy = "Update its driver, restart the computer, then test again; or install the processor's build."
    else:
        remedy = f"Install the engine anew with the build {choice.build.id} ({choice.build.label})."
    raise CardUnused(
        f"A graphics card is there ({choice.card}), but this engine's PyTorch {proof['torch']} cannot use it.",
        remedy,
        choice.sentence,
    )


def sentence(proof: Mapping[str, Any]) -> str:
    """ "NVIDIA GeForce RTX 4070, 12 GB: PyTorch 2.13.0+cu130, bfloat16; a test picture took 0.4 s"."""
    memory = f", {proof['memory_bytes'] / 1e9:.0f} GB" if proof.get("memory_bytes") else ""
    there = proof.get("version", VERSION)
    unequal = (
        f". The engine is Depthwright {there}, this is {VERSION}: install the same on both" if there != VERSION else ""
    )
    return (
        f"{proof['device']}{memory}: PyTorch {proof['torch']}, {proof['precision']}; "
        f"a test picture took {proof['picture_seconds']:.1f} s{unequal}"
    )


def _done(job: Job, report: Report) -> Any:
    last = ("testing the engine", 0, 0)

    def passed(event: object) -> None:
        nonlocal last
        if isinstance(event, Progress):
            last = (f"testing: {event.stage}", event.step, event.of)
            report(*last)

    try:
        while True:
            try:
                return job.wait(passed, timeout_s=0.5)
            except TimeoutError:
                report(*last)  # may raise
    except BaseException:
        job.cancel()
        raise
