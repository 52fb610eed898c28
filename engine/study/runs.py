"""What is trained: every run of the study."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..model.bundle import SmallConfig
from ..model.refinement import RefinementConfig
from ..training.sizes import pixel_model
from ..training.training_recipe import Recipe

SIZE_PX, PATCH_PX = 32, 8
SCENES_IN_TRAINING, SCENES_HELD_OUT = 2000, 64
FEW_PAIRS = 200  # of the scenes whose depth question (c) lets the models see
BATCH = 32
HIDDEN = {"small": 48, "middle": 96, "large": 144}

#: The paper's shares (0.2 image given, 0.2 depth given, 0.6 both noised), the built-in model's noise levels, and no
#: captions: they name the kind of scene, which is most of what there is to know of its depth.
INDEPENDENT = Recipe(i2d_share=0.2, d2i_share=0.2, tied_share=0.0, caption_dropout=1.0, given_image_caption_dropout=1.0)
ONLY_I2D, ONLY_D2I = ((replace(INDEPENDENT, i2d_share=float(i), d2i_share=float(not i))) for i in (True, False))
ONLY_JOINT = replace(INDEPENDENT, i2d_share=0.0, d2i_share=0.0)


@dataclass(frozen=True)
class Run:
    """One model to train.

    known_share  of the pixels of each depth map that are supervised
    pairs        scenes whose depth is seen
    images_first share of the steps that train on images alone, of all scenes, before depth joins
    length       share of the study's steps
    """

    name: str
    recipe: Recipe = INDEPENDENT
    seed: int = 0
    hidden: int = HIDDEN["middle"]
    known_share: float = 1.0
    pairs: int = SCENES_IN_TRAINING
    images_first: float = 0.0
    length: float = 1.0


def _sizes() -> list[Run]:
    runs = []
    for size, hidden in HIDDEN.items():
        runs.append(Run(f"few pairs, {size}", hidden=hidden, pairs=FEW_PAIRS))
        runs.append(Run(f"images first, {size}", hidden=hidden, pairs=FEW_PAIRS, images_first=0.5))
    return runs


#: The first is the one that all others are compared with; its other seed tells how far apart two equal runs are.
RUNS: tuple[Run, ...] = (
    Run("all modes"),
    Run("only i2d", ONLY_I2D),
    Run("5 % of the pixels", known_share=0.05),
    Run("1 % of the pixels", known_share=0.01),
    Run("all modes, seed 1", seed=1),
    Run("shared level", replace(INDEPENDENT, i2d_share=0.0, d2i_share=0.0, tied_share=1.0)),
    Run("shared level or given", replace(INDEPENDENT, tied_share=0.6)),
    Run("only d2i", ONLY_D2I),
    Run("only joint", ONLY_JOINT),
)
#: For question (c), and (a) once more at equal cost: three models that together are trained as long as the one.
MORE_RUNS: tuple[Run, ...] = (
    *_sizes(),
    Run("only i2d, a third", ONLY_I2D, length=1 / 3),
    Run("only d2i, a third", ONLY_D2I, length=1 / 3),
    Run("only joint, a third", ONLY_JOINT, length=1 / 3),
)


def study_model(hidden: int) -> SmallConfig:
    """One double, two single and one depth block: as small as the architecture goes with every part in it."""
    config = pixel_model(SIZE_PX, PATCH_PX, hidden, hidden // 48, double=1, single=2, decoder=1)
    return replace(config, max_words=1, refinement=RefinementConfig(PATCH_PX, features=2, width=4))
