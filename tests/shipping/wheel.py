"""Builds the wheel from exactly the files git knows, without a network.

Not from the working folder itself: setuptools leaves a build folder there, and what was deleted since stays in it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from . import pack


def build(output_dir: Path, root: Path = pack.ROOT) -> Path:
    """Build the wheel in ``output_dir`` (made if missing); its path. PackError where it cannot be built."""
    output_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        clean, built = Path(folder, "depthwright"), Path(folder, "built")
        pack.export(clean, root)
        offline = ["--no-build-isolation", "--no-deps", "--no-index", "--disable-pip-version-check"]
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", *offline, "--wheel-dir", built, clean]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise pack.PackError(f"pip wheel ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        (made,) = built.glob("*.whl")
        return Path(shutil.move(made, output_dir / made.name))
