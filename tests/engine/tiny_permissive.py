"""Random tiny models of the classes that the permissive backend loads, saved in their published layouts."""

from __future__ import annotations

import sys
from pathlib import Path

import diffusers
import tiny_published
import torch
import transformers
from depthwright.engine.backends.permissive import ROLES

UNET = {
    "block_out_channels": (32, 64),
    "layers_per_block": 1,
    "attention_head_dim": (2, 4),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "transformer_layers_per_block": (1, 1),
    "projection_class_embeddings_input_dim": 80,  # six sizes of 8 values, and the pooled text's 32
    "cross_attention_dim": 64,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
}


def write(folder: Path) -> Path:
    """A folder for each role; returns the folder of all."""
    torch.manual_seed(0)
    makers = (text_to_image, image_to_depth, depth_to_image, depth_control)
    for role, make in zip(ROLES, makers, strict=True):
        make().save_pretrained(folder / role)
    return folder


def text_to_image() -> diffusers.Flux2KleinPipeline:
    vae = diffusers.AutoencoderKLFlux2(
        block_out_channels=(32, 32),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        layers_per_block=1,
        latent_channels=4,
    )
    transformer = diffusers.Flux2Transformer2DModel(
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=48,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=False,
    )
    config = transformers.Qwen3Config(
        vocab_size=512,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=28,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
    )
    return diffusers.Flux2KleinPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=vae,
        text_encoder=transformers.Qwen3ForCausalLM(config),
        tokenizer=tiny_published.tokenizer(),
        transformer=transformer,
        is_distilled=False,
    )


def image_to_depth() -> transformers.PreTrainedModel:
    backbone = transformers.Dinov2Config(
        image_size=56,
        patch_size=14,
        num_hidden_layers=2,
        hidden_size=32,
        num_attention_heads=4,
        out_features=["stage1", "stage2"],
        apply_layernorm=True,
        reshape_hidden_states=False,
    )
    config = transformers.DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=32,
        patch_size=14,
        reassemble_factors=(1, 0.5),
        neck_hidden_sizes=[32, 32],
        fusion_hidden_size=16,
        head_hidden_size=16,
    )
    network = transformers.DepthAnythingForDepthEstimation(config)
    with torch.no_grad():
        network.head.conv3.bias.fill_(1.0)  # or all would be behind the last rectifier: sky
    return network


def depth_to_image() -> diffusers.StableDiffusionXLPipeline:
    text = transformers.CLIPTextConfig(
        hidden_size=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        vocab_size=514,
        bos_token_id=512,
        eos_token_id=513,
        projection_dim=32,
    )
    return diffusers.StableDiffusionXLPipeline(
        vae=diffusers.AutoencoderKL(
            block_out_channels=(32, 64),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=4,
            sample_size=64,
        ),
        text_encoder=transformers.CLIPTextModel(text),
        text_encoder_2=transformers.CLIPTextModelWithProjection(text),
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(),
        unet=diffusers.UNet2DConditionModel(sample_size=32, up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), **UNET),
        scheduler=diffusers.EulerDiscreteScheduler(),
    )


def depth_control() -> diffusers.ControlNetModel:
    net = diffusers.ControlNetModel(conditioning_embedding_out_channels=(16, 32), **UNET)
    with torch.no_grad():  # a new ControlNet adds nothing: its last layers are zero
        for layer in (*net.controlnet_down_blocks, net.controlnet_mid_block, net.controlnet_cond_embedding.conv_out):
            layer.weight.normal_(std=0.3)
    return net


def clip_tokenizer() -> transformers.CLIPTokenizer:
    letters = tiny_published.byte_letters()
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return transformers.CLIPTokenizer(vocab={word: i for i, word in enumerate(words)}, merges=[], model_max_length=77)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
