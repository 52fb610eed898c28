"""How a scene's modifier starts, as the command line says."""

from __future__ import annotations

import argparse
from dataclasses import fields

from ...scene.live.modifier import LiveSettings

#: As the parser calls them.
OPTIONS = (*(field.name for field in fields(LiveSettings) if field.name != "back_fill"), "no_back_fill")


def settings(args: argparse.Namespace) -> LiveSettings:
    """The options that were given; the others as the modifier has them anyway. InputError for one out of range."""
    given = {field.name: getattr(args, field.name, None) for field in fields(LiveSettings)}
    given["back_fill"] = not args.no_back_fill
    live = LiveSettings(**{name: value for name, value in given.items() if value is not None})
    live.check()
    return live
