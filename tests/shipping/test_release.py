"""A release: refused until tag, version and changelog agree; then Blender's own tool installs it from its index."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from depthwright.engine.contract.version import VERSION

from . import pack, release

pytestmark = pytest.mark.slow  # zip and wheel are built


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of its own, with this checkout's files in one commit."""
    root = tmp_path_factory.mktemp("checkout")
    pack.export(root)
    release.git(root, "init", "--quiet")
    commit(root)
    return root


def commit(root: Path) -> None:
    release.git(root, "add", "--all")
    someone = ["-c", "user.name=Someone", "-c", "user.email=someone@example.org", "-c", "commit.gpgsign=false"]
    release.git(root, *someone, "commit", "--quiet", "--message", "All of it")


def refused(root: Path) -> str:
    with pytest.raises(pack.PackError) as caught:
        release.build(root.parent / "refused", root)
    assert not (root.parent / "refused").exists()
    return str(caught.value)


def test_it_is_refused_until_all_agrees_and_then_installs_from_its_index(checkout: Path, tmp_path: Path) -> None:
    changes = checkout / "CHANGELOG.md"
    headings = re.compile(rf"^## {re.escape(VERSION)}.*$", re.MULTILINE)

    release.git(checkout, "tag", "v99.0.0")
    assert f"version is {VERSION}" in refused(checkout) and "v99.0.0" in refused(checkout)
    release.git(checkout, "tag", f"v{VERSION}")
    (checkout / "forgotten.py").touch()
    assert "forgotten.py" in refused(checkout)
    (checkout / "forgotten.py").unlink()

    said = []
    for heading in ("## Something else", f"## {VERSION} (unreleased)", f"## {VERSION} (2030-01-31)"):
        changes.write_text(headings.sub(heading, changes.read_text(encoding="utf-8")) + "\n", encoding="utf-8")
        headings = re.compile(re.escape(heading))
        commit(checkout)
        release.git(checkout, "tag", "--force", f"v{VERSION}")
        if "2030" not in heading:
            said.append(refused(checkout))
    assert "no heading" in said[0] and "no day" in said[1]

    out, installed = tmp_path / "dist", tmp_path / "installed"
    made = release.build(out, checkout)
    assert [path.name for path in made] == [
        f"depthwright-{VERSION}.zip",
        f"depthwright-{VERSION}-py3-none-any.whl",
        "index.json",
    ]
    (listed,) = json.loads((out / "index.json").read_text(encoding="utf-8"))["data"]
    assert (listed["id"], listed["version"]) == ("depthwright", VERSION)
    assert listed["archive_url"] == f"./{made[0].name}", "found wherever the files lie"
    with pytest.raises(pack.PackError, match="there already"):
        release.build(out, checkout)

    # As Blender does it with a remote repository of an artist.
    installed.mkdir()
    url = (out / "index.json").as_uri()
    where = ["--local-dir", installed, "--remote-url", url]
    pack.extension_tool("sync", *where)
    pack.extension_tool("install", "depthwright", *where, "--blender-version", "4.2.0")
    assert (installed / "depthwright" / "blender_manifest.toml").read_bytes() == (
        checkout / "blender_manifest.toml"
    ).read_bytes()
