"""Whether the sizes in a checkpoint's config can be: before modules of these sizes are made."""

from __future__ import annotations

import math
from typing import Any

#: The largest of each that any model comes near to.
MAX_CHANNELS, MAX_BLOCKS, MAX_SIDE_PX, MAX_TOKENS = 1 << 17, 512, 8192, 1 << 16


def check_whole(config: Any, **limits: tuple[int, int]) -> None:
    """ValueError unless these fields of the config are whole numbers (None, where that is the default), lowest to
    highest; of a tuple, all of its numbers."""
    for name, (lowest, highest) in limits.items():
        value = getattr(config, name)
        numbers = value if isinstance(value, tuple) else (value,)
        if isinstance(value, tuple) and not 1 <= len(value) <= MAX_BLOCKS:
            raise ValueError(f"{name} has {len(value)} numbers")
        for number in numbers:
            if type(number) is not int or not lowest <= number <= highest:
                raise ValueError(f"{name} is {repr(number)[:40]}, and should be {lowest} to {highest}")


def check_numbers(config: Any, **limits: tuple[float, float]) -> None:
    """The same for numbers with a fraction."""
    for name, (lowest, highest) in limits.items():
        value = getattr(config, name)
        if type(value) not in (int, float) or not math.isfinite(value) or not lowest <= value <= highest:
            raise ValueError(f"{name} is {repr(value)[:40]}, and should be {lowest:g} to {highest:g}")


def check_switches(config: Any, *names: str) -> None:
    """ValueError unless these fields are true or false."""
    for name in names:
        if type(getattr(config, name)) is not bool:
            raise ValueError(f"{name} is {repr(getattr(config, name))[:40]}, and should be true or false")
