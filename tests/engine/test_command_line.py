"""The command line where Blender's module cannot be loaded."""

import subprocess
import sys

WITHOUT_BPY = """
import sys
sys.modules["bpy"] = None  # import bpy: ImportError
from depthwright.operators.headless.entry import run
sys.exit(run(sys.argv[1:]))
"""


def depthwright(*arguments):
    return subprocess.run([sys.executable, "-c", WITHOUT_BPY, *arguments], capture_output=True, text=True, timeout=60)


def test_it_says_which_libraries_to_install(tmp_path):
    done = depthwright("generate", "--prompt", "brick wall", "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert "libxi6" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_help_and_mistakes_need_no_blender():
    assert depthwright("--help").returncode == 0
    assert depthwright("generate", "--prompt").returncode == 2
