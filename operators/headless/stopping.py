"""SIGTERM, SIGINT and SIGHUP: none is ignored, none crashes, and nothing half made is left, from our first line on.

While Blender loads, nothing of ours is in hand, and an exception would end in Blender's hands: a thread takes the
signal and ends the process. Afterwards Python's handlers raise Stopped, so that all is tidied on the way out; and
where the main thread does not hear it, in a render, or it is swallowed on the way, the thread ends the process.

Nothing but the standard library's lightest is imported here: what comes before it no handler covers.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

#: From a signal to the end, where the main thread does not come to it by itself.
GRACE_S = 1.5

#: By which the main thread tells the waiting one that loading is over.
_OVER: int = getattr(signal, "SIGUSR1", 0)  # 0: Windows

#: What is done before the process ends on the spot; see leave().
_tidy: list[Callable[[], object]] = []

_waiting: threading.Thread | None = None


class Stopped(BaseException):
    """Not an Exception: no handler on the way may take it for a failed job."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.exit_status = 128 + signal_number  # what a shell reports for a process ended by that signal


def before_leaving(act: Callable[[], object]) -> None:
    """Have leave() do that first. It may run on any thread, while the main thread is at work."""
    _tidy.append(act)


def leave(number: int) -> None:
    """End the process now, as that signal would."""
    try:
        for act in reversed(_tidy):
            with contextlib.suppress(Exception):
                act()
        with contextlib.suppress(Exception):
            print("Stopped.", file=sys.stderr, flush=True)
    finally:
        os._exit(128 + number)


def begin_loading() -> None:
    """For a process of our own: until loaded() is called a signal ends it at once."""
    global _waiting
    if not _OVER:
        for number in _numbers():
            signal.signal(number, lambda number, _: leave(number))
        return
    # Blocked in every thread that Blender starts meanwhile, too; whatever handler it sets is not called.
    signal.pthread_sigmask(signal.SIG_BLOCK, {*_numbers(), _OVER})
    _waiting = threading.Thread(target=_wait, name="depthwright-loading", daemon=True)
    _waiting.start()


def _wait() -> None:
    number = signal.sigwait({*_numbers(), _OVER})
    if number != _OVER:
        leave(number)


def _loaded() -> None:
    """The handlers are set: what has come meanwhile is theirs."""
    global _waiting
    if _waiting is not None and _waiting.ident is not None:
        signal.pthread_kill(_waiting.ident, _OVER)
        _waiting.join()
        _waiting = None
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*_numbers(), _OVER})


def _numbers() -> list[int]:
    numbers: list[int] = [signal.SIGTERM, signal.SIGINT]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # ignored: under nohup
        numbers.append(signal.SIGHUP)
    return numbers


@contextmanager
def stoppable(*, to_the_end: bool) -> Iterator[None]:
    """A signal raises Stopped meanwhile, and ends the process GRACE_S later if the block has not ended by then.

    to_the_end  the process ends after the block: a signal changes nothing any more
    """
    import socket

    numbers, ended = _numbers(), threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if _within_blender(frame):
            return  # Stopped would end in Blender's hands, and a render go on without what was interrupted: see _watch
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)  # a second one must not cut the clean-up short
        raise Stopped(number)

    kept = {number: signal.signal(number, stop) for number in numbers}
    # Python runs stop() in the main thread, which hears nothing while it renders. The number arrives here at once.
    arrivals, departures = socket.socketpair()
    departures.setblocking(False)
    kept_fd = signal.set_wakeup_fd(departures.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(arrivals, ended), name="depthwright-stop", daemon=True).start()
    try:
        _loaded()
        yield
    finally:
        for number, handler in kept.items():
            # None: the handler was Blender's own, in C, which Python cannot put back.
            before = signal.SIG_DFL if handler is None else handler
            signal.signal(number, signal.SIG_IGN if to_the_end else before)
        ended.set()
        signal.set_wakeup_fd(kept_fd)
        departures.close()


def _within_blender(frame: FrameType | None) -> bool:
    """Whether one of Blender's operators is at work, which has called back."""
    while frame is not None and frame.f_globals.get("__name__") != "bpy.ops":
        frame = frame.f_back
    return frame is not None


def _watch(arrivals: socket.socket, ended: threading.Event) -> None:
    """End the process where a signal has come and the main thread does not hear of it, or does not heed it."""
    with arrivals:
        number = arrivals.recv(1)
        if number and not ended.wait(GRACE_S):
            leave(number[0])
