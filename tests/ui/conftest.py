"""The zip is built once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import pack


@pytest.fixture(scope="session")
def extension_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack.build(tmp_path_factory.mktemp("dist"))
