"""Teach a text-to-image checkpoint depth: FLUX.2 klein (4B or 9B) into a model of image and depth.

    accelerate launch -m engine.training.post_train --base klein/transformer --codec klein/ae \\
        --text klein/text_encoder --data runs/shards --run runs/grown --steps 20000 --lora 32
    accelerate launch --num_processes 16 -m engine.training.post_train ... --fsdp

The run's folder ``model`` then holds what a published folder does, but for autoencoder and text encoder, which stay the
base's. Distilling costs a second, frozen copy of the base; --no-distillation saves it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from ..errors import EngineError
from ..model.depth_codec import DepthCodec
from ..model.image_codec import Flux2Codec, ImageCodec
from ..model.text_encoder import Qwen3Encoder, TextEncoder
from . import streamed
from .adapters import add_lora
from .base import config_of, freeze_image_stream, grown, read_base
from .post_trained import PostTrained, PostTrainedConfig
from .recipe import RECIPES
from .train import add_settings, settings_from, with_changes
from .trainer import Trainer


def grow(
    base: Path,
    image_codec: ImageCodec,
    text: TextEncoder,
    *,
    native_px: int,
    seed: int,
    lora_rank: int | None = None,
    freeze_image: bool = True,
    distil: bool = True,
) -> tuple[PostTrained, PostTrained | None]:
    """The model to train, and its frozen original to distil from."""
    torch.manual_seed(seed)
    tensors = read_base(base)
    config = PostTrainedConfig(
        config_of(tensors, image_codec.patch_px), DepthCodec(patch_size=image_codec.patch_px), native_px
    )
    transformer = grown(tensors, config.transformer)
    if freeze_image:
        freeze_image_stream(transformer)
    model = PostTrained(config, transformer, image_codec, text)
    if lora_rank:
        add_lora(model, lora_rank)
    if not distil:
        return model, None
    teacher = PostTrained(config, grown(tensors, config.transformer), image_codec, text)
    return model, teacher.eval().requires_grad_(False)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="transformer: a safetensors file or a folder of them")
    parser.add_argument("--codec", type=Path, required=True, help="folder of ae_encoder and ae_decoder.safetensors")
    parser.add_argument("--text", type=Path, required=True, help="folder of the Qwen3 text encoder")
    streamed.add_arguments(parser)
    parser.add_argument("--run", type=Path, required=True, help="folder of checkpoint, metrics, samples and model")
    parser.add_argument(
        "--lora", type=int, metavar="RANK", help="train factors of this rank beside the base's matrices"
    )
    parser.add_argument("--train-image-stream", action="store_true", help="double blocks' image weights too")
    parser.add_argument("--no-distillation", action="store_true", help="no frozen original beside the model")
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="paper")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change one thing of the recipe"
    )
    add_settings(parser)
    parser.set_defaults(muon_lr=None, adam_lr=5e-5)
    options = parser.parse_args(arguments)
    try:
        source = streamed.source_of(options)
        codec = Flux2Codec.load(*(options.codec / f"ae_{half}.safetensors" for half in ("encoder", "decoder")))
        model, teacher = grow(
            options.base,
            codec,
            Qwen3Encoder.load(options.text),
            native_px=source.size_px,
            seed=options.seed,
            lora_rank=options.lora,
            freeze_image=not options.train_image_stream,
            distil=not options.no_distillation,
        )
        recipe = with_changes(RECIPES[options.recipe], options.set)
        Trainer(model, source, recipe, settings_from(options), options.run, teacher=teacher).train()
    except EngineError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
