"""``engine`` on a command line: install, status, test, remove, builds. Words in, text out."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...catalog import builds
from ...catalog.builds import Machine
from ...catalog.models_text import gigabytes
from ...contract.errors import EngineError, InputError
from .. import environment
from . import proof
from .home import Home
from .installation import Installation, Prove, Source
from .machine import this_machine
from .state import state_of

Report = Callable[[str, int, int], None]
Record = dict[str, Any]


def add_options(parser: argparse.ArgumentParser, whole: bool = True) -> None:
    """The actions of ``engine``. whole: also those that install; a workstation's own Python has none."""
    parser.set_defaults(json=False, quiet=False)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, summary: str) -> argparse.ArgumentParser:
        added = actions.add_parser(name, help=summary, description=f"{summary[:1].upper()}{summary[1:]}.")
        add_talk(added)
        return added

    action("status", "whether there is an engine, and what its last test found; exit status 0 in every state")
    action("test", "start the engine, compute on its device, make a small picture")
    if not whole:
        return
    install = action("install", "bring PyTorch and what else the neural models need; repairs and updates too")
    install.add_argument(
        "--build", metavar="ID", help="the build of PyTorch; default: the one for this computer's card"
    )
    install.add_argument("--wheels", metavar="DIR", help="take everything from a folder, uv's wheel too: no network")
    install.add_argument("--python", default="", metavar="P", help="a Python to begin with; default: one that is here")
    install.add_argument("--index", default="", metavar="URL", help="a mirror, instead of every other place")
    action("remove", "remove the engine, its downloads and its Python; models stay")
    listing = action("builds", "which builds of PyTorch there are, and which one this computer gets")
    listing.add_argument("--for", dest="machine", type=Path, metavar="FILE", help="a computer described in JSON")


def add_talk(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the outcome as one line of JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress, only errors")


def run(args: argparse.Namespace, home: Home, setting: str, online: bool, report: Report) -> str:
    """Do it; the outcome, for stdout. setting: the engine preference. EngineError."""
    record, text = {
        **{"status": _status, "test": _test, "remove": _remove, "builds": _builds},
        "install": _install,
    }[args.action](args, home, setting, online, report)
    return json.dumps(record) if args.json else text


def install(home: Home, build: str, source: Source, report: Report, prove: Prove = proof.prove_python) -> Record:
    """The whole of it, where nobody else uses the engine; its proof. build: an id, or empty for this computer's."""
    chosen = chosen_build(home, build)
    with Installation(home, chosen, source, prove) as installation:
        installation.build(report)
        installation.put_in_place()
    installation.wait_until_discarded()
    record = home.record
    assert record is not None  # it was put in place
    return record.proof


def chosen_build(home: Home, build: str = "") -> builds.Build:
    """By its id, else the one that is installed, else the one for this computer's cards. EngineError where none is."""
    machine = this_machine()
    if build:
        return builds.find_build(build, machine)
    choice = builds.choose(machine)
    record = home.record
    if choice.build is None:
        raise EngineError(choice.sentence, choice.advice)
    if record is not None and any(known.id == record.build for known in builds.all_builds()):
        return builds.find_build(record.build, machine)
    return choice.build


def _install(args: argparse.Namespace, home: Home, setting: str, online: bool, report: Report) -> tuple[Record, str]:
    found = install(home, args.build or "", Source.of(args.wheels or "", args.python, args.index, online), report)
    notes = ["The engine setting goes before it: clear it to use what was installed."] if setting else []
    record = state_of(home).to_dict() | {"notes": notes}
    return record, "\n".join([str(home.python), proof.sentence(found), *notes])


def _status(args: argparse.Namespace, home: Home, setting: str, online: bool, report: Report) -> tuple[Record, str]:
    state = state_of(home, setting, thorough=True)
    size = home.size_bytes()
    record = state.to_dict() | {"size_bytes": size}
    lines = [state.sentence, *([state.detail] if state.detail else [])]
    if size:
        lines.append(f"{state.folder}: {gigabytes(size)}")
    if state.proof:
        lines.append(f"Tested {state.proof['when']}: {proof.sentence(state.proof)}")
    return record, "\n".join(lines)


def _test(args: argparse.Namespace, home: Home, setting: str, online: bool, report: Report) -> tuple[Record, str]:
    found = test(home, setting, report)
    return found, proof.sentence(found)


def test(home: Home, setting: str, report: Report) -> Record:
    """Prove the engine that would be used, and keep what was found. EngineError where it does not work."""
    state = state_of(home, setting, thorough=True)
    if state.word == "repair":
        raise EngineError(
            f"{state.sentence} {state.detail}.", "Install the engine again: it is repaired.", state.folder
        )
    command = environment.find_worker_command(setting, home.environment, True)
    found = proof.prove_command(command, report, state.build, remote=state.word == "remote")
    if state.word in ("ready", "other"):
        home.note_proof(found)
    return found


def _remove(args: argparse.Namespace, home: Home, setting: str, online: bool, report: Report) -> tuple[Record, str]:
    size = home.size_bytes()
    report("removing the engine", 0, 0)
    home.remove()
    return {"removed_bytes": size, "folder": str(home.folder)}, f"{home.folder}: {gigabytes(size)} removed"


def _builds(args: argparse.Namespace, home: Home, setting: str, online: bool, report: Report) -> tuple[Record, str]:
    machine = this_machine() if args.machine is None else _described(args.machine)
    choice = builds.choose(machine)
    listed = builds.builds_for(machine.system, machine.architecture)
    record = choice.to_dict() | {"builds": [build.to_dict() for build in listed]}
    lines = [choice.sentence, *([choice.advice] if choice.advice else [])]
    for build in listed:
        mark = "*" if build == choice.build else " "
        lines.append(f"{mark} {build.id:<14}{build.label:<32}{build.download:>14}  {build.serves}")
    return record, "\n".join(lines)


def _described(path: Path) -> Machine:
    try:
        return Machine.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"'{path}' cannot be read.", "Give a file that describes a computer.", str(error)) from error
    except ValueError as error:
        raise InputError(f"'{path}' is no JSON.", "Give a file that describes a computer.", str(error)) from error
