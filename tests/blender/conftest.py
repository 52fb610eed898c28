"""One Blender a pytest process: reset between tests, and left by the back door at the end."""

from __future__ import annotations

import os
import sys

import bpy
import pytest

_exit_status = 0


@pytest.fixture(autouse=True)
def empty_file():
    bpy.ops.wm.read_factory_settings(use_empty=True)


def pytest_sessionfinish(session, exitstatus):
    global _exit_status
    _exit_status = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    # Blender as a module may hang for ever while the interpreter ends, if anything is registered still.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_exit_status)
