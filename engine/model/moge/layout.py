"""What MoGe-2 checkpoints hold: their names brought to ours, and the sizes that can be read off their shapes.

Two namings are about: the reference's (DINOv2's own, with query, key and value in one tensor), and transformers' (of
its versions 4 and 5). They differ in the encoder's backbone alone. Ours are transformers 5's there, the published ones
everywhere else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...contract.errors import ModelError

BACKBONE = "encoder.backbone."
HEAD_WIDTH = 64  # of one attention head, in every DINOv2

#: Names in the backbone, the reference's -> ours.
_TOP = {
    "cls_token": "embeddings.cls_token",
    "pos_embed": "embeddings.position_embeddings",
    "mask_token": "embeddings.mask_token",
    "patch_embed.proj.weight": "embeddings.patch_embeddings.projection.weight",
    "patch_embed.proj.bias": "embeddings.patch_embeddings.projection.bias",
    "norm.weight": "layernorm.weight",
    "norm.bias": "layernorm.bias",
}
#: Names within a block: the reference's, and transformers 4's -> ours.
_IN_BLOCK = {
    "attn.proj.": "attention.o_proj.",
    "ls1.gamma": "layer_scale1.lambda1",
    "ls2.gamma": "layer_scale2.lambda1",
    "attention.attention.query.": "attention.q_proj.",
    "attention.attention.key.": "attention.k_proj.",
    "attention.attention.value.": "attention.v_proj.",
    "attention.output.dense.": "attention.o_proj.",
}
_BLOCK = re.compile(r"(?:blocks|encoder\.layer)\.(\d{1,4})\.(.+)")
_JOINT = "attn.qkv."  # query, key and value, one below the other
_JOINED = ("attention.q_proj.", "attention.k_proj.", "attention.v_proj.")

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
#: The file's name of a tensor, and which of so many equal parts of it, one below the other.
Source = tuple[str, int, int]


def our_names(shapes: Shapes) -> tuple[dict[str, Source], dict[str, Shape]]:
    """For each tensor of ours, where a file with these names has it; and its shape. Names not known stay as they are.

    ModelError where two of the file's tensors are one of ours.
    """
    sources: dict[str, Source] = {}
    ours: dict[str, Shape] = {}
    for name, shape in shapes.items():
        for new, part, parts in _renamed(name):
            if new in sources:
                raise ModelError(
                    f"The checkpoint has {new} twice: as {sources[new][0]} and as {name}.", "Download it again."
                )
            sources[new] = (name, part, parts)
            ours[new] = tuple(shape)
            if shape and shape[0] % parts == 0:
                ours[new] = (shape[0] // parts, *shape[1:])
    return sources, ours


def _renamed(name: str) -> Iterable[tuple[str, int, int]]:
    """What a tensor of the file is of ours: (name, part, of so many)."""
    if not name.startswith(BACKBONE):
        return [(name, 0, 1)]
    inner = name[len(BACKBONE) :]
    if inner in _TOP:
        return [(BACKBONE + _TOP[inner], 0, 1)]
    block = _BLOCK.fullmatch(inner)
    if block is None:
        return [(name, 0, 1)]
    at, rest = f"{BACKBONE}encoder.layer.{int(block[1])}.", block[2]
    if rest.startswith(_JOINT):
        leaf = rest[len(_JOINT) :]
        return [(f"{at}{joined}{leaf}", part, len(_JOINED)) for part, joined in enumerate(_JOINED)]
    for theirs, new in _IN_BLOCK.items():
        if rest.startswith(theirs):
            return [(at + new + rest[len(theirs) :], 0, 1)]
    return [(at + rest, 0, 1)]


@dataclass(frozen=True)
class StackConfig:
    """A stack of convolutions over five levels, each twice as large as the one before; an entry a level.

    inputs      channels that come in
    channels    within the level
    blocks      residual blocks
    outputs     channels that go out; None: the level's own, as they are
    transposed  whether the way to the next level is a transposed convolution (else bilinear): one entry less
    """

    inputs: tuple[int, ...]
    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    outputs: tuple[int | None, ...]
    transposed: tuple[bool, ...]


@dataclass(frozen=True)
class MoGeConfig:
    """Sizes of a MoGe-2 network.

    width, depth, mlp_ratio  of the backbone; its heads are 64 wide
    patch_px, positions      pixels of a patch's side; patches along a side of the pictures it was trained on
    taps                     blocks whose outputs are used, ascending
    features                 channels of the encoder's result
    mask_token               whether the file has the token that training puts in place of hidden patches
    heads                    by name: points_head and mask_head, and normal_head where it has one
    scale                    widths of the scale head's layers, from its input on
    """

    width: int
    depth: int
    mlp_ratio: int
    patch_px: int
    positions: int
    taps: tuple[int, ...]
    features: int
    mask_token: bool
    neck: StackConfig
    heads: Mapping[str, StackConfig]
    scale: tuple[int, ...]


REQUIRED_HEADS, OPTIONAL_HEADS = ("points_head", "mask_head"), ("normal_head",)


def sizes(shapes: Shapes) -> MoGeConfig:
    """The sizes of a checkpoint, from the shapes of its tensors under our names. ModelError where they make no sense.

    What is read here is only enough to build the network: whether everything fits is checked against that.
    """
    if "refiner" in {name.partition(".")[0] for name in shapes}:
        raise _unfit("it holds a refiner, which MoGe-3 has")
    width = _shape(shapes, BACKBONE + "embeddings.cls_token", 3)[2]
    if width < HEAD_WIDTH or width % HEAD_WIDTH:
        raise _unfit(f"its tokens have {width} channels, which is no multiple of {HEAD_WIDTH}")
    positions = math.isqrt(max(0, _shape(shapes, BACKBONE + "embeddings.position_embeddings", 3)[1] - 1))
    if not positions:
        raise _unfit("it has no positions")
    patch_px = _shape(shapes, BACKBONE + "embeddings.patch_embeddings.projection.weight", 4)[3]
    hidden = _shape(shapes, BACKBONE + "encoder.layer.0.mlp.fc1.weight", 2)[0]
    depth = _count(shapes, BACKBONE + "encoder.layer.{}.norm1.weight")
    taps = _count(shapes, "encoder.output_projections.{}.weight")
    if not (patch_px and hidden >= width and 1 <= taps <= depth):
        raise _unfit(f"it has {depth} blocks, {taps} of them used, a patch of {patch_px} pixels and {hidden} channels")
    return MoGeConfig(
        width=width,
        depth=depth,
        mlp_ratio=hidden // width,
        patch_px=patch_px,
        positions=positions,
        taps=tuple(depth * (tap + 1) // taps - 1 for tap in range(taps)),
        features=_shape(shapes, "encoder.output_projections.0.weight", 4)[0],
        mask_token=BACKBONE + "embeddings.mask_token" in shapes,
        neck=_stack(shapes, "neck"),
        heads={
            name: _stack(shapes, name)
            for name in (*REQUIRED_HEADS, *OPTIONAL_HEADS)
            if name in REQUIRED_HEADS or f"{name}.input_blocks.0.weight" in shapes
        },
        scale=(
            _shape(shapes, "scale_head.0.weight", 2)[1],
            *(_shape(shapes, f"scale_head.{2 * layer}.weight", 2)[0] for layer in range(3)),
        ),
    )


def _stack(shapes: Shapes, name: str) -> StackConfig:
    levels = _count(shapes, name + ".input_blocks.{}.weight")
    if levels < 1:
        raise _unfit(f"{name}.input_blocks.0.weight is missing")
    first = [_shape(shapes, f"{name}.input_blocks.{level}.weight", 4) for level in range(levels)]
    outputs = [f"{name}.output_blocks.{level}.weight" for level in range(levels)]
    return StackConfig(
        inputs=tuple(shape[1] for shape in first),
        channels=tuple(shape[0] for shape in first),
        blocks=tuple(_count(shapes, f"{name}.res_blocks.{level}." + "{}.layers.2.weight") for level in range(levels)),
        outputs=tuple(_shape(shapes, out, 4)[0] if out in shapes else None for out in outputs),
        transposed=tuple(f"{name}.resamplers.{level}.0.weight" in shapes for level in range(levels - 1)),
    )


def _count(shapes: Shapes, pattern: str) -> int:
    """How many of these names there are, from 0 on without a gap."""
    count = 0
    while pattern.format(count) in shapes:
        count += 1
    return count


def _shape(shapes: Shapes, name: str, dimensions: int) -> Shape:
    shape = shapes.get(name)
    if shape is None:
        raise _unfit(f"{name} is missing")
    if len(shape) != dimensions or not all(shape):
        raise _unfit(f"{name} has the shape {tuple(shape)}")
    return shape


def _unfit(why: str) -> ModelError:
    return ModelError(
        f"The file is no MoGe-2 checkpoint: {why}.",
        "Use a MoGe-2 file, for example moge_2_vitl_normal_fp16.safetensors of Comfy-Org/MoGe.",
    )
