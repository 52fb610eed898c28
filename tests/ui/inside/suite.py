"""tests/blender in a real Blender: other Python, other numpy, other Blender than the bpy wheel.

TESTS  the test files, separated by spaces; pytest lies in /mnt/pure, the package in /mnt/package/depthwright
"""

import json
import os
import sys
from pathlib import Path

sys.path[:0] = ["/mnt/pure", "/mnt/package"]

import bpy  # noqa: E402 (pytest lies where the lines above say)
import pytest  # noqa: E402

ROOT = "/mnt/package/depthwright"
os.chdir(ROOT)
sys.stdout.reconfigure(line_buffering=True)


class Ends:
    """Blender is left by the runner: tests/blender/conftest.py must not do it first, nor without a word."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter, exitstatus):
        state = {
            "status": int(exitstatus),
            "blender": bpy.app.version_string,
            "passed": len(terminalreporter.stats.get("passed", [])),
        }
        Path(os.environ["BLENDER_UI_DIR"], "state.json").write_text(json.dumps(state), encoding="utf-8")


# A deprecated call works today and fails the user of the next Blender.
options = ["-c", f"{ROOT}/pyproject.toml", "--rootdir", ROOT, "-p", "no:cacheprovider", "--tb=short"]
options += ["-o", "filterwarnings=error::DeprecationWarning"]
pytest.main([*options, *os.environ["TESTS"].split()], plugins=[Ends()])
