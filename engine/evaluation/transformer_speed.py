"""Seconds per call of the transformer, and their ratio to diffusers' FLUX.2 transformer of the same size.

Both are built with random weights, see the same number of tokens, and take turns, so that what else the machine does
meets both alike. Diffusers' model has two streams, text and image: image and depth tokens go into its second one.
It has no depth decoder, so by default ours is built without one either.

python -m engine bench transformer --hidden 256 --double 2 --single 4 --tokens 64 256 256
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from ..contract.errors import InputError
from ..model.speed import compile_module, compile_transformer, lay_out
from ..model.transformer import Transformer, TransformerConfig, token_ids

if TYPE_CHECKING:
    from diffusers import Flux2Transformer2DModel

YARDSTICK = "diffusers Flux2Transformer2DModel, eager"
CHANNELS = {"img": 128, "depth": 256, "ctx": 1024}  # of a token, before the first layer


@dataclass(frozen=True)
class Sizes:
    """What is timed. tokens: text, image, depth."""

    hidden: int = 256
    double: int = 2
    single: int = 4
    decoder: int = 0
    tokens: tuple[int, int, int] = (64, 256, 256)
    batch: int = 1
    dtype: torch.dtype = torch.float32
    device: str = "cpu"

    @property
    def head_dim(self) -> int:
        return min(128, self.hidden)


Call = Callable[[], object]


def transformer(sizes: Sizes) -> tuple[Transformer, Call]:
    """Ours, and one call of it."""
    config = TransformerConfig(
        in_channels=CHANNELS["img"],
        depth_channels=CHANNELS["depth"],
        context_in_dim=CHANNELS["ctx"],
        hidden_size=sizes.hidden,
        num_heads=sizes.hidden // sizes.head_dim,
        depth_double=sizes.double,
        depth_single=sizes.single,
        depth_decoder_num_layers=sizes.decoder,
        axes_dim=(sizes.head_dim // 4,) * 4,
    )
    with torch.device(sizes.device):
        model = Transformer(config, sizes.dtype).to(sizes.dtype)
    model.depth_final_layer.float()
    lay_out(model)
    given = _inputs(sizes)
    text, image, depth = sizes.tokens
    ids = token_ids(sizes.batch, text, (1, image), sizes.device)
    if depth != image:
        ids["depth_ids"] = token_ids(sizes.batch, 0, (1, depth), sizes.device)["depth_ids"]
    t = torch.tensor(0.5, device=sizes.device).expand(sizes.batch)
    return model, lambda: model(**given, **ids, timesteps=t, depth_timesteps=t)


def diffusers_transformer(sizes: Sizes) -> tuple[Flux2Transformer2DModel, Call]:
    """The yardstick, and one call of it."""
    from diffusers import Flux2Transformer2DModel

    with torch.device(sizes.device):
        model = Flux2Transformer2DModel(
            in_channels=CHANNELS["img"],
            num_layers=sizes.double,
            num_single_layers=sizes.single,
            attention_head_dim=sizes.head_dim,
            num_attention_heads=sizes.hidden // sizes.head_dim,
            joint_attention_dim=CHANNELS["ctx"],
            axes_dims_rope=(sizes.head_dim // 4,) * 4,
            guidance_embeds=False,
        )
    nn.Module.to(model, sizes.dtype)  # its own ``to`` has lost the annotations
    text, image, depth = sizes.tokens
    ids = token_ids(1, text, (1, image + depth), sizes.device)
    given = _inputs(sizes)
    hidden_states = torch.randn(sizes.batch, image + depth, CHANNELS["img"], dtype=sizes.dtype, device=sizes.device)
    t = torch.full((sizes.batch,), 0.5, dtype=sizes.dtype, device=sizes.device)
    return model, lambda: model(
        hidden_states=hidden_states,
        encoder_hidden_states=given["ctx"],
        timestep=t,
        img_ids=ids["img_ids"][0],
        txt_ids=ids["ctx_ids"][0],
        return_dict=False,
    )


def _inputs(sizes: Sizes) -> dict[str, torch.Tensor]:
    lengths = zip(("ctx", "img", "depth"), sizes.tokens, strict=True)
    return {
        name: torch.randn(sizes.batch, length, CHANNELS[name], dtype=sizes.dtype, device=sizes.device)
        for name, length in lengths
    }


def take_turns(calls: Mapping[str, Call], repeats: int, device: str = "cpu") -> dict[str, float]:
    """Median seconds of each, called one after the other ``repeats`` times, after one round that does not count.

    On one thread of the processor these are seconds that the thread had it, so that other programs do not count.
    """
    alone = device == "cpu" and torch.get_num_threads() == 1
    clock = time.thread_time if alone else time.perf_counter
    wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    with torch.inference_mode():
        for turn in range(repeats + 1):
            for name, call in calls.items():
                wait()
                started = clock()
                call()
                wait()
                if turn:
                    seconds[name].append(clock() - started)
    return {name: statistics.median(times) for name, times in seconds.items()}


def compare(sizes: Sizes, repeats: int, compiled: bool) -> dict[str, float]:
    """Median seconds of a call, by what is called; the yardstick comes first."""
    models: dict[str, tuple[nn.Module, Call]] = {
        YARDSTICK: diffusers_transformer(sizes),
        "Depthwright, eager": transformer(sizes),
    }
    if compiled:
        theirs, ours = diffusers_transformer(sizes), transformer(sizes)
        # As ours: faster than its own way, which is by blocks whatever the size.
        compile_module(theirs[0], [*theirs[0].transformer_blocks, *theirs[0].single_transformer_blocks])
        compile_transformer(ours[0])
        models |= {"diffusers, compiled": theirs, "Depthwright, compiled": ours}
    for model, _ in models.values():
        model.requires_grad_(False)
    return take_turns({name: call for name, (_, call) in models.items()}, repeats, sizes.device)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Of ``python -m engine bench transformer``."""
    parser.add_argument("--hidden", type=int, default=Sizes.hidden, help="channels")
    parser.add_argument("--double", type=int, default=Sizes.double, help="double blocks")
    parser.add_argument("--single", type=int, default=Sizes.single, help="single blocks")
    parser.add_argument("--decoder", type=int, default=Sizes.decoder, help="depth decoder blocks: diffusers has none")
    parser.add_argument(
        "--tokens", type=int, nargs=3, default=Sizes.tokens, metavar=("TEXT", "IMAGE", "DEPTH"), help="tokens of each"
    )
    parser.add_argument("--batch", type=int, default=Sizes.batch)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps")
    parser.add_argument("--threads", type=int, default=1, help="of the processor")
    parser.add_argument("--repeats", type=int, default=9, help="calls of each; the table shows the median")
    parser.add_argument("--no-compile", dest="compiled", action="store_false", help="eager only")


def run(args: argparse.Namespace) -> list[str]:
    """The lines of a table. EngineError where the sizes make no transformer."""
    if min(args.hidden, args.batch, args.repeats, args.threads, *args.tokens) < 1:
        raise InputError("A size is below 1.", "Give whole numbers from 1 on.")
    if args.hidden % 128 and (args.hidden > 128 or args.hidden % 8):
        raise InputError(
            f"{args.hidden} channels cannot be cut into heads.", "Use a multiple of 128, or below that one of 8."
        )
    torch.set_num_threads(args.threads)
    sizes = Sizes(
        args.hidden,
        args.double,
        args.single,
        args.decoder,
        tuple(args.tokens),
        args.batch,
        getattr(torch, args.dtype),
        args.device,
    )
    seconds = compare(sizes, args.repeats, args.compiled)
    yardstick = seconds[YARDSTICK]
    return [
        f"hidden {args.hidden}, {args.double} double, {args.single} single, {args.decoder} decoder blocks; "
        f"{' + '.join(map(str, args.tokens))} tokens, batch {args.batch}, {args.dtype}, {args.device}",
        "| what | s a call | ratio |",
        "|---|---|---|",
        *(f"| {what} | {s:.4f} | {s / yardstick:.3f} |" for what, s in seconds.items()),
    ]
