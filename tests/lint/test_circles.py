"""The check itself: what import-linter does not see is found."""

from __future__ import annotations

import sys

import circles
import grimp
import pytest


@pytest.fixture
def graph_of(tmp_path, monkeypatch):
    """A package of such files, module -> its text, as a graph."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def made(name: str, files: dict[str, str]) -> grimp.ImportGraph:
        for path, text in files.items():
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            (file.parent / "__init__.py").touch()
        (tmp_path / name / "__init__.py").touch()
        return grimp.build_graph(name, exclude_type_checking_imports=False, cache_dir=None)

    yield made
    for module in [module for module in sys.modules if module.startswith("house")]:
        del sys.modules[module]


def test_an_import_for_type_checking_closes_a_circle(graph_of):
    later = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import one\n"
    graph = graph_of("house_types", {"one.py": "from . import two\n", "two.py": later})
    assert set(circles.module_circle(graph)) == {"house_types.one", "house_types.two"}


def test_a_child_that_imports_its_package_closes_a_circle(graph_of):
    graph = graph_of(
        "house_child", {"room/__init__.py": "from .part import x\n", "room/part.py": "import house_child.room\n"}
    )
    assert set(circles.module_circle(graph)) == {"house_child.room", "house_child.room.part"}


def test_rooms_can_form_a_circle_where_modules_do_not(graph_of):
    files = {
        "hall/a.py": "from ..yard import c\n",
        "hall/b.py": "",
        "yard/c.py": "",
        "yard/d.py": "from ..hall import b\n",
    }
    graph = graph_of("house_rooms", files)
    assert circles.module_circle(graph) == []
    assert set(circles.room_circle(graph, "house_rooms")) == {"house_rooms.hall", "house_rooms.yard"}
    assert circles.told(graph, circles.room_circle(graph, "house_rooms"))[1].startswith("    house_rooms.")


def test_arrows_one_way_are_none(graph_of):
    graph = graph_of("house_plain", {"hall/a.py": "from ..yard import c\n", "yard/c.py": ""})
    assert circles.module_circle(graph) == circles.room_circle(graph, "house_plain") == []
