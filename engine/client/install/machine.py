"""What graphics cards this computer has, found out without PyTorch. Starts small programs: not for the main thread."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from pathlib import Path

from ...catalog.builds import Card, Machine, architecture
from ..environment import no_window

ANSWER_S = 20.0  # a driver that hangs must not hang us
PCI_DEVICES = Path("/sys/bus/pci/devices")
PCI_NAMES = (Path("/usr/share/misc/pci.ids"), Path("/usr/share/hwdata/pci.ids"))
VENDORS = {"0x10de": "nvidia", "0x1002": "amd", "0x8086": "intel"}
SMI_FIELDS = "name,driver_version,compute_cap,memory.total"
WINDOWS_CARDS = "Get-CimInstance Win32_VideoController | Select-Object Name, PNPDeviceID | ConvertTo-Json -Compress"


def this_machine() -> Machine:
    """The computer that this runs on."""
    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    return Machine(system, architecture(_native_architecture()), _cards(system))


def _native_architecture() -> str:
    """Of the processor: a program for Intel's may run on Apple's."""
    if sys.platform == "darwin" and _output(["sysctl", "-n", "sysctl.proc_translated"]).strip() == "1":
        return "arm64"
    return platform.machine()


def _cards(system: str) -> tuple[Card, ...]:
    if system == "macos":
        name = _output(["sysctl", "-n", "machdep.cpu.brand_string"]).strip()
        memory = _output(["sysctl", "-n", "hw.memsize"]).strip()
        gigabytes = int(memory) / 1e9 if memory.isdigit() else None
        return (Card(name, "apple", memory_gb=gigabytes),) if name.startswith("Apple") else ()
    nvidia = nvidia_cards(_output(["nvidia-smi", f"--query-gpu={SMI_FIELDS}", "--format=csv,noheader,nounits"]))
    others = _windows() if system == "windows" else pci_cards(PCI_DEVICES, _names())
    if nvidia:  # the other list has them too, without driver and memory
        others = tuple(card for card in others if card.vendor != "nvidia")
    return (*nvidia, *others)


def nvidia_cards(listed: str) -> tuple[Card, ...]:
    """From what nvidia-smi prints for SMI_FIELDS, a card a line; older ones know no compute capability."""
    cards = []
    for line in listed.splitlines():
        values = [value.strip() for value in line.split(",")]
        if len(values) != 4 or not re.match(r"\d", values[1]):
            continue  # an error in words
        memory_mib = _number(values[3])
        gigabytes = memory_mib * 1048576 / 1e9 if memory_mib is not None else None
        cards.append(Card(values[0], "nvidia", values[1], _number(values[2]), gigabytes))
    return tuple(cards)


def pci_cards(devices: Path, names: str) -> tuple[Card, ...]:
    """From the kernel's files. names: the text of pci.ids, or empty."""
    cards = []
    for folder in sorted(devices.glob("*")):
        if not _read(folder / "class").startswith("0x03"):
            continue
        vendor = VENDORS.get(_read(folder / "vendor"))
        if vendor is None:
            continue
        memory = _read(folder / "mem_info_vram_total")
        gigabytes = int(memory) / 1e9 if memory.isdigit() else None
        name = pci_name(names, _read(folder / "vendor")[2:], _read(folder / "device")[2:])
        cards.append(Card(name or f"card {_read(folder / 'device')}", vendor, memory_gb=gigabytes))
    return tuple(cards)


def pci_name(names: str, vendor: str, device: str) -> str:
    """Of a card, from pci.ids; empty where it is not there."""
    found = re.search(rf"^{vendor} .*\n((?:\t.*\n|#.*\n|\n)*)", names + "\n", re.MULTILINE)
    line = re.search(rf"^\t{device}  (.*)$", found[1], re.MULTILINE) if found else None
    return line[1].strip() if line else ""


def windows_cards(listed: str) -> tuple[Card, ...]:
    """From the JSON that PowerShell prints for WINDOWS_CARDS: an object for one card, else a list."""
    try:
        adapters = json.loads(listed)
    except ValueError:
        return ()
    cards = []
    for adapter in adapters if isinstance(adapters, list) else [adapters]:
        identity = str(adapter.get("PNPDeviceID") or "").upper() if isinstance(adapter, dict) else ""
        vendor = next((name for number, name in VENDORS.items() if f"VEN_{number[2:].upper()}" in identity), None)
        if vendor:
            cards.append(Card(str(adapter.get("Name") or vendor), vendor))
    return tuple(cards)


def _windows() -> tuple[Card, ...]:
    return windows_cards(_output(["powershell", "-NoProfile", "-NonInteractive", "-Command", WINDOWS_CARDS]))


def _names() -> str:
    return next((path.read_text("utf-8", "replace") for path in PCI_NAMES if path.is_file()), "")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip().lower()
    except OSError:
        return ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _output(command: list[str]) -> str:
    """What the program prints; empty where there is none, or it fails."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=ANSWER_S, **no_window())
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""
