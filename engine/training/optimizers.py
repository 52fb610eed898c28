"""What moves the weights: Muon and AdamW, the learning rate's course, and the average of the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

WARMUP_STEPS = 40
ADAM_BETAS = (0.9, 0.98)
CLIP_NORM = 1.0


class Optimizers:
    """Muon for the matrices inside the blocks and AdamW for everything else, or AdamW for all.

    Muon looks at a whole matrix at once: parameters that are sharded over processes (FSDP) want AdamW.
    Parameters that need no gradient have no part in it.
    """

    def __init__(self, model: nn.Module, muon_lr: float | None, adam_lr: float) -> None:
        trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        matrices = [p for name, p in trained.items() if "_blocks." in name and p.ndim == 2] if muon_lr else []
        inside = {id(p) for p in matrices}
        others = [p for p in trained.values() if id(p) not in inside]
        self.lrs: list[float] = []
        self.parts: list[torch.optim.Optimizer] = []
        if muon_lr and matrices:
            self.lrs.append(muon_lr)
            self.parts.append(torch.optim.Muon(matrices, lr=muon_lr, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"))
        self.lrs.append(adam_lr)
        self.parts.append(torch.optim.AdamW(others, lr=adam_lr, betas=ADAM_BETAS, eps=1e-9, weight_decay=0.0))

    def step(self, lr_factor: float, clip: Callable[[list[nn.Parameter], float], object]) -> None:
        """One update, and the gradients gone; ``clip`` (accelerate's) cuts their norm."""
        # Muon's updates have a fixed size already.
        clip([p for group in self.parts[-1].param_groups for p in group["params"]], CLIP_NORM)
        for optimizer, lr in zip(self.parts, self.lrs, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = lr * lr_factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    @property
    def plain(self) -> list[torch.optim.Optimizer]:
        """torch's own, whatever accelerate has wrapped them in."""
        return [getattr(optimizer, "optimizer", optimizer) for optimizer in self.parts]


def lr_factor(step: int, progress: float, hold: float) -> float:
    """Warm up, hold, then fall to zero in a straight line over the rest of the budget.

    progress  share of the budget that is spent
    hold      share of it after which the rate falls
    """
    decay = 1.0 if progress < hold else max(0.0, (1.0 - progress) / (1.0 - hold))
    return min(1.0, (step + 1) / WARMUP_STEPS) * decay


class Average:
    """Exponential moving average of the trained parameters (EMA); what is sampled from and shipped."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """After ``step`` updates; over the first ones the average is shorter."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, parameter in model.named_parameters():
            if name in self.values:
                self.values[name].lerp_(parameter, 1 - decay)

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[None]:
        """The model with the averaged parameters in place of its own."""
        own = {name: p for name, p in model.named_parameters() if name in self.values}
        kept = {name: p.detach().clone() for name, p in own.items()}
        try:
            _copy(self.values, own)
            yield
        finally:
            _copy(kept, own)


@torch.no_grad()
def _copy(values: dict[str, Tensor], into: dict[str, nn.Parameter]) -> None:
    for name, parameter in into.items():
        parameter.copy_(values[name])
