"""What is read from nvidia-smi, the kernel's files and Windows' device list."""

import json

import pytest
from depthwright.engine.client.install import machine

NAMES = """\
1002  Advanced Micro Devices, Inc. [AMD/ATI]
\t744c  Navi 31 [Radeon RX 7900 XT/7900 XTX/7900 GRE/7900M]
\t\t1002 0e3b  Radeon RX 7900
8086  Intel Corporation
# a remark
\t56a0  DG2 [Arc A770]
"""


def test_nvidia_smi_is_read():
    old, new = machine.nvidia_cards(
        "NVIDIA GeForce GTX 1080, 550.54.14, [N/A], 8192\nNVIDIA GeForce RTX 4070, 581.29, 8.9, 12282\n"
    )
    assert (new.name, new.driver, new.compute_capability) == ("NVIDIA GeForce RTX 4070", "581.29", 8.9)
    assert new.memory_gb == pytest.approx(12.88, abs=0.01) and new.driver_number == 581.29
    assert old.compute_capability is None


@pytest.mark.parametrize("said", ["", "NVIDIA-SMI has failed because it couldn't communicate, with, the, driver.\n"])
def test_nvidia_smi_without_a_card(said):
    assert machine.nvidia_cards(said) == ()


def test_the_kernels_files_are_read(tmp_path):
    def device(slot, **files):
        (tmp_path / slot).mkdir()
        for name, text in files.items():
            (tmp_path / slot / name).write_text(f"{text}\n")

    device("0000:00:02.0", **{"class": "0x030000", "vendor": "0x8086", "device": "0x56a0"})
    device("0000:03:00.0", **{"class": "0x030000", "vendor": "0x1002", "device": "0x744c"}, mem_info_vram_total=24e9)
    (tmp_path / "0000:03:00.0/mem_info_vram_total").write_text("25753026560\n")
    device("0000:04:00.0", **{"class": "0x020000", "vendor": "0x8086", "device": "0x15f3"})
    device("0000:05:00.0", **{"class": "0x030000", "vendor": "0x1234", "device": "0x1111"})
    intel, amd = machine.pci_cards(tmp_path, NAMES)
    assert (intel.vendor, intel.name) == ("intel", "DG2 [Arc A770]")
    assert amd.vendor == "amd" and "RX 7900" in amd.name and round(amd.memory_gb) == 26
    assert machine.pci_cards(tmp_path, "")[1].name == "card 0x744c"


def test_windows_device_list_is_read():
    arc = {"Name": "Intel(R) Arc(TM) A770 Graphics", "PNPDeviceID": "PCI\\VEN_8086&DEV_56A0"}
    basic = {"Name": "Microsoft Basic Display Adapter", "PNPDeviceID": "ROOT\\BASICDISPLAY"}
    assert [card.vendor for card in machine.windows_cards(json.dumps([arc, basic]))] == ["intel"]
    assert machine.windows_cards(json.dumps(arc))[0].name == arc["Name"]
    for nothing in ("", "null", "[1]", "not JSON"):
        assert machine.windows_cards(nothing) == ()


def test_this_computer_is_described():
    assert machine.this_machine().system in ("linux", "windows", "macos")
