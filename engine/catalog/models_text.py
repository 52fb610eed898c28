"""The words of ``models`` on a command line, for Depthwright's own and the engine's: options in, text out."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from . import find
from .actions import license_lines

Record = dict[str, Any]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The actions of ``models``; without one it lists."""
    parser.set_defaults(model=None, json=False, quiet=False)
    _add_talk(parser)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")

    def action(name: str, summary: str) -> argparse.ArgumentParser:
        added = actions.add_parser(name, help=summary, description=f"{summary[:1].upper()}{summary[1:]}.")
        _add_talk(added)
        return added

    action("list", "which models there are, their licences, and what of them is here")
    download = action("download", "bring a model's files here; goes on where it was stopped")
    download.add_argument("model", metavar="ID")
    download.add_argument(
        "--accept-licence",
        "--accept-license",
        dest="accepted",
        action="store_true",
        help="you have read the licences and agree to what they forbid",
    )
    download.add_argument(
        "--part", type=_wish, action="append", metavar="ROLE=PART", help="for example: text_encoder=qwen3-8b-fp8"
    )
    download.add_argument("--repair", action="store_true", help="check what is here, bring anew what is damaged")
    action("verify", "check a model's files: by their hashes where these are known").add_argument("model", metavar="ID")
    action("where", "the folders of a model's parts").add_argument("model", metavar="ID")
    importing = action("import", "use files that you have: nothing is copied")
    importing.add_argument("folder", type=Path, metavar="DIR", help="as in the repository, or with such folders in it")
    importing.add_argument("--model", metavar="ID", help="look for this model's parts alone")


def options_of(args: argparse.Namespace) -> tuple[str, Record]:
    """Action and options for actions.perform."""
    if args.action == "import":
        return "import", {"folder": str(args.folder.expanduser().absolute()), "model": args.model}
    if args.action == "download":
        return "download", {
            "model": args.model,
            "parts": dict(args.part or ()),
            "accepted": args.accepted,
            "repair": args.repair,
        }
    return ("verify" if args.action == "verify" else "list"), {"model": args.model}


def before(args: argparse.Namespace) -> list[str]:
    """What has to be said before the action begins: the licences."""
    return license_lines(find(args.model)) if args.action == "download" else []


def text(args: argparse.Namespace, record: Record) -> str:
    """The outcome, for stdout."""
    if args.json:
        return json.dumps(record)
    if args.action == "import":
        return "\n".join(f"{part}: {folder}" for part, folder in record["imported"].items())
    if args.action == "where":
        return "\n".join(_where(record["models"][0]))
    if args.action == "verify":
        return "\n".join(_verified(record))
    if args.action == "download":
        return "\n".join(slot["folder"] for slot in record["parts"])
    return "\n".join(
        f"{model['id']:<18}{' '.join(model['modes']):<16}{_state(model):<22}{model['license']:<20}{model['label']}"
        for model in record["models"]
    )


def gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{max(count, 0) / 1e6:.0f} MB"


def _add_talk(parser: argparse.ArgumentParser) -> None:
    # Without a default of their own, which would undo what stands in front of the action.
    for name, what in (("--json", "print the outcome as one line of JSON"), ("--quiet", "no progress, only errors")):
        parser.add_argument(name, action="store_true", default=argparse.SUPPRESS, help=what)


def _state(model: Record) -> str:
    if not model["parts"]:
        return "part of Depthwright"
    if model["ready"]:
        return f"here ({gigabytes(model['present_bytes'])})"
    if model["present_bytes"]:
        return f"{gigabytes(model['present_bytes'])} of {gigabytes(model['bytes'])}"
    return f"to download: {gigabytes(model['bytes'])}"


def _where(model: Record) -> list[str]:
    lines = [f"{slot['role']}: {slot['folder'] or 'not here'}" for slot in model["parts"]]
    return lines or [model["folder"] or "in Depthwright itself: it has no files"]


def _verified(record: Record) -> list[str]:
    known = {"hash": "hash", "header": "header and length (no hash is known)", "size": "size (no hash is known)"}
    lines = [
        f"{item['path']}: {known.get(item['by'], 'there')}" for slot in record["parts"] for item in slot["findings"]
    ]
    return lines or ["part of Depthwright"]


def _wish(value: str) -> tuple[str, str]:
    role, equals, part = value.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"'{value}' is no ROLE=PART")
    return role, part
