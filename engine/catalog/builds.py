"""Which builds of PyTorch there are, and which of them a computer gets. Standard library only; starts nothing.

The facts are in builds.json: what each build serves, where it is, how large it is. A build's packages and their
versions are in its lock, ``engine/client/locks``.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..contract.errors import InputError

SYSTEMS = ("windows", "linux", "macos")
#: Where a computer has several cards: whose is used.
VENDORS = ("nvidia", "amd", "intel", "apple")
VENDOR_NAMES = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel", "apple": "Apple"}
ARCHITECTURES = {"amd64": "x86_64", "x64": "x86_64", "aarch64": "arm64"}
TORCH_FREE = "The model 'procedural' works without it."

_DATA = Path(__file__).with_name("builds.json")


@dataclass(frozen=True)
class Card:
    """A graphics card, as far as it is known without PyTorch. driver: of NVIDIA's, as "581.29"; memory in GB."""

    name: str
    vendor: str
    driver: str = ""
    compute_capability: float | None = None
    memory_gb: float | None = None

    @property
    def driver_number(self) -> float:
        """0 where no driver is known."""
        found = re.match(r"\d+(\.\d+)?", self.driver)
        return float(found[0]) if found else 0.0

    def __str__(self) -> str:
        vendor = VENDOR_NAMES.get(self.vendor, "")
        name = self.name if vendor.lower() in self.name.lower() else f"{vendor} {self.name}"
        memory = f", {self.memory_gb:.0f} GB" if self.memory_gb else ""
        return name + memory + (f", driver {self.driver.partition('.')[0]}" if self.driver else "")


@dataclass(frozen=True)
class Machine:
    """A computer. system: one of SYSTEMS; architecture: x86_64, arm64, or what the system says."""

    system: str
    architecture: str
    cards: tuple[Card, ...] = ()

    @classmethod
    def from_dict(cls, values: Any) -> Machine:
        """From a description: keys as the fields. InputError where it is none."""
        try:
            unknown = sorted(set(values) - {"system", "architecture", "cards"})
            cards = tuple(Card(**_plain_card(card)) for card in values.get("cards", ()))
            machine = cls(values["system"], architecture(values["architecture"]), cards)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise _no_machine(f"{type(error).__name__}: {error}") from error
        if unknown or machine.system not in SYSTEMS:
            raise _no_machine(f"unknown: {unknown or machine.system!r}")
        return machine


@dataclass(frozen=True)
class Build:
    """A build of PyTorch on one system.

    torch     its version, as the lock has it
    index     where it is, besides the index of all packages; None: there
    wheels    addresses of files where it is in no index
    driver    the oldest driver's number; 0: any
    python    the oldest and newest Python, as (3, 11)
    packages  what it asks for besides what all do
    measured  whether the sizes were measured; else they are estimates
    """

    id: str
    label: str
    vendor: str
    serves: str
    system: str
    architectures: tuple[str, ...]
    torch: str
    index: str | None
    wheels: tuple[str, ...]
    driver: float
    compute_capability: tuple[float, float] | None
    cards: str
    python: tuple[tuple[int, int], tuple[int, int]]
    packages: tuple[str, ...]
    download_bytes: int
    disk_bytes: int
    measured: bool

    @property
    def download(self) -> str:
        """ "2.9 GB", with "about" where nobody has measured it."""
        return ("" if self.measured else "about ") + f"{self.download_bytes / 1e9:.1f} GB"

    @property
    def pythons(self) -> str:
        """ "3.11 to 3.14"."""
        first, last = (".".join(map(str, version)) for version in self.python)
        return first if first == last else f"{first} to {last}"

    def takes_python(self, version: tuple[int, ...]) -> bool:
        return self.python[0] <= version[:2] <= self.python[1]

    def serves_card(self, card: Card) -> bool:
        """Whether it can use the card, the driver left aside."""
        if card.vendor != self.vendor:
            return False
        if self.compute_capability is not None and card.compute_capability is not None:
            return self.compute_capability[0] <= card.compute_capability <= self.compute_capability[1]
        return not self.cards or re.search(self.cards, card.name, re.IGNORECASE) is not None

    def to_dict(self) -> dict[str, Any]:
        return {
            **{"id": self.id, "label": self.label, "serves": self.serves, "system": self.system},
            **{"torch": self.torch, "python": self.pythons, "driver": self.driver, "measured": self.measured},
            **{"download_bytes": self.download_bytes, "disk_bytes": self.disk_bytes},
        }


@dataclass(frozen=True)
class Choice:
    """What a computer gets. build: None where there is none for it.

    sentence  card and build, for the user
    advice    what would be better, or why nothing is; may be empty
    """

    build: Build | None
    card: Card | None
    sentence: str
    advice: str = ""

    def to_dict(self) -> dict[str, Any]:
        build = self.build.to_dict() if self.build else None
        card = str(self.card) if self.card else None
        return {
            **{"build": self.build.id if self.build else None, "card": card, "sentence": self.sentence},
            **{"advice": self.advice, "details": build},
        }


def architecture(name: str) -> str:
    """One name for what systems call differently."""
    return ARCHITECTURES.get(name.lower(), name.lower())


def index_of_packages() -> str:
    """Where all packages are that no build has in a place of its own."""
    return _data()["index"]


def uv_version() -> str:
    return _data()["uv"]["version"]


def builds_for(system: str, architecture: str) -> tuple[Build, ...]:
    """Those that there are for such a computer, whatever its cards."""
    found = (_build(values, system) for values in _data()["builds"] if system in values["systems"])
    return tuple(build for build in found if architecture in build.architectures)


def all_builds() -> tuple[Build, ...]:
    """Every build, once for each of its systems."""
    return tuple(_build(values, system) for values in _data()["builds"] for system in values["systems"])


def find_build(build: str, machine: Machine) -> Build:
    """By its id. InputError where there is none, or none for this computer."""
    fitting = builds_for(machine.system, machine.architecture)
    for candidate in fitting:
        if candidate.id == build:
            return candidate
    known = ", ".join(candidate.id for candidate in fitting) or "none"
    raise InputError(
        f"There is no build '{build}' for {machine.system} on {machine.architecture}.", f"There are: {known}."
    )


def choose(machine: Machine) -> Choice:
    """The build that uses the best of the computer's cards, else the processor's."""
    fitting = builds_for(machine.system, machine.architecture)
    if not fitting:
        return Choice(
            None,
            None,
            f"There is no PyTorch for {_said_system(machine)}.",
            f"{TORCH_FREE} The others can run on another computer: see docs/remote.md.",
        )
    cards = sorted(machine.cards, key=lambda card: (_vendor_rank(card), -(card.memory_gb or 0.0)))
    advices = []
    for card in cards:
        build, advice = _for_card(card, fitting)
        if build is not None:
            return Choice(build, card, f"{card}: {build.label}, {build.download} to download", advice)
        advices.append(advice)
    plain = next(build for build in fitting if build.vendor in ("", "apple"))
    named = str(cards[0]) if cards else "Apple silicon" if plain.vendor == "apple" else "No graphics card found"
    return Choice(plain, None, f"{named}: {plain.label}, {plain.download} to download", " ".join(advices[:1]))


def _for_card(card: Card, fitting: tuple[Build, ...]) -> tuple[Build | None, str]:
    """The first build that serves it with its driver; else None and why."""
    able = [build for build in fitting if build.vendor and build.serves_card(card)]
    if not able:
        if card.vendor not in VENDOR_NAMES:
            return None, ""
        return None, f"No build of PyTorch is known to use the {card.name}: the processor is used, which is slow."
    best = able[0]
    if card.vendor == "nvidia" and not card.driver_number:
        return (
            None,
            f"NVIDIA's own driver was not found. Install it, version {best.driver:g} or newer, then look again.",
        )
    for build in able:
        if card.driver_number >= build.driver or not build.driver:
            newer = f"A driver from {best.driver:g} on allows {best.label}, which is faster." if build != best else ""
            return build, newer
    return None, (
        f"The driver {card.driver} of the {card.name} is too old: install {best.driver:g} or newer, then look again."
    )


def _said_system(machine: Machine) -> str:
    if machine.system == "macos":
        return "Macs with Intel processors"
    system = {"windows": "Windows", "linux": "Linux"}[machine.system]
    return f"{system} on {'ARM' if machine.architecture == 'arm64' else machine.architecture}"


def _vendor_rank(card: Card) -> int:
    return VENDORS.index(card.vendor) if card.vendor in VENDORS else len(VENDORS)


def _plain_card(values: Mapping[str, Any]) -> dict[str, Any]:
    card = dict(values)
    for name in ("compute_capability", "memory_gb"):
        card[name] = float(card[name]) if card.get(name) is not None else None
    card["driver"] = str(card.get("driver") or "")
    card["vendor"] = str(card["vendor"]).lower()
    return card


def _no_machine(detail: str) -> InputError:
    return InputError(
        "That does not describe a computer.",
        "Give a JSON object with system (windows, linux or macos), architecture, and cards: a list of objects with "
        "name, vendor, driver, compute_capability and memory_gb.",
        detail,
    )


@functools.cache
def _data() -> dict[str, Any]:
    return json.loads(_DATA.read_text(encoding="utf-8"))


@functools.cache
def _of_system(build: str, system: str) -> Build:
    values = next(values for values in _data()["builds"] if values["id"] == build)
    here = values["systems"][system]
    capability = values.get("compute_capability")
    first, last = (_of_python(version) for version in values["python"])
    return Build(
        id=values["id"],
        label=values["label"],
        vendor=values["vendor"],
        serves=values["serves"],
        system=system,
        architectures=tuple(here["architectures"]),
        torch=here["torch"],
        index=here["index"],
        wheels=tuple(values.get("wheels", ())),
        driver=float(here["driver"]),
        compute_capability=tuple(capability) if capability else None,
        cards=values.get("cards", ""),
        python=(first, last),
        packages=tuple(values["packages"]),
        download_bytes=here["download_bytes"],
        disk_bytes=here["disk_bytes"],
        measured=here["measured"],
    )


def _of_python(version: str) -> tuple[int, int]:
    """ "3.11" as (3, 11)."""
    major, minor = map(int, version.split("."))
    return major, minor


def _build(values: Mapping[str, Any], system: str) -> Build:
    return _of_system(values["id"], system)
