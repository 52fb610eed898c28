"""The backend of the generator that is written by hand."""

from __future__ import annotations

from ..builtin import procedural
from ..catalog import ModelEntry
from ..contract.arrays import Arrays
from ..contract.settled import FIT, OWN_SIZE, Settled
from .base import Output, Report


class ProceduralBackend:
    """The generator written by hand. Holds nothing, so there is nothing to unload."""

    def run(self, entry: ModelEntry, request: Settled, arrays: Arrays, report: Report) -> Output:
        report("generating", 0, 1, None)
        sample = procedural.generate(
            request.prompt,
            request.target,
            request.seed,
            request.width_px,
            request.height_px,
            tick=lambda: report("generating", 0, 1, None),  # so that it can be cancelled
            fov_deg=request.fov_deg,
        )
        report("generating", 1, 1, None)
        notes = (*sample.notes, *self._left_aside(entry, request))
        return Output(sample.image, sample.depth, tuple(sample.unknown_words), notes)

    @staticmethod
    def _left_aside(entry: ModelEntry, request: Settled) -> list[str]:
        """What was asked for though there is nothing it could change: a sentence, or none."""
        asked = {
            "steps": request.steps != entry.default_steps,
            "guidance": request.guidance != entry.default_guidance,
            "detail": request.detail_px != OWN_SIZE,
            "compiling": request.compile_blocks,
            "intervals of guidance": (request.guidance_low, request.guidance_high) != (0.0, 1.0),
            "trajectory": request.log2_alpha is not None,
            "refining": request.refine_depth,
            "depth estimate": request.depth_estimate != entry.depth_estimate,
            "resampling": request.resample != 1,
            "precision": request.precision != FIT or request.prefer_speed,
        }
        names = [name for name, is_asked in asked.items() if is_asked]
        return [f"{entry.label} materials and scenes are not sampled: left aside {', '.join(names)}."] if names else []

    def unload(self) -> None:
        pass
