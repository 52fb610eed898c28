"""What the C library does with memory that is freed."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import psutil
import torch
from depthwright.engine.memory import heap
def resident():
    return psutil.Process().memory_info().rss
if {keeps}:
    heap.keep_freed()
held = [torch.ones(1_300_000) for _ in range(30)]  # 5 MB each
full = resident()
held.clear()
after_freeing = resident()
heap.give_back()
print(full - after_freeing, full - resident())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
@pytest.mark.parametrize("keeps", [True, False])
def test_what_is_freed_is_kept_until_it_is_given_back(keeps):
    asked = [sys.executable, "-c", SCRIPT.format(keeps=keeps)]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    gone_at_once, gone_in_the_end = map(int, done.stdout.split())
    assert gone_in_the_end > 140e6
    assert gone_at_once < 10e6 if keeps else gone_at_once > 50e6
