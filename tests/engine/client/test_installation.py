"""An installation by the real uv from an index on this computer: whole, in every way it can fail, and again."""

import functools
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import psutil
import pytest
from depthwright.engine.catalog import builds
from depthwright.engine.catalog.builds import Machine
from depthwright.engine.client import environment
from depthwright.engine.client.install import command, downloads, installation, proof, pythons, space, state, uv
from depthwright.engine.client.install.home import Home
from depthwright.engine.client.install.installation import Installation, Source
from depthwright.engine.contract.errors import Cancelled, CardUnused, EngineError, EnvironmentMissing, InputError
from fake_index import NAMES, Index, wheel

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the tests' uv is Linux's")
TORCH = "torch-2.13.0+cpu-py3-none-any.whl"
PROVED = {"device": "A card", "kind": "cuda", "torch": "2.13.0", "precision": "bfloat16", "picture_seconds": 0.1}
PROVED |= {"memory_bytes": 8e9, "when": "now", "seconds": 0.1}


def uv_program() -> Path:
    """That of the tests' environment."""
    return next(Path(file.locate()) for file in metadata.files("uv") if file.name == "uv").resolve()


@functools.cache
def wheel_of_uv() -> tuple[str, bytes]:
    name = f"uv-{builds.uv_version()}"
    inside = {f"{name}.data/scripts/uv": uv_program().read_bytes()}
    return f"{name}-py3-none-{uv.platform_tags()[0]}.whl", wheel("uv", builds.uv_version(), inside)


@pytest.fixture
def index():
    with Index() as index:
        index.files = {f"{name}-1.0-py3-none-any.whl": wheel(name, "1.0") for name in NAMES}
        index.files[TORCH] = wheel("torch", "2.13.0+cpu", extra=600_000)
        index.files.update([wheel_of_uv()])
        yield index


@pytest.fixture
def home(tmp_path, monkeypatch):
    locks = tmp_path / "locks"
    locks.mkdir()
    (locks / "common.txt").write_text("".join(f"{name}==1.0\n" for name in NAMES))
    (locks / "cpu.txt").write_text("-r common.txt\ntorch==2.13.0+cpu\n")
    monkeypatch.setattr(installation, "LOCKS", locks)
    monkeypatch.setattr(downloads, "PAUSE_S", 0.01)
    monkeypatch.setattr(pythons, "running_python", lambda: Path(sys.executable).resolve())
    monkeypatch.delenv(installation.INDEX_VARIABLE, raising=False)
    home = Home(tmp_path / "engine home")
    keep_uv(home)
    return home


def keep_uv(home: Home) -> None:
    """uv is there: most tests are not about how it comes."""
    folder = home.tools / f"uv-{builds.uv_version()}"
    folder.mkdir(parents=True)
    (home.folder / "lock").touch()
    (folder / "uv").symlink_to(uv_program())


CPU = replace(builds.find_build("cpu", Machine("linux", "x86_64")), disk_bytes=10**7, download_bytes=10**6)


def proves(python, build, report):
    subprocess.run([str(python), "-c", "import torch, numpy"], check=True)
    report("testing: sampling", 1, 2)
    return PROVED


def install(home, index, report=lambda *_: None, prove=proves, **source):
    given = {"index": index.url} if index is not None else {}
    with Installation(home, CPU, Source(**(given | source)), prove) as made:
        made.build(report)
        return made.put_in_place()


def settled(home) -> list[str]:
    """What lies in the folder when the thread that discards is done."""
    end_s = time.monotonic() + 10
    while any(home.folder.glob(".env-*")) and time.monotonic() < end_s:
        time.sleep(0.01)
    return sorted(path.name for path in home.folder.iterdir())


def torch_version(home) -> str:
    code = "import torch; print(torch.__version__)"
    return subprocess.run([str(home.python), "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_whole_and_the_record_says_what_it_is(home, index):
    said = []
    python = install(home, index, lambda *progress: said.append(progress))
    assert python == home.python and torch_version(home) == "2.13.0+cpu"
    record = home.record
    assert (record.build, record.torch, record.proof) == ("cpu", "2.13.0+cpu", PROVED)
    assert record.python == ".".join(map(str, sys.version_info[:3]))
    stages = list(dict.fromkeys(stage for stage, _, _ in said))
    assert [stage for stage in stages if "environment" in stage or "MB" in stage or "testing" in stage]
    assert any("Python 3.11" in stage for stage in stages), "which Python it is made with is said"
    assert settled(home) == ["downloads", "env", "install.log", "lock", "tools"]
    assert "testing the new engine" in home.log.read_text()
    assert state.state_of(home, thorough=True).word == "ready"


def test_uv_comes_from_the_index(home, index):
    shutil.rmtree(home.tools)
    install(home, index)
    assert index.brought()[0] == wheel_of_uv()[0] and uv.find_uv(home.tools).is_file()


def test_the_mirror_may_be_set_by_the_variable(home, index, monkeypatch):
    monkeypatch.setenv(installation.INDEX_VARIABLE, index.url)
    with Installation(home, CPU, Source.of(), proves) as made:
        made.build(lambda *_: None)
        made.put_in_place()
    assert home.record.index == index.url


def test_a_connection_that_breaks_is_taken_up_where_it_was(home, index):
    index.cut[TORCH] = [200_000, 100_000]
    install(home, index)
    ranges = [asked for path, asked in index.asked if path == f"/files/{TORCH}" and asked]
    assert "bytes=200000-" in ranges and "bytes=300000-" in ranges
    assert torch_version(home) == "2.13.0+cpu"


def test_the_next_try_goes_on_where_the_last_one_was(home, index):
    index.cut[TORCH] = [100_000] * downloads.TRIES
    with pytest.raises(EngineError, match="cannot be reached, or the connection broke") as caught:
        install(home, index)
    assert "what has come so far is kept" in caught.value.remedy and "127.0.0.1" in caught.value.summary
    index.asked.clear()
    install(home, index)
    assert TORCH in index.brought() and len(index.brought()) == len(set(index.brought())), "nothing comes twice"
    assert ("/files/" + TORCH, "bytes=500000-") in index.asked, "five times 100000 bytes had come"
    assert torch_version(home) == "2.13.0+cpu"


def test_progress_counts_bytes_of_a_known_total(home, index):
    big = {name: content for name, content in index.files.items() if not name.startswith("uv-")}
    total, come = sum(map(len, big.values())), 0
    for name in big:

        def on_bytes(count):
            nonlocal come
            come += count

        downloads.fetch(
            downloads.File(f"{index.url[:-7]}/files/{name}", None, len(big[name])), home.folder / "d", on_bytes
        )
    assert come == total


def test_a_file_with_another_hash_is_refused(home, index):
    index.damaged.add(TORCH)
    with pytest.raises(EngineError, match="is not the file that was promised") as caught:
        install(home, index)
    assert "sha256" in caught.value.detail and home.record is None
    index.damaged.clear()
    install(home, index)  # the wrong one was not kept


@pytest.mark.parametrize("status", [403, 404])
def test_an_index_that_refuses(home, index, status):
    index.status = status
    with pytest.raises(EngineError, match="could not be installed"):
        install(home, index)
    assert "env" not in settled(home)


def test_no_network(home):
    with Index() as gone:
        url = gone.url
    shutil.rmtree(home.tools)
    with pytest.raises(EngineError, match="cannot be reached") as caught:
        install(home, Index(url=url))
    assert "firewall" in caught.value.remedy or "network" in caught.value.remedy


def test_online_access_off(home, index):
    with pytest.raises(EngineError, match="Online access is off"):
        install(home, index, online=False)
    assert not index.asked
    install(home, index)
    index.asked.clear()
    install(home, index, online=False)  # a repair: everything was brought once
    assert not index.asked and torch_version(home) == "2.13.0+cpu"


def test_a_folder_of_wheels_needs_no_network(home, index, tmp_path):
    shutil.rmtree(home.tools)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with pytest.raises(EngineError, match="no uv for this computer"):
        install(home, None, wheels=wheels, online=False)
    for name, content in index.files.items():
        (wheels / name).write_bytes(content)
    install(home, None, wheels=wheels, online=False)
    assert torch_version(home) == "2.13.0+cpu" and not index.asked
    (wheels / TORCH).unlink()
    with pytest.raises(EngineError, match="could not be installed") as caught:
        install(home, None, wheels=wheels, online=False)
    assert "torch" in caught.value.detail and torch_version(home) == "2.13.0+cpu"
    with pytest.raises(InputError, match="There is no folder"):
        install(home, None, wheels=tmp_path / "nowhere")


def test_a_disk_that_is_too_small_is_said_before_anything_comes(home, index, monkeypatch):
    monkeypatch.setattr(space.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 10**12, 5 * 10**8))
    with pytest.raises(EngineError, match=r"needs 1\.0 GB of free disk space .* 0\.5 GB are free") as caught:
        install(home, index)
    assert "another drive" in caught.value.remedy and not index.asked


def test_a_disk_that_gets_full(home, index, monkeypatch):
    def full(file, part, on_bytes, counted):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(downloads, "_go_on", full)
    with pytest.raises(EngineError, match="The disk is full"):
        install(home, index)


def test_paths_that_windows_refuses():
    space.check_path(Path("C:/Users/x/AppData/Local/depthwright/engine"))
    with pytest.raises(EngineError, match="46 characters too long for Windows"):
        space.check_path(Path("C" * 100))


def test_cancelled_keeps_what_has_come_and_the_old_engine(home, index):
    install(home, index)
    before = home.record

    def stop(stage, step, of):
        if stage.startswith("installing"):
            raise Cancelled()

    with pytest.raises(Cancelled):
        install(home, index, stop)
    assert settled(home) == ["downloads", "env", "install.log", "lock", "tools"]
    assert home.record == before and torch_version(home) == "2.13.0+cpu"
    assert (home.downloads("cpu") / TORCH).is_file()


def test_cancelled_in_the_middle_of_a_file(home, index):
    index.hold = TORCH

    def stop(stage, step, of):
        if any(part.stat().st_size for part in home.downloads("cpu").glob(f"{TORCH}.part")):
            index.go_on.set()
            raise Cancelled()

    with pytest.raises(Cancelled):
        install(home, index, stop)
    assert [path.name for path in home.downloads("cpu").glob("*.part")] == [f"{TORCH}.part"]
    index.hold = ""
    install(home, index)
    assert not list(home.downloads("cpu").glob("*.part"))


def test_an_engine_that_does_not_prove_itself_leaves_the_old_one(home, index):
    install(home, index)

    def fails(python, build, report):
        raise CardUnused("A card is there, but not used.", "Install another build.")

    with pytest.raises(CardUnused):
        install(home, index, prove=fails)
    assert settled(home)[1] == "env" and home.record.proof == PROVED


def test_a_real_proof_of_an_engine_that_is_none(home, index):
    with pytest.raises(EngineError, match="could not start"):  # the tiny numpy is no numpy
        install(home, index, prove=lambda *given: proof.prove_python(*given))
    assert home.record is None and "WorkerDied" in home.log.read_text()


def test_the_last_rename_is_refused(home, index, monkeypatch):
    install(home, index)
    rename = Path.rename

    def no_new_one(path, target):
        if path.name == "new":
            raise PermissionError("in use")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", no_new_one)
    with pytest.raises(EngineError, match="the old one, which is there still"):
        install(home, index)
    assert torch_version(home) == "2.13.0+cpu"
    assert settled(home) == ["downloads", "env", "install.log", "lock", "tools"]


KILLED = """
import sys, time
sys.path[:0] = {paths!r}
from dataclasses import replace
from pathlib import Path
import test_installation as t
from depthwright.engine.client.install import installation, pythons
installation.LOCKS = Path({locks!r})
pythons.running_python = lambda: Path(sys.executable).resolve()
def report(stage, step, of):
    if stage.startswith({stage!r}):
        print("there", flush=True)
        time.sleep(60)
with t.Installation(t.Home(Path({home!r})), t.CPU, t.Source(index={index!r}), t.proves) as made:
    made.build(report)
"""


def test_killed_half_way_is_swept_by_the_next(home, index):
    paths = [str(Path(__file__).parent), *sys.path]
    values = {"paths": paths, "locks": str(installation.LOCKS), "home": str(home.folder), "index": index.url}
    code = KILLED.format(stage="installing", **values)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "there\n"
        with pytest.raises(EngineError, match="at work already"):
            install(home, index)
        assert state.state_of(home).word == "installing" and not state.state_of(home).step
        process.kill()
    assert list(home.folder.glob(".env-*")) and state.state_of(home).word == "none"
    install(home, index)
    assert settled(home) == ["downloads", "env", "install.log", "lock", "tools"]


def test_cut_off_between_the_last_two_renames_the_old_one_comes_back(home, index):
    install(home, index)
    left = home.folder / ".env-left"
    left.mkdir()
    home.environment.rename(left / "old")
    (left / "new").mkdir()
    with home.at_work():
        pass
    assert torch_version(home) == "2.13.0+cpu" and settled(home)[1] == "env"


def test_files_that_are_missing_are_found_and_brought_back(home, index):
    install(home, index)
    packages = next(home.environment.glob("lib/python3*/site-packages"))
    (packages / "torch/data.bin").unlink()
    assert state.state_of(home).word == "ready", "a glance does not see it"
    seen = state.state_of(home, thorough=True)
    assert (seen.word, seen.step) == ("repair", "repair") and "torch/data.bin" in seen.detail
    with pytest.raises(EngineError, match=r"torch/data\.bin is missing"):
        command.test(home, "", lambda *_: None)
    index.asked.clear()
    install(home, index)
    assert state.state_of(home, thorough=True).word == "ready" and not index.brought(), "nothing comes twice"
    (packages / "torch/__init__.py").write_text("# longer than it was, by an editor or a broken disk\n" * 9)
    assert "torch/__init__.py" in state.state_of(home, thorough=True).detail


def test_states(home, index, tmp_path, monkeypatch):
    assert state.state_of(home).word == "none"
    install(home, index)
    assert state.state_of(home).word == "ready"
    assert state.state_of(home, "ssh workstation depthwright-engine worker").word == "remote"
    assert state.state_of(home, sys.executable).word == "set"
    monkeypatch.setattr(state, "VERSION", "9.9.9")
    older = state.state_of(home)
    assert (older.word, older.step) == ("other", "update") and "9.9.9" in older.sentence and "0.1.0" in older.sentence
    monkeypatch.undo()
    (home.environment / "depthwright.json").write_text("{")
    assert state.state_of(home).word == "repair"
    (home.environment / "bin/python").unlink()
    assert state.state_of(home).word == "repair"


def test_removed_whole_and_nothing_else(home, index):
    install(home, index)
    (home.folder / "mine.txt").touch()
    home.remove()
    assert [path.name for path in home.folder.iterdir()] == ["mine.txt"]
    (home.folder / "mine.txt").unlink()
    install_again = Home(home.folder)
    assert install_again.size_bytes() == 0


def test_a_folder_with_other_things_is_not_taken(tmp_path, index):
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(InputError, match="has other things in it"):
        install(Home(tmp_path), index)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_two_at_once_are_one(home, index):
    begun, go_on = threading.Event(), threading.Event()

    def slow(stage, step, of):
        begun.set()
        go_on.wait(10)

    outcome = []
    first = threading.Thread(target=lambda: outcome.append(install(home, index, slow)))
    first.start()
    assert begun.wait(10)
    with pytest.raises(EngineError, match="at work already"):
        install(home, index)
    go_on.set()
    first.join(60)
    assert outcome == [home.python]


def test_uv_stops_with_what_it_has_started(tmp_path):
    from depthwright.engine.client.install.tool import run_tool

    children = tmp_path / "children"

    def stop(line):
        if line == "quiet now" and children.exists() and children.read_text():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_tool(["sh", "-c", f"echo quiet now; sleep 60 & echo $! > '{children}'; wait"], stop)
    end_s = time.monotonic() + 10
    while psutil.pid_exists(int(children.read_text())) and time.monotonic() < end_s:
        if psutil.Process(int(children.read_text())).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.02)
    assert time.monotonic() < end_s


def test_pythons(tmp_path):
    amd = replace(CPU, python=((3, 12), (3, 12)), id="rocm-windows")
    with pytest.raises(InputError, match=r"needs 3\.12"):
        pythons.choose(amd, sys.executable, may_fetch=True)
    with pytest.raises(InputError, match="no Python that runs"):
        pythons.choose(CPU, str(tmp_path), may_fetch=True)
    assert pythons.choose(CPU, sys.executable, may_fetch=False).asked == sys.executable


def test_a_python_that_is_not_here_is_fetched_or_said(monkeypatch):
    amd = replace(CPU, python=((3, 12), (3, 12)), id="rocm-windows")
    monkeypatch.setattr(pythons, "running_python", lambda: Path(sys.executable))
    monkeypatch.setattr(pythons.shutil, "which", lambda name: None)
    assert pythons.choose(amd, "", may_fetch=True).said == "Python 3.12, which uv downloads"
    with pytest.raises(EnvironmentMissing, match=r"needs Python 3\.12"):
        pythons.choose(amd, "", may_fetch=False)


def test_a_card_that_the_engine_does_not_use_is_an_error_with_its_cure():
    card = {"name": "NVIDIA GeForce RTX 4070", "vendor": "nvidia", "driver": "581.29", "compute_capability": 8.9}
    machine = Machine.from_dict({"system": "windows", "architecture": "x86_64", "cards": [card]})
    on_cpu = {"kind": "cpu", "torch": "2.13.0+cpu"}
    with pytest.raises(CardUnused, match=r"RTX 4070.*2\.13\.0\+cpu cannot use it") as caught:
        proof.check_card(on_cpu, machine, "")
    assert "cu130" in caught.value.remedy
    with pytest.raises(CardUnused) as caught:
        proof.check_card(on_cpu, machine, "cu130")
    assert "driver" in caught.value.remedy
    proof.check_card(on_cpu, machine, "cpu")  # who has chosen it gets it
    proof.check_card({"kind": "cuda", "torch": "x"}, machine, "")
    proof.check_card(on_cpu, Machine("linux", "x86_64"), "")


def test_the_locks_name_every_package_and_no_others_of_a_build():
    for build in builds.all_builds():
        text = (Path(environment.EXTENSION_ROOT) / f"engine/client/locks/{build.id}.txt").read_text()
        common = (Path(environment.EXTENSION_ROOT) / "engine/client/locks/common.txt").read_text()
        named = {line.partition("==")[0].replace("-", "_") for line in (text + common).splitlines() if "==" in line}
        assert ("torch" in named) != bool(build.wheels)
        assert {*environment.PACKAGES, *build.packages} - {"torch", "bitsandbytes"} <= named
        assert ("bitsandbytes" in named) == ("bitsandbytes" in build.packages), build.id
        assert build.wheels or f"torch=={build.torch}" in text
        assert "do not change it by hand" in text
