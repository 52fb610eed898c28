"""Down from one plan to the next when memory runs out."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from ..catalog.plans import Plan
from ..contract.errors import EngineError

T = TypeVar("T")


def climb_down(plans: Sequence[Plan], attempt: Callable[[Plan], T], say: Callable[[str], None]) -> T:
    """What ``attempt`` makes of the first plan that memory allows.

    plans    as ``engine.catalog.plans.ladder`` gives them: each needs less than the one before
    attempt  does the whole work; must hold nothing on the device after it failed
    say      told, before the next plan is tried, what is given up: for the progress line
    Raises EngineError when the last plan fails for memory; whatever else ``attempt`` raises, at once.
    """
    text = ""
    for index, plan in enumerate(plans):
        outcome = _ran_out(attempt, plan)
        if not isinstance(outcome, _Failure):
            return outcome
        text = outcome.text
        free_device_memory()
        if index + 1 < len(plans):
            say(f"out of memory; going on with: {plans[index + 1].label}")
    raise EngineError(
        "Memory ran out, even with the plan that needs least.",
        "Use a smaller size, close other programs, or choose a smaller model.",
        f"{plans[-1].label}\n{text}",
    )


class _Failure:
    def __init__(self, text: str) -> None:
        self.text = text


def _ran_out(attempt: Callable[[Plan], T], plan: Plan) -> T | _Failure:
    """In a function of its own: the error's frames hold what did not fit, and must be gone before the next attempt."""
    try:
        return attempt(plan)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return _Failure(f"{type(error).__name__}: {error}")


def is_out_of_memory(error: BaseException) -> bool:
    """Main memory or a graphics card's, whichever library says so."""
    if isinstance(error, MemoryError):
        return True
    torch = sys.modules.get("torch")  # not loaded: then it cannot be torch's
    if isinstance(error, getattr(torch, "OutOfMemoryError", ())):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and any(
        sign in text for sign in ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
    )


def free_device_memory() -> None:
    """Give back to the device what nobody holds any more."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch is not None and hasattr(torch, "xpu") and torch.xpu.is_available():
        torch.xpu.empty_cache()
    elif torch is not None and torch.backends.mps.is_available():
        torch.mps.empty_cache()
