"""Train a large model of image and depth: FLUX.2 klein (4B or 9B) taught depth, or the paper's family from nothing.

    accelerate launch -m engine.training.train_large --base klein/transformer --codec klein/ae \\
        --text klein/text_encoder --data runs/shards --run runs/grown --steps 20000 --lora 32
    accelerate launch --num_processes 16 -m engine.training.train_large --preset 370m ... --fsdp

The run's folder ``model`` then holds what a published folder does, but for autoencoder and text encoder, which stay the
base's. Distilling costs a second, frozen copy of the base; --no-distillation saves it.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import torch

from ..contract.errors import EngineError
from ..model.bundle import WEIGHTS_FILE
from ..model.checkpoint import load_transformer
from ..model.denoiser import Parametrisation
from ..model.depth_codec import DepthCodec
from ..model.image_codec import Flux2Codec, ImageCodec
from ..model.text_encoder import Qwen3Encoder, TextEncoder, WordEncoder
from ..model.transformer import Transformer, TransformerConfig
from . import streamed
from .adapters import add_lora
from .base import config_of, freeze_image_stream, grown, read_base
from .initialise import begin
from .latent_model import LatentConfig, LatentModel
from .sizes import FAMILY
from .train import add_settings, settings_from, with_changes
from .trainer import Trainer
from .training_recipe import RECIPES


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
) -> tuple[LatentModel, LatentModel | None]:
    """A text-to-image checkpoint as a model to train, and its frozen original to distil from."""
    torch.manual_seed(seed)
    tensors = read_base(base)
    config = LatentConfig(
        config_of(tensors, image_codec.patch_px), DepthCodec(patch_size=image_codec.patch_px), native_px
    )
    transformer = grown(tensors, config.transformer)
    if freeze_image:
        freeze_image_stream(transformer)
    model = LatentModel(config, transformer, image_codec, text)
    if lora_rank:
        add_lora(model, lora_rank)
    if not distil:
        return model, None
    teacher = LatentModel(config, grown(tensors, config.transformer), image_codec, text)
    return model, teacher.eval().requires_grad_(False)


def from_nothing(
    sizes: TransformerConfig, image_codec: ImageCodec, text: Qwen3Encoder | WordEncoder, *, native_px: int, seed: int
) -> LatentModel:
    """A model at its beginning; it predicts the clean sample of both, as the paper's family does."""
    torch.manual_seed(seed)
    sizes = replace(sizes, context_in_dim=text.channels)
    config = LatentConfig(
        sizes,
        DepthCodec(patch_size=image_codec.patch_px),
        native_px,
        Parametrisation(image_x_prediction=True, depth_x_prediction=True),
    )
    transformer = Transformer(sizes)
    for name, parameter in transformer.named_parameters():
        begin(name, parameter)
    return LatentModel(config, transformer, image_codec, text)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    beginning = parser.add_mutually_exclusive_group(required=True)
    beginning.add_argument("--base", type=Path, help="klein's transformer: a safetensors file or a folder of them")
    beginning.add_argument("--preset", choices=sorted(FAMILY), help="from nothing")
    parser.add_argument("--init", type=Path, help="model folder of an earlier run whose weights a preset begins with")
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
        text, teacher = Qwen3Encoder.load(options.text), None
        common = {"native_px": source.size_px, "seed": options.seed}
        if options.preset:
            model = from_nothing(FAMILY[options.preset], codec, text, **common)
            if options.init:
                weights = load_transformer(model.config.transformer, options.init / WEIGHTS_FILE)
                model.dit.load_state_dict(weights.state_dict())
        else:
            model, teacher = grow(
                options.base,
                codec,
                text,
                lora_rank=options.lora,
                freeze_image=not options.train_image_stream,
                distil=not options.no_distillation,
                **common,
            )
        recipe = with_changes(RECIPES[options.recipe], options.set)
        Trainer(model, source, recipe, settings_from(options), options.run, teacher=teacher).train()
    except EngineError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
