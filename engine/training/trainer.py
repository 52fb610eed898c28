"""The training loop: any number of slices and processes, and the same result whatever their number.

Knows a model, a source of samples and a run folder; not the command line. ``accelerate`` spreads it over processes.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from tqdm import tqdm

from ..contract.errors import InputError
from ..model.checkpoint import check_fits
from ..model.image_codec import Grid
from .dataset import Batch
from .draws import (
    DEPTH_NOISE,
    IMAGE_NOISE,
    MODEL,
    PHOTOGRAPHS,
    WORD_ORDER,
    StepDraws,
    draw_noise,
    draw_step,
    numpy_rng,
    reordered,
    torch_generator,
)
from .latent_model import Trained
from .objective import Objective
from .optimizers import Average, Optimizers, lr_factor
from .photographs import photographed
from .run_folder import RunFolder
from .samples import write_sample_grid
from .sources import Source
from .spread import (
    BLOCKS,
    as_sharded,
    is_sharded,
    load_optimizer_states,
    make_accelerator,
    optimizer_states,
    whole,
    whole_state,
)
from .training_recipe import Noised, Recipe, noised


@dataclass(frozen=True)
class Settings:
    """How long and how fast a run trains. Exactly one of steps and budget_minutes is given."""

    steps: int | None = None  # in all; the run is then the same whenever and wherever it is made
    budget_minutes: float | None = None  # in all, over every slice: the learning rate follows the time trained
    slice_minutes: float | None = None  # of this call
    slice_steps: int | None = None
    batch: int = 24  # over all processes
    micro_batch: int | None = None  # items a process computes at once; None: all of its share
    image_only: bool = False  # pre-training: no depth tokens
    fsdp: bool = False  # several processes share the weights out among them
    muon_lr: float | None = 5e-3  # None: AdamW for everything
    adam_lr: float = 2e-3
    hold: float = 0.45  # share of the budget before the learning rate falls
    ema: float = 0.998
    seed: int = 0
    compile: bool = False
    bfloat16: bool = False  # compute in it; a GPU always does
    log_s: float = 30.0
    save_s: float = 300.0
    sample_grids: bool = True
    readers: int = 1  # threads that make batches ahead

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.budget_minutes is None):
            raise InputError("A run is as long as its steps or its minutes.", "Give either steps or budget_minutes.")
        positive = ("steps", "budget_minutes", "slice_minutes", "slice_steps", "batch", "micro_batch", "adam_lr")
        if self.fsdp and self.muon_lr:
            raise InputError("Muon needs whole matrices, and FSDP shards them.", "Train without Muon (--no-muon).")
        if wrong := [name for name in positive if getattr(self, name) is not None and getattr(self, name) <= 0]:
            raise InputError(f"{', '.join(wrong)} must be more than 0.", "Give larger numbers.")

    def progress(self, step: int, trained_s: float) -> float:
        """Share of the budget that is spent."""
        if self.steps:
            return step / self.steps
        assert self.budget_minutes is not None  # one of the two is given
        return trained_s / (self.budget_minutes * 60)


class Trainer:
    def __init__(
        self,
        model: Trained,
        source: Source,
        recipe: Recipe,
        settings: Settings,
        run: Path,
        accelerator: Accelerator | None = None,
        teacher: Trained | None = None,
    ) -> None:
        """Ready to train, from the run's last checkpoint where there is one.

        model    what of it requires a gradient is trained
        teacher  for post-training: see Objective
        """
        self.source, self.recipe, self.settings, self.folder = source, recipe, settings, RunFolder(run)
        self.accelerator = accelerator or make_accelerator(settings.fsdp, settings.image_only, settings.bfloat16)
        processes = self.accelerator.num_processes
        if settings.batch % processes:
            raise InputError(
                f"A batch of {settings.batch} cannot be shared by {processes} processes.",
                f"Choose a multiple of {processes}.",
            )
        if processes > 1 and not settings.steps:
            raise InputError("Several processes cannot share a budget in minutes.", "Give steps.")
        self.items = range(self.accelerator.process_index, settings.batch, processes)
        self.model: Trained = model
        patch = model.image_codec.patch_px
        self.grid: Grid = (source.size_px // patch, source.size_px // patch)
        self.step, self.samples, self.trained_s, self.logged_at = 0, 0, 0.0, 0
        checkpoint = self.folder.checkpoint()
        if self.accelerator.is_main_process:
            self.folder.begin(self.config(), checkpoint["step"] if checkpoint else 0)
        if checkpoint:
            wanted, found = (
                {name: value.shape for name, value in s.items()} for s in (model.state_dict(), checkpoint["model"])
            )
            check_fits(wanted, found, "model of this run")
            model.load_state_dict(checkpoint["model"])
        if settings.compile:
            for module in model.modules():
                if type(module).__name__ in BLOCKS:
                    module.compile(dynamic=False)
        for part in (teacher, *getattr(model, "frozen_parts", ())):
            if isinstance(part, nn.Module):
                part.to(self.device)
        self.optimizers = Optimizers(model, settings.muon_lr, settings.adam_lr)
        self.objective, *self.optimizers.parts = self.accelerator.prepare(
            Objective(model, recipe, teacher), *self.optimizers.parts
        )
        self.average = Average(model, settings.ema)
        if checkpoint:
            self.resume(checkpoint)

    @property
    def device(self) -> torch.device:
        return self.accelerator.device

    def config(self) -> dict[str, Any]:
        parameters = list(self.model.parameters())
        return {
            "model": self.model.config.to_dict(),
            "vocabulary": getattr(self.model, "vocabulary", None),
            "recipe": asdict(self.recipe),
            "settings": asdict(self.settings),
            "processes": self.accelerator.num_processes,
            "samples_in_data": len(self.source),
            "parameters": sum(p.numel() for p in parameters),
            "trained_parameters": sum(p.numel() for p in parameters if p.requires_grad),
        }

    @property
    def sharded(self) -> bool:
        return is_sharded(self.model)

    def resume(self, checkpoint: dict[str, Any]) -> None:
        for name, value in self.average.values.items():
            value.copy_(as_sharded(checkpoint["ema"][name], value))
        load_optimizer_states(self.model, self.optimizers.plain, checkpoint["optimizers"], self.sharded)
        self.step, self.samples = checkpoint["step"], checkpoint["samples"]
        self.trained_s, self.logged_at = checkpoint["trained_s"], self.step

    def save(self) -> None:
        """Checkpoint, model folder and sample grid, of this step. Every process must take part."""
        model = whole_state(self.model)
        ema = model | {name: whole(value) for name, value in self.average.values.items()}
        state = {
            "model": model,
            "ema": ema,
            "optimizers": optimizer_states(self.model, self.optimizers.plain, self.sharded),
            "step": self.step,
            "samples": self.samples,
            "trained_s": self.trained_s,
        }
        if self.accelerator.is_main_process:
            self.folder.save_model(lambda folder: self.model.save(folder, state=ema))
            if self.settings.sample_grids and not self.sharded:  # no process has the whole model to sample from
                with self.average.applied(self.model):
                    write_sample_grid(self.model, self.folder.samples(self.step))
            self.folder.save_checkpoint(state)
        self.accelerator.wait_for_everyone()

    def train(self) -> None:
        """Until the budget or the slice is spent, or a signal asks to stop; saves in the end."""
        settings = self.settings
        started = last_save = last_log = time.monotonic()
        before, first_step = self.trained_s, self.step
        losses = torch.zeros(2, device=self.device)
        with stop_requested() as stop, Prefetch(self.draw_batch, settings.readers) as batches:
            bar = tqdm(total=settings.steps, initial=self.step, disable=None, unit="step")
            [over] = self.agreed(self.is_over(started, first_step, stop))
            while not over:
                losses += self.train_step(batches.next(self.step))
                bar.update()
                now = time.monotonic()
                self.trained_s = before + now - started
                over, log_due, save_due = self.agreed(
                    self.is_over(started, first_step, stop),
                    now - last_log >= settings.log_s,
                    now - last_save >= settings.save_s,
                )
                if log_due:
                    self.log(losses)
                    losses, last_log = torch.zeros_like(losses), now
                if save_due:
                    self.save()
                    last_save = time.monotonic()
            bar.close()
        self.save()

    def is_over(self, started: float, first_step: int, stop: threading.Event) -> bool:
        """Whether to stop before the next step, as this process sees it."""
        settings = self.settings
        return (
            stop.is_set()
            or settings.progress(self.step, self.trained_s) >= 1
            or (settings.slice_steps is not None and self.step - first_step >= settings.slice_steps)
            or (settings.slice_minutes is not None and time.monotonic() - started >= settings.slice_minutes * 60)
        )

    def agreed(self, *flags: bool) -> list[bool]:
        """What any process wants, so that all do the same: their clocks differ, and a signal may reach only one."""
        if self.accelerator.num_processes == 1:
            return list(flags)
        wanted = torch.tensor(flags, dtype=torch.float32, device=self.device)
        return self.summed(wanted).bool().tolist()

    def summed(self, values: Tensor) -> Tensor:
        """Over all processes."""
        total = self.accelerator.reduce(values, "sum")
        assert isinstance(total, Tensor)  # as what it is of
        return total

    def draw_batch(self, step: int) -> Batch:
        """This process's items of a step, some of the given pictures as a camera might have taken them."""
        batch = self.source.draw(self.settings.seed, step, self.settings.batch, self.items)
        return self.photographed(batch, self.draws(batch, step), step)

    def draws(self, batch: Batch, step: int) -> StepDraws:
        given = {} if batch.image_given is None else dict(zip(self.items, batch.image_given.tolist(), strict=True))
        return draw_step(self.recipe, self.settings.seed, step, self.settings.batch, given)

    def train_step(self, batch: Batch) -> Tensor:
        """One update; returns the losses of image and depth, (2,)."""
        losses = self.backward(batch)
        factor = lr_factor(self.step, self.settings.progress(self.step, self.trained_s), self.settings.hold)
        self.optimizers.step(factor, self.accelerator.clip_grad_norm_)
        self.step += 1
        self.samples += self.settings.batch
        self.average.update(self.model, self.step)
        return losses

    def backward(self, batch: Batch) -> Tensor:
        """Gradients of this step's loss, the mean over the whole batch of all processes; returns its parts, (2,)."""
        settings, recipe = self.settings, self.recipe
        torch.manual_seed(int(torch_generator("cpu", settings.seed, MODEL, self.step).initial_seed()))
        draws = self.draws(batch, self.step)
        image, depth = self.noised(batch, draws)
        captions = [self.caption(caption, draws, i) for i, caption in zip(self.items, batch.captions, strict=True)]
        text = self.model.text_input(captions).to(self.device)
        counts = torch.stack([part.counted().sum() if part else image.t.new_zeros(()) for part in (image, depth)])
        counts = self.summed(counts.float()).clamp(min=1)
        weights = torch.tensor([1.0, recipe.depth_weight], device=self.device)

        total = torch.zeros(2, device=self.device)
        size = settings.micro_batch or len(self.items)
        starts = range(0, len(self.items), size)
        for start in starts:
            part = slice(start, start + size)
            last = start == starts[-1]
            with nullcontext() if last else self.accelerator.no_sync(self.objective):
                losses = self.objective(cut(image, part), cut(depth, part), text[part], self.grid).sum(dim=1) / counts
                # Processes average their gradients; the mean is over the batch of all of them.
                self.accelerator.backward((losses * weights).sum() * self.accelerator.num_processes)
            total += losses.detach()
        return total

    def caption(self, caption: str, draws: StepDraws, item: int) -> str:
        """What a sample's caption is in this step."""
        if draws.without_caption[item]:
            return ""
        rng = numpy_rng(self.settings.seed, WORD_ORDER, self.step, item)
        return reordered(caption, rng) if draws.any_order[item] else caption

    def photographed(self, batch: Batch, draws: StepDraws, step: int) -> Batch:
        """The batch, some of its given pictures as a camera might have taken them."""
        images, depths = list(batch.image), list(batch.depth)
        for number, item in enumerate(self.items):
            rng = numpy_rng(self.settings.seed, PHOTOGRAPHS, step, item)
            if draws.levels.image[item] == 0 and rng.random() < self.recipe.photograph_share:
                images[number], depths[number] = photographed(images[number], depths[number], rng)
        return replace(batch, image=torch.stack(images), depth=torch.stack(depths))

    def noised(self, batch: Batch, draws: StepDraws) -> tuple[Noised, Noised | None]:
        """The batch's tokens on their way to noise, this process's items."""
        seed, device, rows = self.settings.seed, self.device, torch.tensor(self.items)

        def noise(tokens: Tensor, purpose: int) -> Tensor:
            return draw_noise(tokens.shape, seed, purpose, self.step, self.items, device)

        image = self.model.image_codec.encode(batch.image.to(device))
        t_image = draws.levels.image[rows].to(device)
        if self.settings.image_only:
            t_image = torch.where(t_image > 0, t_image, draws.levels.depth[rows].to(device))  # nothing is given here
            return noised(image, noise(image, IMAGE_NOISE), t_image), None
        depth_pixels = batch.depth.to(device)
        known = self.model.depth_codec.known_tokens(~depth_pixels.isnan())
        depth = self.model.depth_codec.encode(depth_pixels)
        return (
            noised(image, noise(image, IMAGE_NOISE), t_image),
            noised(depth, noise(depth, DEPTH_NOISE), draws.levels.depth[rows].to(device), known),
        )

    def log(self, losses: Tensor) -> None:
        """losses  (2,) of image and depth, summed over the steps since the last line"""
        mean = self.summed(losses) / (self.step - self.logged_at)
        self.logged_at = self.step
        if self.accelerator.is_main_process:
            values = {"samples": self.samples, "minutes": self.trained_s / 60}
            values |= {"image_loss": mean[0].item(), "depth_loss": mean[1].item()}
            self.folder.log(self.step, {name: round(value, 4) for name, value in values.items()})


def cut(part: Noised | None, items: slice) -> Noised | None:
    """Some of the items."""
    if part is None:
        return None
    known = None if part.known is None else part.known[items]
    return Noised(part.clean[items], part.noise[items], part.t[items], known)


class Prefetch:
    """The next steps' batches, made in threads while this one's is computed with."""

    def __init__(self, draw: Callable[[int], Batch], threads: int = 1) -> None:
        self._draw, self._threads, self._pool = draw, threads, ThreadPoolExecutor(threads)
        self._ahead: dict[int, Future[Batch]] = {}

    def __enter__(self) -> Prefetch:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def next(self, step: int) -> Batch:
        """The batch of a step; those of the steps after it are begun."""
        for wanted in range(step, step + 1 + self._threads):
            if wanted not in self._ahead:
                self._ahead[wanted] = self._pool.submit(self._draw, wanted)
        return self._ahead.pop(step).result()


@contextmanager
def stop_requested() -> Iterator[threading.Event]:
    """Set by Ctrl-C or SIGTERM: the step in hand is finished and everything saved."""
    event = threading.Event()
    before = {number: signal.signal(number, lambda *_: event.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
