"""What the planner says for the published model on cards of several sizes: predictions, no card is asked.

python -m engine.evaluation.memory_plans
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from ..catalog.plans import GB, Choices, Device, DeviceKind, Host, ModelSizes, PartPlan, Work, plan
from ..contract.errors import EngineError
from ..memory.facts import part_size
from ..model import checkpoint, text_encoder
from ..model.image_codec import Flux2Codec
from ..model.text_encoder import Qwen3Encoder
from ..model.transformer import Transformer, TransformerConfig

#: Kind, memory, and of that what other programs and the system leave, in GB.
DEVICES: tuple[tuple[DeviceKind, int, float], ...] = (
    ("cuda", 48, 46.5),
    ("cuda", 24, 22.8),
    ("cuda", 16, 15.0),
    ("cuda", 12, 11.2),
    ("cuda", 8, 7.2),
    ("rocm", 24, 22.8),
    ("mps", 64, 44.0),
    ("mps", 32, 21.0),
    ("cpu", 64, 54.0),
    ("cpu", 32, 24.0),
)
HOSTS = ((64, 54.0), (32, 24.0), (16, 10.0))
SIZES_PX = (512, 1024)
TEXT_TOKENS = 512
SHORT = {
    "device": "stays",
    "host": "comes from main memory",
    "disk": "read from disk each time",
    "streamed": "streamed",
}


def published_sizes() -> ModelSizes:
    """Parameters of the released model's parts, counted on the meta device."""
    from transformers import Qwen3Config

    qwen3_8b = Qwen3Config(
        hidden_size=4096,
        intermediate_size=12288,
        num_hidden_layers=36,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=128,
        vocab_size=151936,
    )
    config = TransformerConfig(cross_stream_timestep_mixing=True)
    with torch.device("meta"):
        return ModelSizes(
            text=part_size(Qwen3Encoder(qwen3_8b).model, text_encoder.BLOCKS),
            transformer=part_size(Transformer(config), checkpoint.BLOCKS),
            codec=part_size(Flux2Codec()),
            hidden_size=config.hidden_size,
            mlp_ratio=config.mlp_ratio,
            text_hidden_size=qwen3_8b.hidden_size,
        )


def work(side_px: int) -> Work:
    """Text to image and depth, guided, at a square size."""
    tokens = (side_px // 16) ** 2
    return Work(TEXT_TOKENS, tokens, tokens, side_px**2, looks=2)


def rows(choices: Choices) -> Iterator[str]:
    sizes = published_sizes()
    for kind, memory, free in DEVICES:
        hosts = HOSTS if kind in ("cuda", "rocm") else ((memory, free),)
        for host, host_free in hosts:
            for side in SIZES_PX:
                device = Device(kind, int(free * GB), nf4=kind != "mps")
                shown = f"| {kind} {memory} | {host} | {side} |"
                try:
                    best = plan(device, Host(int(host_free * GB)), sizes, work(side), choices)
                except EngineError:
                    yield f"{shown} does not fit | | | | |"
                    continue
                extra = [
                    *([] if best.one_batch else ["guidance call by call"]),
                    *(["tiles"] if best.tiled_decode else []),
                ]
                yield (
                    f"{shown} {_part(best.transformer)} | {_part(best.text)} | {', '.join(extra) or '-'} | "
                    f"{best.peak / GB:.1f} | {best.host_peak / GB:.1f} |"
                )


def _part(part: PartPlan) -> str:
    return f"{part.precision}, {SHORT[part.placement]}"


def main() -> None:
    for title, choices in (("As exact as fits", Choices()), ("Rather fast", Choices(prefer_speed=True))):
        print(f"\n**{title}**\n")
        print(
            "| device, GB | main memory, GB | side, px | transformer | text encoder | also | peak, GB | main memory |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for row in rows(choices):
            print(row)


if __name__ == "__main__":
    main()
