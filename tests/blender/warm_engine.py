"""Engines that answer at once: forked from a process that has loaded their packages already.

Torch and what is built on it take seconds to load, and tests of the command line start an engine for every command.
``warm()`` gives a launch command for DEPTHWRIGHT_ENGINE_PYTHON. What it starts hands its pipes to the process that
has the packages; that forks, and the child is the worker: a process of its own, as any.

Run as a program it is either end: ``warm_engine.py serve SOCKET [MODULE ...]`` or ``warm_engine.py SOCKET [MODELS]``.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ALWAYS = ("depthwright.engine.worker.process", "depthwright.engine.backends.modality_forcing")


@contextmanager
def warm(*modules: str) -> Iterator[str]:
    """The launch command, for as long as the context lasts. After it may come the folder of the catalogue's models.

    modules  to be loaded too, beside what every neural model needs
    """
    from depthwright.engine.client import environment

    env = environment.worker_env()  # some of it is read while packages load
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with tempfile.TemporaryDirectory() as folder:  # of a short path, for a socket's name is short
        door = f"{folder}/door"
        with subprocess.Popen([sys.executable, __file__, "serve", door, *modules], env=env, **pipes) as server:
            assert server.stdout.readline() == b"ready\n"
            yield f"'{sys.executable}' -I -S '{__file__}' '{door}'"
            server.communicate()  # the end of its input is its end


def serve(door_path: str, *modules: str) -> None:
    for module in (*ALWAYS, *modules):
        importlib.import_module(module)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(door_path)
        door.listen()
        print("ready", flush=True)
        while door in select.select([door, 0], [], [])[0]:
            link, _ = door.accept()
            with link:
                if os.fork() == 0:
                    door.close()
                    be_worker(link)
            with contextlib.suppress(ChildProcessError):  # none is left
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def be_worker(link: socket.socket) -> None:
    """With the pipes, the variables and the folder of whoever asks; leaves the process, and tells its exit status."""
    try:
        said, pipes, _, _ = socket.recv_fds(link, 1 << 20, 3)
        asked = json.loads(said)
        for number, pipe in enumerate(pipes):
            os.dup2(pipe, number)
            os.close(pipe)
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["env"])
        # Killed, its client's end of the link is gone: so is this one.
        threading.Thread(target=lambda: (link.recv(1), os._exit(1)), daemon=True).start()
        from depthwright.engine import catalog
        from depthwright.engine.worker import process

        if asked["models"]:
            catalog.ENGINE_DIR = Path(asked["models"])
        status = process.main()
        link.send(bytes([status]))
        os._exit(status)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def ask(door_path: str, models: str = "") -> int:
    """Have a worker on this process's pipes; its exit status."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(door_path)
        said = json.dumps({"env": dict(os.environ), "folder": str(Path.cwd()), "models": models}).encode()
        socket.send_fds(link, [said], [0, 1, 2])
        for number in (0, 1):
            os.close(number)  # the worker alone holds them: what it closes is closed
        answer = link.recv(1)
    return answer[0] if answer else 1


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
    else:
        status = ask(*sys.argv[1:])
        os._exit(status)
