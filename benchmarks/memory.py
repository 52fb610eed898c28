"""Peak resident memory of loading a large checkpoint in each precision, in a process of its own.

python -m benchmarks.memory            4 GB of bfloat16 in the temporary folder, deleted afterwards
"""

from __future__ import annotations

import argparse
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from depthwright.engine.memory.quantise import stored_bytes
from depthwright.engine.model.checkpoint import BLOCKS, PUBLISHED_PREFIX, load_transformer
from depthwright.engine.model.transformer import Transformer, TransformerConfig

#: The published layout at half its width: 2.1 billion parameters.
FOUR_GIGABYTES = TransformerConfig(hidden_size=2048, num_heads=16, depth_double=4, depth_single=20)
PRECISIONS = ("bfloat16", "int8", "float8", "nf4")


def write_checkpoint(config: TransformerConfig, path: Path) -> None:
    """A checkpoint of this layout with random bfloat16 weights, the same few over and over: drawing takes longest."""
    with torch.device("meta"):
        shapes = {PUBLISHED_PREFIX + k: v.shape for k, v in Transformer(config).state_dict().items()}
    header, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + 2 * shape.numel()
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        values = (torch.randn(2**24) / config.hidden_size**0.5).bfloat16().view(torch.uint8).numpy()
        for shape in shapes.values():
            for start in range(0, 2 * shape.numel(), len(values)):
                file.write(values[: 2 * shape.numel() - start].data)


def largest_block_bytes(config: TransformerConfig) -> int:
    """Of bfloat16."""
    with torch.device("meta"):
        model = Transformer(config)
    blocks = [block for name in BLOCKS for block in model.get_submodule(name.rstrip("."))]
    return max(2 * sum(p.numel() for p in block.parameters()) for block in blocks)


def peak_bytes() -> int:
    """Of this process so far. Linux."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def load(path: Path, precision: str) -> None:
    """Print what loading took, as JSON: bytes of the model, peak of the process, and before the model was loaded."""
    before = peak_bytes()
    model = load_transformer(FOUR_GIGABYTES, path, dtype=torch.bfloat16, precision=precision)
    print(json.dumps({"stored": stored_bytes(model), "peak": peak_bytes(), "before": before}))


def run(precisions: tuple[str, ...] = PRECISIONS) -> None:
    """Print a table: the promise is a peak below 1.4 times the model's bytes plus the largest block."""
    block = largest_block_bytes(FOUR_GIGABYTES)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        write_checkpoint(FOUR_GIGABYTES, path)
        print(f"\nLoading {path.stat().st_size / 1e9:.2f} GB of bfloat16; its largest block: {block / 1e9:.2f} GB.")
        print("| precision | model | peak resident, with Python and PyTorch | of 1.4 x model + largest block |")
        print("|---|---|---|---|")
        for precision in precisions:
            command = [sys.executable, "-m", "benchmarks.memory", "--load", str(path), precision]
            took = json.loads(subprocess.run(command, check=True, capture_output=True).stdout.splitlines()[-1])
            share = took["peak"] / (1.4 * took["stored"] + block)
            print(
                f"| {precision} | {took['stored'] / 1e9:.2f} GB | {took['peak'] / 1e9:.2f} GB | {share:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--load", nargs=2, metavar=("FILE", "PRECISION"))
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    args = parser.parse_args()
    if args.load:
        load(Path(args.load[0]), args.load[1])
    else:
        run(tuple(args.precisions))
