"""The words of ``engine`` on a command line."""

import argparse
import json

import pytest
from depthwright.engine.client.install import command
from depthwright.engine.client.install.home import Home, Record, write_record
from depthwright.engine.contract.errors import EngineError, InputError

CARD = {"name": "NVIDIA GeForce RTX 4070", "vendor": "nvidia", "driver": "581.29", "compute_capability": 8.9}


def run(tmp_path, *words, setting=""):
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    home = Home(tmp_path / "engine")
    return command.run(parser.parse_args(words), home, setting, False, lambda *_: None)


def described(tmp_path, values):
    path = tmp_path / "machine.json"
    path.write_text(values if isinstance(values, str) else json.dumps(values))
    return str(path)


def test_status_answers_in_every_state(tmp_path):
    def word(**options):
        return json.loads(run(tmp_path, "status", "--json", **options))["state"]

    assert word() == "none" and "No engine" in run(tmp_path, "status")
    assert word(setting="ssh there depthwright-engine worker") == "remote"
    assert word(setting="python3") == "set"
    (tmp_path / "engine/env").mkdir(parents=True)
    assert word() == "repair"
    write_record(tmp_path / "engine/env", Record("cpu", "2.13.0+cpu"))
    assert word() == "repair"


def test_builds_for_a_described_computer(tmp_path):
    machine = described(tmp_path, {"system": "windows", "architecture": "x86_64", "cards": [CARD]})
    record = json.loads(run(tmp_path, "builds", "--json", "--for", machine))
    assert record["build"] == "cu130" and record["details"]["torch"] == "2.13.0+cu130"
    assert [build["id"] for build in record["builds"]] == ["cu130", "cu126", "rocm-windows", "xpu", "cpu"]
    lines = run(tmp_path, "builds", "--for", machine).splitlines()
    assert lines[0].startswith("NVIDIA GeForce RTX 4070") and lines[1].startswith("* cu130")
    mac = described(tmp_path, {"system": "macos", "architecture": "x86_64"})
    assert json.loads(run(tmp_path, "builds", "--json", "--for", mac))["build"] is None


@pytest.mark.parametrize("values", ["{", "[]", '{"system": "linux"}'])
def test_a_description_that_is_none(tmp_path, values):
    with pytest.raises(InputError):
        run(tmp_path, "builds", "--for", described(tmp_path, values))
    with pytest.raises(InputError, match="cannot be read"):
        run(tmp_path, "builds", "--for", str(tmp_path / "nowhere"))


def test_a_build_that_is_not_there_and_a_computer_offline(tmp_path):
    with pytest.raises(InputError, match="no build 'cu999'"):
        run(tmp_path, "install", "--build", "cu999")
    with pytest.raises(EngineError, match="Online access is off"):
        run(tmp_path, "install", "--build", "cpu")


def test_removing_what_is_not_there(tmp_path):
    assert json.loads(run(tmp_path, "remove", "--json"))["removed_bytes"] == 0
