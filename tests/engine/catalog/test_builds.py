"""Which build of PyTorch a described computer gets, and what is said of it."""

import pytest
from depthwright.engine.catalog import builds
from depthwright.engine.catalog.builds import Machine, choose
from depthwright.engine.contract.errors import InputError


def card(name, vendor, driver="", compute_capability=None, memory_gb=None):
    values = {"name": name, "vendor": vendor, "driver": driver, "memory_gb": memory_gb}
    return values | {"compute_capability": compute_capability}


RTX_4070 = card("NVIDIA GeForce RTX 4070", "nvidia", "581.29", 8.9, 12)
RTX_5090 = card("NVIDIA GeForce RTX 5090", "nvidia", "580.65.06", 12.0, 32)
GTX_1080 = card("NVIDIA GeForce GTX 1080", "nvidia", "581.29", "6.1", 8)
IRIS = card("Intel(R) Iris(R) Xe Graphics", "intel")
RX_7900 = card("AMD Radeon RX 7900 XTX", "amd", memory_gb=24)

MACHINES = {
    "new NVIDIA, Windows": ("windows", "AMD64", [RTX_4070], "cu130"),
    "Blackwell, Linux": ("linux", "x86_64", [RTX_5090], "cu130"),
    "Turing": ("linux", "x86_64", [card("Tesla T4", "nvidia", "580.65", 7.5, 16)], "cu130"),
    "Pascal": ("windows", "x86_64", [GTX_1080], "cu126"),
    "Volta": ("linux", "x86_64", [card("Tesla V100", "nvidia", "580.1", 7.0, 16)], "cu126"),
    "older driver": ("linux", "x86_64", [RTX_4070 | {"driver": "550.54.14"}], "cu126"),
    "driver too old": ("linux", "x86_64", [RTX_4070 | {"driver": "470.82"}], "cpu"),
    "Blackwell, older driver": ("windows", "x86_64", [RTX_5090 | {"driver": "572.16"}], "cpu"),
    "no NVIDIA driver": ("linux", "x86_64", [card("GA104 [GeForce RTX 3070]", "nvidia")], "cpu"),
    "Kepler": ("linux", "x86_64", [card("GeForce GTX 780", "nvidia", "470.1", 3.5, 3)], "cpu"),
    "AMD, Linux": ("linux", "x86_64", [RX_7900], "rocm7.2"),
    "AMD, Windows": ("windows", "x86_64", [RX_7900], "rocm-windows"),
    "AMD RX 6800, Linux": ("linux", "x86_64", [card("AMD Radeon RX 6800 XT", "amd")], "rocm7.2"),
    "AMD RX 6800, Windows": ("windows", "x86_64", [card("AMD Radeon RX 6800 XT", "amd")], "cpu"),
    "AMD RX 580": ("linux", "x86_64", [card("AMD Radeon RX 580", "amd")], "cpu"),
    "Intel Arc": ("windows", "x86_64", [card("Intel(R) Arc(TM) A770 Graphics", "intel")], "xpu"),
    "Intel Arc, Linux": ("linux", "x86_64", [card("DG2 [Arc A770]", "intel")], "xpu"),
    "Intel Iris": ("windows", "x86_64", [IRIS], "cpu"),
    "Apple silicon": ("macos", "arm64", [], "mps"),
    "Apple silicon with its card": ("macos", "arm64", [card("Apple M3", "apple", memory_gb=16)], "mps"),
    "Intel Mac": ("macos", "x86_64", [card("AMD Radeon Pro 5500M", "amd")], None),
    "Windows on ARM": ("windows", "arm64", [card("Qualcomm Adreno", "qualcomm")], None),
    "Linux on ARM": ("linux", "aarch64", [], "cpu"),
    "two cards": ("linux", "x86_64", [GTX_1080, RTX_4070], "cu130"),
    "two vendors": ("linux", "x86_64", [RX_7900, RTX_4070], "cu130"),
    "NVIDIA without a use beside AMD": ("linux", "x86_64", [RX_7900, RTX_4070 | {"driver": "470.1"}], "rocm7.2"),
    "laptop": ("windows", "x86_64", [IRIS, RTX_4070], "cu130"),
    "none": ("linux", "x86_64", [], "cpu"),
    "a virtual card": ("windows", "x86_64", [card("Microsoft Basic Display Adapter", "microsoft")], "cpu"),
}


@pytest.mark.parametrize("name", MACHINES)
def test_the_build_of_a_described_computer(name):
    system, architecture, cards, wanted = MACHINES[name]
    choice = choose(Machine.from_dict({"system": system, "architecture": architecture, "cards": cards}))
    assert (choice.build.id if choice.build else None) == wanted, choice
    assert choice.sentence
    if wanted in ("cpu", None) and cards and cards[0]["vendor"] in builds.VENDORS:
        assert choice.advice, "what the card lacks"


def chosen(system, *cards):
    return choose(Machine.from_dict({"system": system, "architecture": "x86_64", "cards": cards}))


def test_the_sentence_names_card_memory_driver_build_and_download():
    assert chosen("linux", RTX_4070).sentence == (
        "NVIDIA GeForce RTX 4070, 12 GB, driver 581: CUDA 13.0, 2.9 GB to download"
    )
    assert "about" in chosen("windows", RTX_4070).sentence, "a size that nobody measured is said to be one"


def test_advice_says_which_driver_would_do():
    assert "580" in chosen("linux", RTX_4070 | {"driver": "470.82"}).advice
    assert "too old" in chosen("linux", RTX_4070 | {"driver": "470.82"}).advice
    assert "A driver from 580 on allows CUDA 13.0" in chosen("linux", RTX_4070 | {"driver": "550.1"}).advice
    assert "NVIDIA's own driver was not found" in chosen("linux", card("GA104", "nvidia")).advice
    assert chosen("linux", RTX_4070).advice == chosen("linux", GTX_1080).advice == ""


@pytest.mark.parametrize(
    "values",
    [
        [],
        {"system": "linux"},
        {"system": "dos", "architecture": "x86_64"},
        {"system": "linux", "architecture": "x86_64", "cards": [{"vendor": "nvidia"}]},
        {"system": "linux", "architecture": "x86_64", "cards": [{"name": "x", "vendor": "nvidia", "ram": 1}]},
        {"system": "linux", "architecture": "x86_64", "cards": [card("x", "nvidia", memory_gb="much")]},
        {"system": "linux", "architecture": "x86_64", "cpus": 4},
    ],
)
def test_what_is_no_description_is_refused(values):
    with pytest.raises(InputError, match="does not describe a computer"):
        Machine.from_dict(values)


def test_every_build_has_what_the_installation_asks_for():
    assert {build.id for build in builds.all_builds()} == {
        *("cu130", "cu126", "rocm7.2", "rocm-windows", "xpu", "mps", "cpu")
    }
    for build in builds.all_builds():
        assert build.disk_bytes > build.download_bytes > 1e8 and build.serves and build.label
        assert build.takes_python((3, 12)) and not build.takes_python((3, 10))
        assert not build.wheels or any(build.torch in url.replace("%2B", "+") for url in build.wheels)
        assert "bitsandbytes" not in build.packages or build.vendor in ("nvidia", "")


def test_a_build_by_its_name():
    linux = Machine("linux", "x86_64")
    assert builds.find_build("cu126", linux).torch == "2.13.0+cu126"
    for name in ("mps", "cu999", ""):
        with pytest.raises(InputError, match=r"There are: cu130, cu126, rocm7\.2, xpu, cpu"):
            builds.find_build(name, linux)
