"""Train the model that ships on a graphics card, in slices of a few minutes: samples and training, one command.

    python -m engine.training.train_on_card --run runs/card --minutes 9 --budget-minutes 27

The first call makes samples on all processor cores, for as long as --data-minutes says, and every call goes on from the
last one's checkpoint; the learning rate follows the minutes trained in all (--budget-minutes). RUN/run/model is the
result. Without a card it does the same on the processor: --batch 8 --minutes 1 is a rehearsal.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from . import train
from .dataset import SHARD_SIZE, prepare
from .sizes import PRESETS

SHIPPED = Path(__file__).parents[1] / "builtin" / "neural"
SAMPLES_A_CORE = 20  # a second, or a little less: so many shards are asked for that the time runs out
FIRST_SEED = 400_000_000  # nobody else's samples


def make_samples(folder: Path, size_px: int, minutes: float, processes: int, shard: int = SHARD_SIZE) -> None:
    """Shards until the time is over, where there are none yet; always at least one a process."""
    if list(folder.glob("*.npz")):
        return
    until = time.monotonic() + 60 * minutes
    seed = FIRST_SEED
    while seed == FIRST_SEED or time.monotonic() < until:
        for path in prepare(folder, shard * processes, size_px, processes, seed, shard=shard):
            print(path.name, flush=True)
        seed += shard * processes


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="folder of samples, checkpoint and model")
    parser.add_argument("--minutes", type=float, default=9.0, help="of this call, samples and saving included")
    parser.add_argument("--budget-minutes", type=float, default=27.0, help="of training, over all calls")
    parser.add_argument("--data-minutes", type=float, default=1.5, help="of making samples, in the first call")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="small128")
    parser.add_argument("--init", type=Path, default=SHIPPED, help="model folder whose weights it begins with")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--shard", type=int, default=SHARD_SIZE, help="samples a file")
    parser.add_argument("--compile", action="store_true", help="compile the blocks (a minute, then faster)")
    options = parser.parse_args(arguments)
    started, cores = time.monotonic(), os.cpu_count() or 1
    data = options.run / "data"
    make_samples(data, PRESETS[options.preset].native_px, options.data_minutes, cores, options.shard)
    left = options.minutes - (time.monotonic() - started) / 60 - 0.4  # loading and saving
    fine = PRESETS[options.preset].fine
    shift = PRESETS[options.preset].parametrisation.schedule.rgb_shift_mu - 0.5 if fine else 0.0
    asked = {
        "--data": data,
        "--run": options.run / "run",
        "--preset": options.preset,
        "--init": options.init,
        "--budget-minutes": options.budget_minutes,
        "--slice-minutes": max(left, 0.1),
        "--batch": options.batch,
        "--readers": min(cores, 8),
        "--hold": 0.5,
        "--ema": 0.9995,
        "--log-s": 15,
        "--save-s": 120,
        "--set": f"time_shift_mu={shift}",
    }
    words = [str(word) for pair in asked.items() for word in pair]
    return train.main([*words, *(["--compile"] if options.compile else [])])


if __name__ == "__main__":
    sys.exit(main())
