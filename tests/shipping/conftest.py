"""The zip and the wheel are built once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import pack, wheel


@pytest.fixture(scope="session")
def extension_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack.build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def built_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel.build(tmp_path_factory.mktemp("wheel"))
