"""What fits where, as tables: no device is asked."""

import itertools
from dataclasses import replace

import pytest
import torch
from depthwright.engine.catalog.plans import GB, Choices, Device, Host, ModelSizes, PartSize, Plan, Work, ladder, plan
from depthwright.engine.contract.errors import EngineError
from depthwright.engine.memory.ladder import climb_down

#: The published model: 12 billion parameters, the 27 layers of Qwen3-8B that are needed, the autoencoder.
PUBLISHED = ModelSizes(
    text=PartSize(blocks=5_210_000_000, rest=622_000_000, largest_block=193_000_000),
    transformer=PartSize(blocks=11_320_000_000, rest=666_000_000, largest_block=654_000_000),
    codec=PartSize(blocks=0, rest=84_000_000, largest_block=0),
    hidden_size=4096,
)
DEFAULTS = Choices()
AT_512 = Work(text_tokens=512, image_tokens=1024, depth_tokens=1024, pixels=512 * 512, looks=2)


def made(free_gb: float, host_gb: float, kind: str = "cuda", choices: Choices = DEFAULTS, work: Work = AT_512) -> Plan:
    host = free_gb if kind in ("cpu", "mps") else host_gb
    device = Device(kind, int(free_gb * GB), float8=True, nf4=kind != "mps")
    return plan(device, Host(int(host * GB)), PUBLISHED, work, choices)


@pytest.mark.parametrize(
    ("free_gb", "host_gb", "kind", "precision", "placement"),
    [
        (47, 64, "cuda", "bfloat16", "device"),
        (31, 64, "cuda", "bfloat16", "host"),  # text encoder and transformer take turns
        (23, 64, "cuda", "bfloat16", "streamed"),
        (15, 64, "cuda", "bfloat16", "streamed"),
        (7.4, 64, "cuda", "bfloat16", "streamed"),
        (23, 16, "cuda", "int8", "device"),  # host memory does not hold the bfloat16
        (15, 16, "cuda", "int8", "host"),
        (11, 16, "rocm", "int8", "streamed"),
        (50, 50, "cpu", "bfloat16", "device"),
        (30, 30, "mps", "bfloat16", "disk"),
        (22, 22, "mps", "int8", "device"),
        (14, 14, "cpu", "nf4", "device"),
        (7.2, 10, "cuda", "nf4", "streamed"),
    ],
)
def test_the_most_exact_plan_that_fits(free_gb, host_gb, kind, precision, placement):
    best = made(free_gb, host_gb, kind)
    assert (best.transformer.precision, best.transformer.placement) == (precision, placement), best.label
    assert best.peak <= free_gb * GB


@pytest.mark.parametrize(("free_gb", "kind"), [(47, "cuda"), (31, "cuda"), (7.4, "cuda"), (50, "cpu"), (30, "mps")])
def test_where_pixels_are_known_transformer_and_codec_stay_beside_each_other(free_gb, kind):
    """A step needs both: no plan of the ladder has one leave for the other."""
    work, host_gb = replace(AT_512, known=True), free_gb if kind != "cuda" else 64
    device = Device(kind, int(free_gb * GB), float8=True, nf4=kind != "mps")
    for step in ladder(device, Host(int(host_gb * GB)), PUBLISHED, work):
        assert step.codec.placement == "device" and step.transformer.placement in ("device", "streamed")
    free = made(free_gb, host_gb, kind)
    if free.transformer.placement == "disk":
        assert made(free_gb, host_gb, kind, work=work).transformer.precision == "int8"


def test_speed_may_come_before_exactness():
    exact, fast = made(15.5, 64), made(15.5, 64, choices=Choices(prefer_speed=True))
    assert (exact.transformer.precision, exact.transformer.placement) == ("bfloat16", "streamed")
    assert fast.transformer.precision == "int8" and fast.transformer.placement != "streamed"
    assert fast.approximate and not exact.approximate


def test_a_precision_that_was_chosen_is_kept():
    steps = ladder(Device("cuda", int(23 * GB)), Host(int(64 * GB)), PUBLISHED, AT_512, Choices(precision="int8"))
    assert {step.transformer.precision for step in steps} == {"int8"}
    with pytest.raises(EngineError, match="cannot hold weights as nf4"):
        made(23, 23, "mps", Choices(precision="nf4"))


def test_float8_is_never_chosen_by_itself():
    """It takes what int8 takes and loses more."""
    steps = ladder(Device("cuda", int(47 * GB), float8=True), Host(int(64 * GB)), PUBLISHED, AT_512)
    assert "float8" not in {step.transformer.precision for step in steps}
    assert made(23, 64, choices=Choices(precision="float8")).transformer.precision == "float8"


def test_a_larger_picture_never_needs_less():
    larger = Work(512, 4096, 4096, 1024 * 1024, True)
    for free_gb in (47, 23, 15, 11):
        assert made(free_gb, 64, work=larger).peak <= free_gb * GB
    small, large = made(100, 200), made(100, 200, work=larger)
    assert small.transformer == large.transformer and large.peak > small.peak


def test_each_step_down_needs_less():
    steps = ladder(Device("cuda", int(47 * GB)), Host(int(64 * GB)), PUBLISHED, AT_512)
    peaks = [step.peak for step in steps]
    assert len(steps) >= 4 and all(after <= 0.9 * before for before, after in itertools.pairwise(peaks))


def test_what_fits_nowhere_is_an_error_with_numbers():
    with pytest.raises(EngineError) as failed:
        made(1, 4)
    assert "GB of free graphics memory" in failed.value.summary and "1.0 GB and 4.0 GB" in failed.value.summary
    assert "smaller size" in failed.value.remedy


# the way down


STEPS = ladder(Device("cuda", int(47 * GB)), Host(int(64 * GB)), PUBLISHED, AT_512)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_the_next_plan_comes_when_memory_runs_out(error):
    """Said before it is tried. A simulated allocator: whatever needs more than the second plan fails."""
    told, tried = [], []

    def attempt(step: Plan) -> str:
        tried.append(step)
        if step.peak > STEPS[1].peak:
            raise error
        return "made"

    assert climb_down(STEPS, attempt, told.append) == "made"
    assert tried == list(STEPS[:2])
    assert told == [f"out of memory; going on with: {STEPS[1].label}"]


def test_what_failed_is_freed_before_the_next_plan_is_tried():
    held = []

    class Weights:
        def __init__(self) -> None:
            held.append(self)

        def __del__(self) -> None:
            alive.discard(id(self))

    alive: set[int] = set()

    def attempt(step: Plan) -> int:
        assert not alive, "the weights of the plan before are still there"
        weights = Weights()
        alive.add(id(held.pop()))
        if step is not STEPS[2]:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return id(weights)

    climb_down(STEPS, attempt, lambda _: None)


def test_the_last_plan_failing_is_an_error_with_a_remedy():
    told = []

    def attempt(_: Plan) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    with pytest.raises(EngineError) as failed:
        climb_down(STEPS, attempt, told.append)
    assert "smaller size" in failed.value.remedy and "2.00 GiB" in failed.value.detail
    assert len(told) == len(STEPS) - 1


def test_other_errors_are_not_tried_again():
    with pytest.raises(ZeroDivisionError):
        climb_down(STEPS, lambda _: 1 // 0, lambda _: pytest.fail("nothing ran out"))
