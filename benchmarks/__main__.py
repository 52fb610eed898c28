"""Run every benchmark, or those of the topics named, and print a table: what, how long, and how much of its yardstick.

python -m benchmarks [geometry] [worker] [model] [scene] [paint] [memory]
"""

from __future__ import annotations

import importlib
import os
import sys

from .measure import header

TOPICS = ("geometry", "worker", "model", "scene", "paint", "memory")


def main(topics: list[str]) -> int:
    unknown = set(topics) - set(TOPICS)
    if unknown:
        print(f"No such topic: {', '.join(sorted(unknown))}. There are {', '.join(TOPICS)}.", file=sys.stderr)
        return 2
    header()
    for topic in topics or TOPICS:
        importlib.import_module(f"{__package__}.{topic}").run()
    return 0


if __name__ == "__main__":
    exit_status = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(exit_status)  # Blender's module may hang when it is torn down
