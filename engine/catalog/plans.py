"""Which precision each part of a model gets, what stays on the device and what streams: pure arithmetic.

A model is three parts that work one after the other: the text encoder, the transformer, the codec. All sizes are
bytes unless the name says parameters. Nothing here imports torch; ``engine.memory.facts`` measures what goes in.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from ..contract.errors import EngineError
from ..contract.request import Precision

GB = 1e9

DeviceKind = Literal["cuda", "rocm", "xpu", "mps", "cpu"]
#: device    stays on the device between its uses
#: host      waits in host memory, comes to the device for its turn
#: disk      read again for its turn
#: streamed  stays in host memory; its blocks pass through the device one after the other
Placement = Literal["device", "host", "disk", "streamed"]

#: Bytes a parameter takes, scales included: int8 and float8 have one a row, nf4 a float32 for 64 of them.
NF4_SCALES = 4 / 64
BYTES: dict[Precision, float] = {
    **{"float32": 4, "bfloat16": 2, "int8": 1.002, "float8": 1.002},
    "nf4": 0.5 + NF4_SCALES,
}
EXACT: tuple[Precision, ...] = ("float32", "bfloat16")  # how the weights are published: nothing is lost
#: From the most exact to the least: the order of docs/precision.md.
BY_ERROR: tuple[Precision, ...] = ("float32", "bfloat16", "int8", "float8", "nf4")
BLOCKS_IN_FLIGHT = 2  # of a streamed part: one computes, the next arrives
LESS = 0.9  # of the peak that did not fit: what the next plan may take at most


@dataclass(frozen=True)
class Device:
    """Where the work is done."""

    kind: DeviceKind
    free: int
    bfloat16: bool = True
    float8: bool = False  # can store float8_e4m3fn and convert it
    nf4: bool = True  # bitsandbytes has kernels for it
    name: str = ""

    @property
    def shares_host_memory(self) -> bool:
        return self.kind in ("mps", "cpu")


@dataclass(frozen=True)
class Host:
    free: int


@dataclass(frozen=True)
class PartSize:
    """Parameters of a part.

    blocks         in the linear layers of its blocks, which can be quantised and streamed
    rest           all others: kept in bfloat16, on the device while the part works
    largest_block  of one block
    """

    blocks: int
    rest: int
    largest_block: int

    def weights(self, precision: Precision) -> float:
        return self.blocks * BYTES[precision] + self.rest * self.rest_bytes(precision)

    def window(self, precision: Precision) -> float:
        """On the device while it streams: all but the blocks, and of 4-bit ones the scales (see memory.offload)."""
        scales = self.blocks * NF4_SCALES if precision == "nf4" else 0.0
        flying = BLOCKS_IN_FLIGHT * self.largest_block * BYTES[precision]
        return flying + scales + self.rest * self.rest_bytes(precision)

    @staticmethod
    def rest_bytes(precision: Precision) -> float:
        return BYTES["float32" if precision == "float32" else "bfloat16"]


@dataclass(frozen=True)
class ModelSizes:
    """A model's three parts, and how wide its activations are."""

    text: PartSize
    transformer: PartSize
    codec: PartSize
    hidden_size: int
    mlp_ratio: float = 3.0
    text_hidden_size: int = 4096
    text_states: int = 3  # hidden states that are kept

    @property
    def live_per_channel(self) -> float:
        """Values alive for each token and channel at the worst moment of one call: measured, see docs/memory.md."""
        return 21.0 + 2.0 * self.mlp_ratio


@dataclass(frozen=True)
class Work:
    """The size of a request.

    looks  predictions that a step takes: more than one with guidance
    known  whether pixels are known: then every step's picture is decoded, and encoded with them in it
    """

    text_tokens: int
    image_tokens: int
    depth_tokens: int
    pixels: int
    looks: int
    known: bool = False

    def rows(self, one_batch: bool) -> int:
        return self.looks if one_batch else 1

    @property
    def tokens(self) -> int:
        return self.text_tokens + self.image_tokens + self.depth_tokens


@dataclass(frozen=True)
class Choices:
    """What the user decides; the defaults leave every decision to the planner.

    precision       of the transformer's and text encoder's blocks; None: the most exact that fits
    prefer_speed    rather quantised and resident than exact and streamed
    tiled_decode    None: where memory needs it. Tiling is an approximation: tiles overlap and are blended
    compile_blocks  the transformer's, where they stay on the device; of a model that is not planned too
    """

    precision: Precision | None = None
    prefer_speed: bool = False
    tiled_decode: bool | None = None
    compile_blocks: bool = False


@dataclass(frozen=True)
class PartPlan:
    precision: Precision
    placement: Placement


@dataclass(frozen=True)
class Plan:
    """How one model is run. ``peak`` and ``host_peak`` are predictions."""

    text: PartPlan
    transformer: PartPlan
    codec: PartPlan
    one_batch: bool  # guidance: conditional and unconditional as one batch, or one after the other
    tiled_decode: bool
    peak: float
    host_peak: float
    compile_blocks: bool = False

    @property
    def label(self) -> str:
        """For the progress line and the result's notes: "transformer int8, streamed; text encoder int8; ..."."""
        parts = [f"transformer {_said(self.transformer)}", f"text encoder {_said(self.text)}"]
        if not self.one_batch:
            parts.append("guidance call by call")
        if self.tiled_decode:
            parts.append("decoded in tiles")
        return "; ".join(parts)

    @property
    def approximate(self) -> bool:
        """Whether the result differs from that of the published weights by more than rounding."""
        return self.tiled_decode or not {self.text.precision, self.transformer.precision} <= set(EXACT)


def plan(
    device: Device, host: Host, sizes: ModelSizes, work: Work, choices: Choices = Choices(), reserve: float = 0.6 * GB
) -> Plan:
    """The best plan that fits. EngineError where none does."""
    return ladder(device, host, sizes, work, choices, reserve)[0]


def ladder(
    device: Device, host: Host, sizes: ModelSizes, work: Work, choices: Choices = Choices(), reserve: float = 0.6 * GB
) -> tuple[Plan, ...]:
    """The best plan that fits, then what to try when memory runs out all the same: each needs less than the one before.

    reserve  of the device's free memory, left to fragmentation and to what other programs take meanwhile
    Raises EngineError where none fits.
    """
    room = device.free - reserve
    every = sorted(_candidates(device, sizes, work, choices), key=lambda p: _cost(p, choices))
    fitting = [p for p in every if p.peak <= room and _host_fits(p, device, host)]
    if not fitting:
        raise _too_large(every, device, host, reserve)
    steps: list[Plan] = []
    for candidate in fitting:
        if not steps or candidate.peak <= LESS * steps[-1].peak:
            compiled = choices.compile_blocks and candidate.transformer.placement == "device"
            steps.append(replace(candidate, compile_blocks=compiled))
    return tuple(steps)


def _host_fits(plan: Plan, device: Device, host: Host) -> bool:
    return plan.peak + plan.host_peak <= host.free if device.shares_host_memory else plan.host_peak <= host.free


def _candidates(device: Device, sizes: ModelSizes, work: Work, choices: Choices) -> Iterator[Plan]:
    placements: tuple[Placement, ...] = ("device", "disk") if device.shares_host_memory else ("device", "host", "disk")
    main: tuple[Placement, ...] = placements if device.shares_host_memory else (*placements, "streamed")
    transformers: tuple[Placement, ...] = main
    codecs: tuple[Placement, ...] = placements
    if work.known:  # transformer and codec take turns within every step: neither may have to leave for the other
        transformers, codecs = tuple(at for at in main if at in ("device", "streamed")), ("device",)
    tilings = (False, True) if choices.tiled_decode is None else (choices.tiled_decode,)
    for precision in _precisions(device, choices):
        for text, transformer, codec in itertools.product(main, transformers, codecs):
            for one_batch, tiled in itertools.product((True, False) if work.looks > 1 else (True,), tilings):
                yield _predicted(
                    sizes,
                    work,
                    PartPlan(precision, text),
                    PartPlan(precision, transformer),
                    PartPlan(_plain(precision), codec),
                    one_batch,
                    tiled,
                )


def _precisions(device: Device, choices: Choices) -> tuple[Precision, ...]:
    """Those the device can do, from the most exact on; none that the user did not ask for."""
    exact: Precision = "bfloat16" if device.bfloat16 else "float32"
    able = {exact, "int8"} | ({"float8"} if device.float8 else set()) | ({"nf4"} if device.nf4 else set())
    if choices.precision is None:
        # float8 takes what int8 takes and loses more: only by choice.
        return tuple(p for p in BY_ERROR if p in able and p != "float8")
    if choices.precision not in able | set(EXACT):
        raise EngineError(
            f"This device ({device.name or device.kind}) cannot hold weights as {choices.precision}.",
            f"Choose another precision: {', '.join(p for p in BY_ERROR if p in able)}.",
        )
    return (choices.precision,)


def _plain(precision: Precision) -> Precision:
    """Of what is not quantised."""
    return precision if precision in EXACT else "bfloat16"


def _cost(plan: Plan, choices: Choices) -> tuple[float, ...]:
    """Smaller is better: first what is lost, then what is slow; or the other way round."""
    lost = (BY_ERROR.index(plan.transformer.precision), plan.tiled_decode)
    # Reading the transformer again for every new prompt takes longer than streaming it.
    streamed = (plan.transformer.placement in ("streamed", "disk"), plan.text.placement == "streamed")
    moved = tuple(
        ("device", "host", "streamed", "disk").index(part.placement)
        for part in (plan.transformer, plan.text, plan.codec)
    )
    slow = (*streamed, not plan.one_batch, sum(moved), *moved)
    return (*slow[:1], *lost, *slow[1:]) if choices.prefer_speed else (*lost, *slow)


def _predicted(
    sizes: ModelSizes,
    work: Work,
    text: PartPlan,
    transformer: PartPlan,
    codec: PartPlan,
    one_batch: bool,
    tiled: bool,
) -> Plan:
    """The plan, with the memory its worst stage takes: what stays on the device, and the part whose turn it is."""
    parts = ((sizes.text, text), (sizes.transformer, transformer), (sizes.codec, codec))
    working = (
        text_activations(sizes, work, text),
        transformer_activations(sizes, work, transformer, one_batch),
        codec_activations(work, codec, tiled),
    )
    stays = [size.weights(part.precision) if part.placement == "device" else 0.0 for size, part in parts]
    stages = []
    for index, (size, part) in enumerate(parts):
        comes = {
            "device": 0.0,
            "streamed": size.window(part.precision),
        }.get(part.placement, size.weights(part.precision))
        stages.append(sum(stays) + comes + working[index])
    waiting = sum(size.weights(part.precision) for size, part in parts if part.placement in ("host", "streamed"))
    reading = max(size.largest_block for size, _ in parts) * BYTES["bfloat16"]
    return Plan(text, transformer, codec, one_batch, tiled, max(stages), waiting + reading)


def transformer_activations(sizes: ModelSizes, work: Work, part: PartPlan, one_batch: bool) -> float:
    width = BYTES[_plain(part.precision)]
    # A quantised layer is unpacked to compute: one block's largest matrix, half of the block at most.
    unpacked = 0 if part.precision in EXACT else sizes.transformer.largest_block * width / 2
    return work.rows(one_batch) * work.tokens * sizes.hidden_size * sizes.live_per_channel * width + unpacked


def text_activations(sizes: ModelSizes, work: Work, part: PartPlan) -> float:
    width = BYTES[_plain(part.precision)]
    unpacked = 0 if part.precision in EXACT else sizes.text.largest_block * width / 2
    live = 36 + sizes.text_states  # every layer's hidden state is returned; three are kept
    return work.text_tokens * sizes.text_hidden_size * (live + 2 * 3 * sizes.mlp_ratio) * width + unpacked


CODEC_LIVE_PER_PIXEL = 1024  # values, at the decoder's widest full-resolution layer
TILE_PX = 512


def codec_activations(work: Work, part: PartPlan, tiled: bool) -> float:
    pixels = min(work.pixels, TILE_PX**2) if tiled else work.pixels
    return pixels * CODEC_LIVE_PER_PIXEL * BYTES[_plain(part.precision)]


def _said(part: PartPlan) -> str:
    where = {"device": "", "host": ", moved in", "disk": ", read for each use", "streamed": ", streamed"}
    return part.precision + where[part.placement]


def _too_large(every: list[Plan], device: Device, host: Host, reserve: float) -> EngineError:
    least = min(every, key=lambda p: (p.peak + p.host_peak) if device.shares_host_memory else p.peak)
    where = "memory" if device.shares_host_memory else "graphics memory"
    return EngineError(
        f"This model needs {(least.peak + reserve) / GB:.1f} GB of free {where} and {least.host_peak / GB:.1f} GB of "
        f"main memory at this size; {device.free / GB:.1f} GB and {host.free / GB:.1f} GB are free.",
        "Close other programs, use a smaller size, or choose a smaller model.",
        least.label,
    )
