"""A model and a recipe as one function, from noised tokens to losses: what is wrapped for many processes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..model.image_codec import Grid
from ..sampling.sampler import velocity
from .latent_model import Trained
from .training_recipe import Noised, Recipe


class Objective(nn.Module):
    """teacher   a frozen text-to-image model, for post-training"""

    def __init__(self, model: Trained, recipe: Recipe, teacher: Trained | None = None) -> None:
        super().__init__()
        self.model: Trained = model
        self.recipe = recipe
        self._teacher = (teacher,)  # in a tuple: neither trained nor saved with the model

    def forward(self, image: Noised, depth: Noised | None, text: Tensor, grid: Grid) -> Tensor:
        """Losses of the items, (2, B): image (distillation included) and depth; without ``depth`` of the image alone.

        text  (B, L) word ids or (B, L, C) text tokens, as the model's ``denoise`` wants them
        """
        recipe, meaning = self.recipe, self.model.config.parametrisation
        if depth is None:
            image_out = self.model.denoise_image(image.tokens(), text, grid, image.t)
            losses = image.losses(image_out, meaning.image_x_prediction, recipe.t_min)
            return torch.stack([losses, torch.zeros_like(losses)])
        image_out, depth_out = self.model.denoise(image.tokens(), depth.tokens(), text, grid, image.t, depth.t)
        image_losses = image.losses(image_out, meaning.image_x_prediction, recipe.t_min)
        depth_losses = depth.losses(depth_out, meaning.depth_x_prediction, recipe.t_min)
        [teacher] = self._teacher
        if teacher is not None:
            image_losses = image_losses + self.distillation(teacher, image_out, image, depth.t, text, grid)
        return torch.stack([image_losses, depth_losses])

    def distillation(
        self, teacher: Trained, image_out: Tensor, image: Noised, t_depth: Tensor, text: Tensor, grid: Grid
    ) -> Tensor:
        """How far the image's velocity is from the frozen original's, (B,) (arXiv 2606.13676, equation 8).

        Most where the depth is noise, and the original knows as much; least where depth says what the original cannot
        know. 0 where the image is given.
        """
        meaning, t = self.model.config.parametrisation, image.t[:, None, None]
        with torch.no_grad():
            target = teacher.denoise_image(image.tokens(), text, grid, image.t)
        ours, theirs = (
            velocity(image.tokens(), out.float(), t, meaning.image_x_prediction, self.recipe.t_min)
            for out in (image_out, target)
        )
        high, low = self.recipe.distill_at_noisy_depth, self.recipe.distill_at_clean_depth
        weight = high * t_depth + low * (1 - t_depth)
        return torch.where(image.t > 0, weight * (ours - theirs).square().mean(dim=(1, 2)), 0.0)
