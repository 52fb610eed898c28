"""What fails in the middle of a commit: after every step of it in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from depthwright.scene.blocks import transaction


class StepFailsError(Exception):
    """Not an error that anything else raises."""


def fail_at_every_step(monkeypatch, act: Callable[[], object], state: Callable[[], dict[str, Any]]) -> int:
    """Have act() fail after the first of its steps, after the second, ...: every time the state is what it was.

    In the end it is done. How many steps it has.
    """
    before = state()
    number = 0
    while _fails(monkeypatch, act, number):
        now = state()
        changed = {key: (before.get(key), now.get(key)) for key in before | now if before.get(key) != now.get(key)}
        assert not changed, f"step {number} failed, and something stayed: {changed}"
        number += 1
    assert state() != before, "what is tried changes nothing"
    return number


def _fails(monkeypatch, act: Callable[[], object], number: int) -> bool:
    done, count = transaction._do, 0

    def step(change: Callable[[], object]) -> None:
        nonlocal count
        done(change)
        count += 1
        if count == number + 1:
            raise StepFailsError

    with monkeypatch.context() as patch:
        patch.setattr(transaction, "_do", step)
        try:
            act()
        except StepFailsError:
            return True
    return False
