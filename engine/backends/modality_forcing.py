"""The backend of learned models: encode what is given, sample the rest, decode both (arXiv 2606.13676)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import catalog
from ..catalog.plans import Choices, Work
from ..contract.arrays import KNOWN, Arrays
from ..contract.errors import EngineError, ModelError
from ..contract.settled import FIT, OWN_SIZE, Settled
from ..geometry.depth import resample
from ..geometry.upsampling import upsampled
from ..memory.slow import StepClock, slow_note
from ..model.bundle import Model, ModelConfig
from ..model.depth_codec import DepthCodec
from ..model.image_codec import REACH
from ..model.published import PublishedConfig
from ..model.resample import resize, shrink
from ..model.speed import failed_to_compile
from ..model.upsampler import FACTOR
from ..sampling.guidance import Guidance
from ..sampling.sampler import Step, refine_depth, sample
from ..sampling.tiling import RingCodec
from ..sampling.windows import Broad, Plane, Windows
from .base import Output, Report
from .cut import calm_cut
from .frame import (
    Frame,
    depth_to_disparity,
    disparity_to_depth,
    from_frame,
    image_to_tensor,
    letterboxed,
    plan_frame,
    tensor_to_image,
    to_frame,
)
from .known import Known
from .loading import Keeper

MATERIAL_FARTHEST = 4.0  # a surface seen from the front has no sky
NEAREST = 0.01  # in mean depths: what is nearer is its rounding of nothing
BLACK = -1.0  # in a picture of -1..1: what a letterboxed one has around it
PREVIEW_EVERY = 4  # steps
PREVIEW_PX = 512  # longer side at most


class ModalityForcingBackend:
    """Runs checkpoints of the Modality Forcing transformer; keeps the last one loaded."""

    def __init__(self, cut_calmly: bool = True) -> None:
        """cut_calmly  cut a tile where it shows least; otherwise where it was sampled, to measure that border"""
        self._keeper = Keeper()
        self._cut_calmly = cut_calmly

    def unload(self) -> None:
        self._keeper.unload()

    def run(self, entry: catalog.ModelEntry, request: Settled, arrays: Arrays, report: Report) -> Output:
        clock = StepClock(report)
        try:
            output = self._keeper.run(
                entry,
                choices_of(request),
                lambda config: work_of(config, request, not arrays.keys().isdisjoint(KNOWN)),
                lambda model: self._made(model, request, arrays, clock),
                lambda stage, step, of: report(stage, step, of, None),
            )
            return replace(
                output, notes=(*output.notes, *slow_note(clock.seconds, self._keeper.step_s, request.resample))
            )
        except Exception as error:
            if not failed_to_compile(error):
                raise
            raise EngineError(
                "The model could not be compiled on this computer.",
                "Generate without Compile; or install what PyTorch compiles with: a C++ compiler for the processor, "
                "Triton for a graphics card.",
                str(error),
            ) from error

    def _made(self, model: Model, request: Settled, arrays: Arrays, report: Report) -> Output:
        height, width = request.height_px, request.width_px
        frame = frame_of(model.config, request)
        with torch.inference_mode():
            known = Known.of(arrays, request)
            rollout = Rollout(model, request, arrays, known, frame, report)
            if not is_detailed(model.config, request):
                image, depth, unit = rollout.sample()
            else:
                broad = None
                if request.target == "scene" or request.mode != "joint":
                    # A texture is the same all over; a view must be laid out as a whole before its parts are made.
                    own, patch = native_px(model.config, request), model.image_codec.patch_px
                    small = plan_frame(width, height, own, patch, request.wrap)
                    whole = replace(rollout, frame=small, stage="sampling the whole")
                    broad = rollout.broad_shapes(whole, *whole.sample()[:2])
                image, depth, unit = replace(rollout, stage="sampling details").sample(broad, by_windows=True)
            report("finishing", 0, 1, None)
            if self._cut_calmly and request.mode == "joint" and request.target == "material" and not known:
                image, depth = calm_cut(image, depth, request.wrap)
            notes = size_notes(frame, request)
            image_frame = depth_frame = frame
            if model.upsampler and request.mode != "i2d" and is_enlarged(frame, request):
                image, sharp_depth = model.upsampler.sharpened(image, depth, request.wrap)
                image_frame = frame.enlarged(FACTOR)
                if request.target == "material":  # on a view's even floors it leaves traces of the picture
                    depth, depth_frame = sharp_depth, image_frame
            image = arrays["image"] if request.mode == "i2d" else finished_image(image, request, image_frame)
            if request.mode == "d2i":
                depth = arrays["depth"]
            else:
                guide = arrays["image"] if request.mode == "i2d" else None
                depth = finished_depth(depth, request, depth_frame, model.config.farthest, guide) * unit
            output = Output(
                image=known.in_image(image),
                depth=known.in_depth(depth),
                unknown_words=model.text.unknown_words(request.prompt),
                notes=(*notes, *model.text.notes(request.prompt), *fitting_notes(model, request), *plan_notes(model)),
                used=used_by(model),
            )
        report("finishing", 1, 1, None)
        return output


@dataclass(frozen=True)
class Rollout:
    """One way from noise to a picture and its depth, on one frame."""

    model: Model
    request: Settled
    arrays: Arrays
    known: Known
    frame: Frame
    report: Report
    stage: str = "sampling"

    def sample(self, broad: Broad | None = None, by_windows: bool = False) -> tuple[Tensor, Tensor, float]:
        """Image (1, 3, h, w) in [-1, 1] and depth (1, h, w) on the frame's grid, on the CPU; the unit of this depth.

        broad       broad shapes to keep to
        by_windows  look at windows of the model's own size, not at the whole grid
        """
        model, request, frame = self.model, self.request, self.frame
        progress = StepReporter(self.report, self.stage, request.steps, self._preview, model.compiled)
        words = [request.prompt, ""] if request.guidance > 1.0 else [request.prompt]
        ctx, *null = model.text.encode(words).split(1)
        given = self._given()
        settings: dict[str, Any] = {
            "grid": frame.grid,
            "num_steps": request.steps,
            "seed": request.seed,
            "parametrisation": model.config.parametrisation,
            "image_channels": model.image_codec.channels,
            "depth_channels": model.depth_codec.channels,
            "null_ctx": null[0] if null else None,
            "tile": request.wrap,
            "patch_px": model.image_codec.cells,
            "timestep_dtype": getattr(torch, request.timestep_dtype),
            "windows": self._windows(progress) if by_windows else None,
            "one_batch": model.one_batch,
            "guidance_interval": (request.guidance_low, request.guidance_high),
            "depth_estimate": request.depth_estimate,
            "on_step": progress.on_step,
        }
        constraints = self.known.constraints(model, frame, broad, request.wrap)
        image, depth = sample(
            model.dit,
            ctx,
            mode=request.mode,
            guidance_scale=request.guidance,
            depth_guidance=request.depth_guidance,
            log2_alpha=request.log2_alpha,
            constraints=constraints,
            **given,
            **settings,
        )
        if request.refine_depth and request.mode == "joint":
            constraints = self.known.constraints(model, frame, broad, request.wrap)
            depth = refine_depth(model.dit, ctx, image, constraints=constraints, **settings)
        image = self._codec.decode(image)
        depth = model.depth_codec.decode(depth, frame.grid, clip=True)
        if not (torch.isfinite(image).all() and not torch.isnan(depth).any()):
            raise ModelError(
                "The model gave no numbers: its weights are damaged, or it does not work at this precision.",
                "Verify and repair the model, or try another precision.",
                f"{request.model}: image finite {bool(torch.isfinite(image).all())}",
            )
        # Resizing comes next, which not every device can do in every way.
        return image.cpu(), depth.cpu(), constraints.unit

    def broad_shapes(self, small: Rollout, image: Tensor, depth: Tensor) -> Broad:
        """Those of another rollout's result, on its smaller frame, for this one's frame."""
        patch, device = self.model.image_codec.patch_px, self.model.device
        image = to_frame(from_frame(image, small.frame), self.frame, patch).to(device)
        disparity = from_frame(depth_to_disparity(depth)[:, None], small.frame)
        disparity = to_frame(disparity, self.frame, patch, mode="bilinear")[:, 0]
        depth = torch.where(disparity > 0, 1.0 / disparity, torch.inf).to(device)
        return Broad.of(
            self.frame.grid,
            Plane.of(self.model.image_codec),
            Plane(self.model.depth_codec.patch_size, 1),
            None if self.request.mode == "i2d" else self._codec.encode(image),
            None if self.request.mode == "d2i" else self.model.depth_codec.encode_relative(depth),
            small.frame.grid,
            self.request.wrap,
        )

    @property
    def _codec(self) -> RingCodec:
        return RingCodec(self.model.image_codec, self.frame.grid, self.request.wrap)

    def _given(self) -> dict[str, Tensor]:
        """The tokens of what i2d or d2i starts from."""
        device, patch = self.model.device, self.model.image_codec.patch_px
        if self.request.mode == "i2d":
            bars = BLACK if self.request.framing == "letterbox" else None
            image = to_frame(image_to_tensor(self.arrays["image"]), self.frame, patch, bars=bars).to(device)
            return {"clean_image": self._codec.encode(image)}
        if self.request.mode == "d2i":
            depth, unit = given_depth(self.arrays["depth"], self.frame, patch, self.model.depth_codec)
            return {"clean_depth": self.model.depth_codec.encode(depth.to(device), unit)}
        return {}

    def _windows(self, progress: StepReporter) -> Windows:
        own = self.model.config.native_px // self.model.image_codec.patch_px
        rows, columns = (min(own, side) for side in self.frame.grid)
        cells, at_once = self.model.image_codec.cells, self.model.windows
        return Windows((rows, columns), self.request.wrap, cells, at_once, progress.on_batch)

    def _preview(self, step: Step) -> np.ndarray | None:
        idle = step.index % PREVIEW_EVERY or self.request.mode == "i2d"
        if step.clean_image is None or idle or not self.model.previews:
            return None
        picture = from_frame(self._codec.decode(step.clean_image).cpu(), self.frame)
        longest = max(self.frame.crop_px)
        if longest > PREVIEW_PX:
            picture = shrink(picture, tuple(max(1, side * PREVIEW_PX // longest) for side in self.frame.crop_px))
        return tensor_to_image(picture)


class StepReporter:
    """Reports a rollout: every step, and every batch of windows within it, so that it can be cancelled there."""

    def __init__(
        self,
        report: Report,
        stage: str,
        steps: int,
        preview: Callable[[Step], np.ndarray | None],
        compiled: bool,
    ) -> None:
        """compiled: the first step may take minutes, and it says why"""
        self._report, self._stage, self._preview, self._compiled = report, stage, preview, compiled
        self._at = (0, steps)

    def on_step(self, step: Step) -> None:
        self._at = (step.index, step.of)
        self._say(self._preview(step))

    def on_batch(self) -> None:
        self._say(None)

    def _say(self, preview: np.ndarray | None) -> None:
        first = self._compiled and self._at[0] == 0
        self._report(f"{self._stage} (compiling)" if first else self._stage, *self._at, preview)


def given_depth(depth: np.ndarray, frame: Frame, patch_px: int, codec: DepthCodec) -> tuple[Tensor, float | None]:
    """A depth (H, W) that a picture is made for: (1, h, w) on the frame, and its unit, or None: that of these pixels.

    Shrunk as disparity, by areas. Enlarged without anything between two surfaces: there a kernel would make ghosts of
    any distance, before a sky also ones that are farther than all there is, and change the unit with them.
    """
    disparity = depth_to_disparity(torch.from_numpy(depth)[None, None])
    (rows, columns), (height, width) = frame.crop_px, depth.shape
    smaller = (min(rows, height), min(columns, width))
    disparity = resize(disparity, smaller)
    unit = None
    if smaller != frame.crop_px:
        unit = codec.unit(torch.from_numpy(depth)[None]).item()
        enlarged = resample(disparity_to_depth(disparity, torch.inf)[0, 0].numpy(), columns, rows)
        disparity = depth_to_disparity(torch.from_numpy(enlarged)[None, None])
    disparity = to_frame(disparity, frame, patch_px)[:, 0]
    return torch.where(disparity > 0, 1.0 / disparity, torch.inf), unit


def frame_of(config: ModelConfig, request: Settled) -> Frame:
    """What is sampled for the request. Of another shape than the model's square: a grid of that shape, or a part of it.

    Never a stretched picture. A tile has no bars around it, and neither has what is sampled by windows.
    """
    patch = config.depth_codec.patch_size  # the image codec's is the same
    if request.framing == "letterbox" and not any(request.wrap) and not is_detailed(config, request):
        return letterboxed(request.width_px, request.height_px, config.native_px, patch)
    return plan_frame(request.width_px, request.height_px, sampled_px(config, request), patch, request.wrap)


def choices_of(request: Settled) -> Choices:
    return Choices(
        precision=None if request.precision == FIT else request.precision,
        prefer_speed=request.prefer_speed,
        compile_blocks=request.compile_blocks,
    )


def work_of(config: PublishedConfig, request: Settled, known: bool = False) -> Work:
    """How much there is to hold while the request is done. known: some of the result's pixels are."""
    frame, patch = frame_of(config, request), config.depth_codec.patch_size
    looked_at = frame.grid
    if is_detailed(config, request):
        looked_at = plan_frame(request.width_px, request.height_px, native_px(config, request), patch).grid
    tokens = looked_at[0] * looked_at[1]
    decoded = (side + 2 * REACH * ring for side, ring in zip(frame.grid, request.wrap, strict=True))
    return Work(
        text_tokens=config.max_tokens,
        image_tokens=tokens,
        depth_tokens=tokens,
        pixels=math.prod(decoded) * patch**2,
        looks=Guidance(request.guidance, request.depth_guidance).looks,
        known=known,
    )


def is_detailed(config: ModelConfig, request: Settled) -> bool:
    """Whether more is asked for than the model can look at at once."""
    return sampled_px(config, request) > native_px(config, request)


def sampled_px(config: ModelConfig, request: Settled) -> float:
    """Side of the square whose area is sampled. More than the result has would be lost."""
    wanted = (request.width_px * request.height_px) ** 0.5
    own = native_px(config, request)
    return own if request.detail_px == OWN_SIZE else max(own, min(request.detail_px, round(wanted)))


def native_px(config: ModelConfig, request: Settled) -> float:
    """Side of the square whose area the model samples best in the requested proportions."""
    shorter, longer = sorted((request.width_px, request.height_px))
    native = config.native_px
    return native if config.native_side == "area" else native * (shorter / longer) ** 0.5


def finished_image(image: Tensor, request: Settled, frame: Frame) -> np.ndarray:
    return tensor_to_image(resize(from_frame(image, frame), (request.height_px, request.width_px), wrap=request.wrap))


def finished_depth(
    depth: Tensor, request: Settled, frame: Frame, farthest: float, guide: np.ndarray | None = None
) -> np.ndarray:
    """(1, h, w) -> (H, W) float32 at the requested size; resized as disparity.

    A view without overshoot, which at a jump would be a ghost of one; a relief smoothly, or its slopes would be facets.

    farthest  in a view, what is farther is infinite
    guide     (H, W, 3) uint8: the picture that it is the depth of, whose edges are a view's
    """
    material = request.target == "material"
    farthest = MATERIAL_FARTHEST if material else farthest
    disparity = from_frame(depth_to_disparity(depth.clamp(min=NEAREST))[:, None], frame)
    size = (request.height_px, request.width_px)
    if material:
        lowest = 1.0 / (0.999 * farthest)
        disparity = resize(disparity.clamp(min=lowest), size, wrap=request.wrap, mode="bicubic").clamp(min=lowest)
    elif guide is not None and not any(request.wrap) and min(np.subtract(size, disparity.shape[-2:])) > 0:
        disparity = torch.from_numpy(upsampled(disparity[0, 0].numpy(), guide))[None, None]
    else:
        disparity = resize(disparity, size, wrap=request.wrap, mode="bilinear")
    return disparity_to_depth(disparity, farthest)[0, 0].cpu().numpy().astype(np.float32)


def is_enlarged(frame: Frame, request: Settled) -> bool:
    """Whether the result has more pixels than are sampled."""
    return request.width_px * request.height_px > math.prod(frame.crop_px)


def size_notes(frame: Frame, request: Settled) -> tuple[str, ...]:
    if not is_enlarged(frame, request):
        return ()
    rows, columns = frame.crop_px
    own = "" if request.detail_px else ", the model's own size,"
    return (f"Made at {columns} x {rows} pixels{own} and enlarged.",)


def used_by(model: Model) -> dict[str, Any]:
    """What the computer decided: the device, and how a planned model was fitted to its memory."""
    plan = getattr(model, "plan", None)
    return {"device": str(model.device), "plan": None if plan is None else plan.label}


def fitting_notes(model: Model, request: Settled) -> tuple[str, ...]:
    """What was asked for of how a model is fitted to the memory, though this one is not."""
    if getattr(model, "plan", None) is not None or (request.precision == FIT and not request.prefer_speed):
        return ()
    return (f"'{request.model}' is small and kept as it is: left aside precision and speed.",)


def plan_notes(model: Model) -> tuple[str, ...]:
    """What was done to take less memory that changes the result."""
    plan = getattr(model, "plan", None)
    if plan is None or not plan.approximate:
        return ()
    return (f"Run with less than the published precision: {plan.label}.",)
