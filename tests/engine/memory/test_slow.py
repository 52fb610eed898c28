"""A step that takes five times what the card needs is said, with what to do; others are not."""

import pytest
from depthwright.engine.catalog.plans import Device, Host, ModelSizes, PartSize, Work, plan
from depthwright.engine.memory import slow

SIZES = ModelSizes(
    PartSize(7 * 10**9, 10**9, 2 * 10**8), PartSize(8 * 10**9, 10**9, 2 * 10**8), PartSize(0, 10**8, 0), 4096
)
WORK = Work(512, 1024, 1024, 512 * 512, looks=2)


def planned(free):
    return plan(Device("cuda", free), Host(60 * 10**9), SIZES, WORK)


def test_the_prediction_is_of_products_or_of_the_line():
    resident, streamed = planned(80 * 10**9), planned(8 * 10**9)
    assert (resident.transformer.placement, streamed.transformer.placement) == ("device", "streamed")
    expected = 2 * 9e9 * (512 + 2048) * 2 / (slow.SHARE * 1e14)
    assert slow.predicted_step_s(SIZES, WORK, resident, 1e14) == pytest.approx(expected)
    assert slow.predicted_step_s(SIZES, WORK, streamed, 1e18) >= 16e9 / slow.LINK


@pytest.mark.parametrize(("seconds", "said"), [([1.0, 1.2], False), ([4.9] * 3, False), ([9.0, 5.1, 6.0], True)])
def test_five_times_slower_is_a_note_with_its_cure(seconds, said):
    note = slow.slow_note(seconds, 1.0)
    assert bool(note) == said
    if said:
        assert "A step took 6.0 s, where about 1.0 s" in note[0] and "smaller size" in note[0]
    assert slow.slow_note(seconds, None) == slow.slow_note([], 1.0) == ()


def test_the_clock_counts_sampling_alone():
    times = iter([0.0, 2.0, 8.0, 100.0, 103.0])
    passed = []
    clock = slow.StepClock(lambda *told: passed.append(told), lambda: next(times))
    clock("loading", 0, 1)
    for step in (0, 1, 3):
        clock("sampling", step, 3, None)
    clock("finishing", 0, 1)
    for step in (0, 1):
        clock("sampling the whole", step, 3)
    clock("sampling details", 1, 3)
    assert clock.seconds == [2.0, 3.0, 3.0, 3.0] and len(passed) == 8
