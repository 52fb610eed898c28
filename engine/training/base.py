"""A text-to-image checkpoint as the beginning of a model of image and depth: FLUX.2 klein, in either of its layouts.

The depth stream is a copy of the image stream; what speaks depth's language (its embedding, its noise level, its
decoder) begins from nothing, and the two noise levels are mixed with weight zero (arXiv 2606.13676, section 3.2).
So the new model's image is the old model's, wherever depth cannot be seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..contract.errors import ModelError
from ..model.checkpoint import assign, check_fits, read_tensors, without_prefix
from ..model.transformer import Transformer, TransformerConfig
from .initialise import begin

DECODER_LAYERS = 4  # as released; the paper has no number
_QKV = ("q", "k", "v")

#: Names in diffusers' Flux2Transformer2DModel -> Black Forest Labs'. What is joined or turned around is in
#: ``from_diffusers``.
_RENAMED = (
    (r"^x_embedder\.", "img_in."),
    (r"^context_embedder\.", "txt_in."),
    (r"^time_guidance_embed\.timestep_embedder\.linear_1\.", "time_in.in_layer."),
    (r"^time_guidance_embed\.timestep_embedder\.linear_2\.", "time_in.out_layer."),
    (r"^time_guidance_embed\.guidance_embedder\.linear_1\.", "guidance_in.in_layer."),
    (r"^time_guidance_embed\.guidance_embedder\.linear_2\.", "guidance_in.out_layer."),
    (r"^((?:double|single)_stream_modulation\w*)\.linear\.", r"\1.lin."),
    (r"^transformer_blocks\.(\d+)\.attn\.to_out\.0\.", r"double_blocks.\1.img_attn.proj."),
    (r"^transformer_blocks\.(\d+)\.attn\.to_add_out\.", r"double_blocks.\1.txt_attn.proj."),
    (r"^transformer_blocks\.(\d+)\.attn\.norm_q\.weight", r"double_blocks.\1.img_attn.norm.query_norm.scale"),
    (r"^transformer_blocks\.(\d+)\.attn\.norm_k\.weight", r"double_blocks.\1.img_attn.norm.key_norm.scale"),
    (r"^transformer_blocks\.(\d+)\.attn\.norm_added_q\.weight", r"double_blocks.\1.txt_attn.norm.query_norm.scale"),
    (r"^transformer_blocks\.(\d+)\.attn\.norm_added_k\.weight", r"double_blocks.\1.txt_attn.norm.key_norm.scale"),
    (r"^transformer_blocks\.(\d+)\.ff\.linear_in\.", r"double_blocks.\1.img_mlp.0."),
    (r"^transformer_blocks\.(\d+)\.ff\.linear_out\.", r"double_blocks.\1.img_mlp.2."),
    (r"^transformer_blocks\.(\d+)\.ff_context\.linear_in\.", r"double_blocks.\1.txt_mlp.0."),
    (r"^transformer_blocks\.(\d+)\.ff_context\.linear_out\.", r"double_blocks.\1.txt_mlp.2."),
    (r"^single_transformer_blocks\.(\d+)\.attn\.to_qkv_mlp_proj\.", r"single_blocks.\1.linear1."),
    (r"^single_transformer_blocks\.(\d+)\.attn\.to_out\.", r"single_blocks.\1.linear2."),
    (r"^single_transformer_blocks\.(\d+)\.attn\.norm_q\.weight", r"single_blocks.\1.norm.query_norm.scale"),
    (r"^single_transformer_blocks\.(\d+)\.attn\.norm_k\.weight", r"single_blocks.\1.norm.key_norm.scale"),
    (r"^proj_out\.", "final_layer.linear."),
)
_JOINED = re.compile(r"^transformer_blocks\.(\d+)\.attn\.(to_q|add_q_proj)\.weight$")
_PARTS = re.compile(r"\.attn\.(to_[kv]|add_[kv]_proj)\.weight$")


def from_diffusers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a Flux2Transformer2DModel under the names, and in the shapes, of the published file."""
    renamed = {}
    for name, tensor in state.items():
        if joined := _JOINED.match(name):
            stream = "img" if joined[2] == "to_q" else "txt"
            parts = [name.replace("to_q", f"to_{x}").replace("add_q_", f"add_{x}_") for x in _QKV]
            if missing := [part for part in parts if part not in state]:
                raise ModelError(f"The checkpoint lacks {missing[0]}.", "Download the base model again.")
            renamed[f"double_blocks.{joined[1]}.{stream}_attn.qkv.weight"] = torch.cat([state[p] for p in parts])
        elif name == "norm_out.linear.weight":
            scale, shift = tensor.chunk(2)
            renamed["final_layer.adaLN_modulation.1.weight"] = torch.cat([shift, scale])
        elif not _PARTS.search(name):
            renamed[_renamed(name)] = tensor
    return renamed


def _renamed(name: str) -> str:
    for pattern, replacement in _RENAMED:
        if re.match(pattern, name):
            return re.sub(pattern, replacement, name)
    return name  # unknown: it will be reported as unexpected


def read_base(source: Path | Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A text-to-image checkpoint's tensors under the published names.

    source  a safetensors file, a folder of them (one model in several files), or the tensors; either layout
    ModelError where there is none, or it is of another architecture.
    """
    if isinstance(source, Path) and source.is_dir():
        files = sorted(source.glob("*.safetensors"))
        if not files:
            raise ModelError("The base model's folder holds no safetensors files.", "Choose its folder transformer.")
        state = {name: tensor for file in files for name, tensor in read_tensors(file).items()}
    else:
        state = read_tensors(source) if isinstance(source, Path) else dict(source)
    state = without_prefix(state)
    if any(name.startswith("transformer_blocks.") for name in state):
        state = from_diffusers(state)
    if not {"img_in.weight", "txt_in.weight", "double_blocks.0.img_attn.qkv.weight"} <= set(state):
        raise ModelError(
            "This checkpoint is no FLUX.2 transformer.", "Choose FLUX.2 klein 4B or 9B, as published or for diffusers."
        )
    return state


def config_of(
    base: Mapping[str, Tensor], depth_patch_px: int, decoder_layers: int = DECODER_LAYERS
) -> TransformerConfig:
    """Sizes of the model that grows out of a base, read off the shapes of its tensors."""

    def blocks(kind: str) -> int:
        return len({name.split(".")[1] for name in base if name.startswith(f"{kind}_blocks.")})

    hidden, channels = base["img_in.weight"].shape
    head = base["double_blocks.0.img_attn.norm.query_norm.scale"].numel()
    return TransformerConfig(
        in_channels=channels,
        depth_channels=depth_patch_px**2,
        context_in_dim=base["txt_in.weight"].shape[1],
        hidden_size=hidden,
        num_heads=hidden // head,
        depth_double=blocks("double"),
        depth_single=blocks("single"),
        depth_decoder_num_layers=decoder_layers,
        axes_dim=(head // 4,) * 4,
        mlp_ratio=base["double_blocks.0.img_mlp.2.weight"].shape[1] / hidden,
        use_guidance_embed="guidance_in.in_layer.weight" in base,
        cross_stream_timestep_mixing=True,
    )


def cloned_from(name: str) -> str | None:
    """The base's parameter that one of the depth stream begins as; None where it begins from nothing."""
    if name.startswith("double_blocks.") and ".depth_" in name:
        return name.replace(".depth_", ".img_")
    return {
        "double_stream_modulation_depth.lin.weight": "double_stream_modulation_img.lin.weight",
        "single_stream_modulation_depth.lin.weight": "single_stream_modulation.lin.weight",
    }.get(name)


def grown(base: Mapping[str, Tensor], config: TransformerConfig) -> Transformer:
    """The model of image and depth that a text-to-image model's tensors grow into, float32, on the CPU.

    New weights come out of torch's global state of chance. ModelError where the base does not fit ``config``.
    """
    with torch.device("meta"):
        model = Transformer(config)
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    new = {name: cloned_from(name) for name in shapes if is_depth(name)}
    check_fits(
        {name: shape for name, shape in shapes.items() if name not in new},
        {name: tensor.shape for name, tensor in base.items()},
        "base model",
    )
    state = {name: tensor.float() for name, tensor in base.items()}
    for name, origin in new.items():
        if origin:
            state[name] = state[origin].clone()
        else:
            state[name] = torch.empty(shapes[name])
            begin(name, state[name])
    assign(model, state, "grown model")
    return model


def is_depth(name: str) -> bool:
    """Whether a parameter of the transformer is one that text-to-image models do not have."""
    return "depth" in name or name.startswith(("time_in_rgb_to_depth", "cross_alpha_"))


def freeze_image_stream(model: Transformer) -> None:
    """The double blocks' weights for the image stay what they were (the paper's choice for 9B)."""
    for name, parameter in model.named_parameters():
        if re.match(r"double_blocks\.\d+\.img_", name):
            parameter.requires_grad_(False)
