"""What a model promises a sampler: how it is called, and what its outputs mean.

A denoiser is anything with the signature of engine.model.transformer.Transformer.forward.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor

from .limits import check_numbers, check_switches


@dataclass(frozen=True)
class Schedule:
    """How the noise levels are spaced.

    *_shift_mu, *_shift_sigma   the shift of ``shifted``, per modality
    d2i_full_noise_rgb          d2i with the image's level held at 1. The released configurations have the switch;
                                it leaves the image at its noise, so nothing but a comparison wants it
    """

    rgb_shift_mu: float = 1.1
    rgb_shift_sigma: float = 1.0
    depth_shift_mu: float = 1.1
    depth_shift_sigma: float = 1.0
    d2i_full_noise_rgb: bool = False

    def __post_init__(self) -> None:
        shifts = ("rgb_shift_mu", "rgb_shift_sigma", "depth_shift_mu", "depth_shift_sigma")
        check_numbers(self, **dict.fromkeys(shifts, (-100.0, 100.0)))
        check_switches(self, "d2i_full_noise_rgb")


class Denoiser(Protocol):
    def __call__(
        self,
        img: Tensor,
        img_ids: Tensor,
        depth: Tensor,
        depth_ids: Tensor,
        ctx: Tensor,
        ctx_ids: Tensor,
        timesteps: Tensor,
        depth_timesteps: Tensor,
        guidance: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]: ...


@dataclass(frozen=True)
class Parametrisation:
    """What a model's two outputs mean, and how its levels are spaced: a fact of the model, not of a request."""

    schedule: Schedule = field(default_factory=Schedule)
    image_x_prediction: bool = False  # False: the output is the velocity dx/dt
    depth_x_prediction: bool = True  # True: the output is the clean sample
    x_prediction_t_min: float = 0.05  # v = (x_t - x_hat) / max(t, t_min)

    def __post_init__(self) -> None:
        check_numbers(self, x_prediction_t_min=(1e-6, 1.0))
        check_switches(self, "image_x_prediction", "depth_x_prediction")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Parametrisation:
        """From ``asdict``; what is missing is as released. TypeError: a field there is not."""
        given: dict[str, Any] = {**values, "schedule": Schedule(**values.get("schedule", {}))}
        return cls(**given)
