"""Train the small model: one command, any number of slices, resumable from its last checkpoint.

    python -m engine.training.dataset --out runs/data --count 20000
    python -m engine.training.train --data runs/data --run runs/small --steps 20000
    accelerate launch --num_processes 8 -m engine.training.train --data runs/data --run runs/small --steps 20000

A budget in steps gives the same run whenever, wherever and in however many slices it is made. With a budget in minutes
the learning rate follows the minutes trained so far, over all slices.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields, replace
from pathlib import Path

import torch

from ..contract.errors import EngineError, InputError
from ..model.bundle import SmallModel, load_small
from . import streamed
from .growing import grown
from .initialise import initialise
from .run_folder import RunFolder
from .sizes import PRESETS, vocabulary
from .trainer import Settings, Trainer
from .training_recipe import RECIPES, Recipe


def small_model(preset: str, seed: int, words: list[str] | None = None) -> SmallModel:
    """A small model at its beginning; ``words`` of an older run instead of the generator's."""
    torch.manual_seed(seed)
    model = SmallModel(PRESETS[preset], words or vocabulary())
    initialise(model)
    return model


def with_changes(recipe: Recipe, changes: list[str]) -> Recipe:
    """The recipe with ``name=value`` changes. InputError for a name it does not have or a value of another kind."""
    kinds = {field.name: type(getattr(recipe, field.name)) for field in fields(recipe)}
    values = {}
    for change in changes:
        name, _, text = change.partition("=")
        if name not in kinds:
            raise InputError(f"The recipe has no '{name}'.", f"It has {', '.join(kinds)}.")
        try:
            values[name] = {"True": True, "False": False}[text] if kinds[name] is bool else kinds[name](text)
        except (ValueError, KeyError) as error:
            raise InputError(f"'{text}' is no value for {name}.", f"Give a {kinds[name].__name__}.") from error
    return replace(recipe, **values)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """The options of Settings."""
    default = Settings(steps=1)
    parser.add_argument("--steps", type=int, help="of training in all: a run that is always the same")
    parser.add_argument("--budget-minutes", type=float, help="of training in all, over every slice")
    parser.add_argument("--slice-minutes", type=float, help="of this call")
    parser.add_argument("--slice-steps", type=int, help="of this call")
    parser.add_argument("--batch", type=int, default=default.batch, help="over all processes")
    parser.add_argument("--micro-batch", type=int, help="what a process computes at once")
    parser.add_argument("--image-only", action="store_true", help="pre-training on images, without depth tokens")
    parser.add_argument("--fsdp", action="store_true", help="share the weights out among the processes")
    parser.add_argument("--muon-lr", type=float, default=default.muon_lr)
    parser.add_argument("--no-muon", dest="muon_lr", action="store_const", const=None, help="AdamW for everything")
    parser.add_argument("--adam-lr", type=float, default=default.adam_lr)
    parser.add_argument("--hold", type=float, default=default.hold, help="share of the budget before the rate falls")
    parser.add_argument("--ema", type=float, default=default.ema)
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--compile", action="store_true", help="compile the blocks (a minute, then faster)")
    parser.add_argument("--bfloat16", action="store_true", help="compute in it: twice as fast on processors with AMX")
    parser.add_argument("--readers", type=int, default=default.readers, help="threads that make batches ahead")
    parser.add_argument("--log-s", type=float, default=default.log_s)
    parser.add_argument("--save-s", type=float, default=default.save_s)


def settings_from(options: argparse.Namespace) -> Settings:
    names = {field.name for field in fields(Settings)}
    return Settings(**{name: value for name, value in vars(options).items() if name in names})


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    streamed.add_arguments(parser)
    parser.add_argument("--run", type=Path, required=True, help="folder of checkpoint, metrics, samples and model")
    parser.add_argument("--preset", choices=sorted(PRESETS), help="size; default: that of --init, else small64")
    parser.add_argument(
        "--init", type=Path, help="model folder whose weights a new run begins with, as far as they fit"
    )
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="builtin")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change one thing of the recipe"
    )
    parser.add_argument("--threads", type=int, help="CPU threads; torch's choice without")
    add_settings(parser)
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        words = RunFolder(options.run).vocabulary()
        if options.init:
            base = load_small(options.init)
            config = PRESETS[options.preset] if options.preset else replace(base.config, upsampler=None)
            model = grown(base, config, words or vocabulary(), options.seed)
        else:
            model = small_model(options.preset or "small64", options.seed, words)
        recipe = with_changes(RECIPES[options.recipe], options.set)
        trainer = Trainer(model, streamed.source_of(options), recipe, settings_from(options), options.run)
        trainer.train()
    except EngineError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"stopped at step {trainer.step}, {trainer.samples} samples, {trainer.trained_s / 60:.1f} min trained")
    return 0


if __name__ == "__main__":
    sys.exit(main())
