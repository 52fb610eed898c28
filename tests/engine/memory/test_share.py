"""On Windows the process is held to what its plan was made for; elsewhere it is not."""

import sys
from types import SimpleNamespace

import pytest
import torch
from depthwright.engine.catalog.plans import Device
from depthwright.engine.memory import share

GB = 10**9


@pytest.fixture
def card(monkeypatch):
    held = []
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(total_memory=8 * GB))
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda part, device: held.append(part))
    return held


@pytest.mark.parametrize(("free", "part"), [(6 * GB, 0.75), (9 * GB, 1.0), (0, share.LEAST)])
def test_windows_is_held_to_what_was_free(card, monkeypatch, free, part):
    monkeypatch.setattr(sys, "platform", "win32")
    assert share.cap(torch.device("cuda"), Device("cuda", free)) == part
    assert card == [part]


@pytest.mark.parametrize(("platform", "device"), [("linux", "cuda"), ("win32", "cpu"), ("darwin", "mps")])
def test_others_are_not(card, monkeypatch, platform, device):
    monkeypatch.setattr(sys, "platform", platform)
    assert share.cap(torch.device(device), Device("cuda", GB)) is None and not card
