"""Makes the locks of the engine's builds, ``engine/client/locks``; needs uv and the network.

    python -m depthwright.tests.shipping.locks [--uv PATH] [--check]

``common.txt`` has what all builds share, a build's own file what it needs besides. Versions are those of
requirements.lock, with the hashes that the index of all packages has. A build whose PyTorch is in a place of its own
has its version alone: uv then checks the file by what that place says. ``--check`` only looks whether every pinned
version can be had for its systems and Pythons, and prints what was found.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from depthwright.engine.catalog import builds
from depthwright.engine.client import environment

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "engine/client/locks"
PLATFORMS = {
    **{("linux", "x86_64"): "x86_64-manylinux_2_28", ("linux", "arm64"): "aarch64-manylinux_2_28"},
    **{("windows", "x86_64"): "x86_64-pc-windows-msvc", ("macos", "arm64"): "aarch64-apple-darwin"},
}
MARKERS = {"linux": "sys_platform == 'linux'", "windows": "sys_platform == 'win32'"}
# PyTorch's own needs that are the same in every build; what its index adds (CUDA, ROCm) is resolved there.
OF_TORCH = ("sympy", "networkx", "jinja2", "fsspec", "setuptools", "typing_extensions")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def compile_with(uv: str, asked: list[str], *options: str, out: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        wishes = Path(folder, "asked.in")
        wishes.write_text("\n".join(asked) + "\n")
        command = [
            uv,
            "pip",
            "compile",
            wishes,
            "-c",
            ROOT / "requirements.lock",
            "-o",
            out,
            "-q",
            "--no-python-downloads",
        ]
        subprocess.run([*map(str, command), *options], check=True)


def entries(path: Path) -> dict[str, str]:
    """Name -> its lines, of a file that uv has made."""
    found: dict[str, str] = {}
    name = ""
    for line in path.read_text().splitlines():
        if line and not line.startswith((" ", "#", "-r ")):
            name = line.partition("==")[0]
            found[name] = found.get(name, "")
        if name and not line.strip().startswith("#"):
            found[name] += line + "\n"
    return found


def make(uv: str) -> None:
    shared = [name for name in environment.PACKAGES if name not in ("torch", "bitsandbytes")]
    universal = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-annotate", "--no-header")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out.txt")
        compile_with(uv, [*shared, *OF_TORCH], *universal, out=out)
        common = entries(out)
        assert "torch" not in common
        write(LOCKS / "common.txt", "What every build shares.", "", "".join(common.values()))
        for build in sorted({build.id for build in builds.all_builds()}):
            write_build(uv, build, common, out, universal)


def write_build(uv: str, build: str, common: dict[str, str], out: Path, universal: tuple[str, ...]) -> None:
    here = [candidate for candidate in builds.all_builds() if candidate.id == build]
    from_index = [candidate for candidate in here if candidate.index is None and not candidate.wheels]
    asked = [*here[0].packages, *(f"torch=={candidate.torch}" for candidate in from_index)]
    lines = {}
    if asked:
        compile_with(uv, [*asked, *OF_TORCH], *universal, out=out)
        lines = {name: text for name, text in entries(out).items() if name not in common}
    if all(candidate.system != "linux" for candidate in here):
        lines = {name: text for name, text in lines.items() if "sys_platform == 'linux'" not in text.splitlines()[0]}
    if not from_index:
        lines.pop("torch", None)  # bitsandbytes asks for it
        lines = {name: text for name, text in lines.items() if name in here[0].packages}
    elif len(here) > 1:  # what is for one system alone
        system = MARKERS[from_index[0].system]
        lines["torch"] = lines["torch"].replace(
            f"torch=={from_index[0].torch}", f"torch=={from_index[0].torch} ; {system}", 1
        )
    bare = [
        f"torch=={candidate.torch} ; {MARKERS[candidate.system]}\n"
        for candidate in here
        if candidate not in from_index and not candidate.wheels
    ]
    without = "" if not bare else " PyTorch itself has no hash here: its place could not be asked. uv checks it there."
    if here[0].wheels:
        without = " PyTorch and AMD's libraries come from the addresses in builds.json, without hashes."
    write(
        LOCKS / f"{build}.txt", f"{here[0].label}.{without}", "-r common.txt\n", "".join(lines.values()) + "".join(bare)
    )


def write(path: Path, about: str, before: str, text: str) -> None:
    head = f"# {about}\n# Made by tests/shipping/locks.py (uv {builds.uv_version()}); do not change it by hand.\n\n"
    path.write_text(head + before + text)
    print(f"{path.relative_to(ROOT)}: {text.count('==')} lines with a version", file=sys.stderr)


def check(uv: str) -> bool:
    """Ask the index for every pinned version, on every system and Python of a build."""
    sound = True
    for build in builds.all_builds():
        for architecture in build.architectures:
            for python in PYTHONS:
                if build.takes_python(tuple(map(int, python.split(".")))):
                    sound &= _check_one(uv, build, architecture, python)
    return sound


def _check_one(uv: str, build: builds.Build, architecture: str, python: str) -> bool:
    lock = LOCKS / f"{build.id}.txt"
    own = build.index is not None  # cannot be asked here
    with tempfile.TemporaryDirectory() as folder:
        wishes, out = Path(folder, "lock.txt"), Path(folder, "pylock.toml")
        pinned = {name: text for name, text in entries(lock).items() if not (own and name == "torch")}
        wishes.write_text(f"-r {LOCKS / 'common.txt'}\n" + "".join(pinned.values()))
        platform = PLATFORMS[build.system, architecture]
        command = [
            uv,
            "pip",
            "compile",
            wishes,
            "-o",
            out,
            "-q",
            "--python-platform",
            platform,
            "--no-python-downloads",
        ]
        command += ["--python-version", python, "--no-deps", "--only-binary", ":all:"]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=uv_env())
        name = f"{build.id}, {build.system} {architecture}, Python {python}"
        if done.returncode:
            print(f"{name}: {done.stderr.strip()}")
            return False
        packages = tomllib.loads(out.read_text())["packages"]
        size = sum(min(wheel["size"] for wheel in package["wheels"]) for package in packages)
        torch = "PyTorch not asked for" if own or build.wheels else "PyTorch too"
        print(f"{name}: {len(packages)} packages are there, {size / 1e6:.0f} MB ({torch})")
        return True


def uv_env() -> dict[str, str]:
    return environment.tool_env() | {"MACOSX_DEPLOYMENT_TARGET": "14.0"}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--uv", default="uv")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if not options.check:
        make(options.uv)
        return 0
    return 0 if check(options.uv) else 1


if __name__ == "__main__":
    sys.exit(main())
