"""The backend of learned models: encode what is given, sample the rest, decode both (arXiv 2606.13676)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from . import catalog
from .frame import (
    Frame,
    depth_to_disparity,
    disparity_to_depth,
    from_frame,
    image_to_tensor,
    plan_frame,
    tensor_to_image,
    to_frame,
)
from .known import Known
from .model.bundle import SmallModel, load_small
from .model.resample import resize, shrink
from .pipeline import Arrays, Output, Report
from .request import Request
from .sampling.sampler import Step, refine_depth, sample
from .sampling.tiling import RingCodec
from .sampling.windows import Broad, Plane, Windows

FARTHEST = 25.0  # in mean depths: what is farther is the model's rounding of infinity
MATERIAL_FARTHEST = 4.0  # a surface seen from the front has no sky
PREVIEW_EVERY = 4  # steps
PREVIEW_PX = 512  # longer side at most


def best_device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


class ModalityForcingBackend:
    """Runs checkpoints of the Modality Forcing transformer; keeps the last one loaded."""

    def __init__(self) -> None:
        self._loaded: tuple[str, SmallModel] | None = None

    def unload(self) -> None:
        self._loaded = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def run(self, entry: catalog.ModelEntry, request: Request, arrays: Arrays, report: Report) -> Output:
        model = self._model(entry, report)
        height, width = request.height_px, request.width_px
        frame = plan_frame(width, height, sampled_px(model, request), model.image_codec.patch_px, request.wrap)
        with torch.inference_mode():
            known = Known.of(arrays, request)
            rollout = Rollout(model, request, arrays, known, frame, report)
            if not is_detailed(model, request):
                image, depth, unit = rollout.sample()
            else:
                broad = None
                if request.target == "scene" or request.mode != "joint":
                    # A texture is the same all over; a view must be laid out as a whole before its parts are made.
                    own, patch = model.config.native_px, model.image_codec.patch_px
                    small = plan_frame(width, height, own, patch, request.wrap)
                    whole = replace(rollout, frame=small, stage="sampling the whole")
                    broad = rollout.broad_shapes(whole, *whole.sample()[:2])
                image, depth, unit = replace(rollout, stage="sampling details").sample(broad, by_windows=True)
            report("finishing", 0, 1, None)
            image = arrays["image"] if request.mode == "i2d" else finished_image(image, request, frame)
            depth = arrays["depth"] if request.mode == "d2i" else finished_depth(depth, request, frame) * unit
            output = Output(
                image=known.in_image(image),
                depth=known.in_depth(depth),
                unknown_words=model.text.unknown_words(request.prompt),
                notes=size_notes(frame, request),
            )
        report("finishing", 1, 1, None)
        return output

    def _model(self, entry: catalog.ModelEntry, report: Report) -> SmallModel:
        if self._loaded is None or self._loaded[0] != entry.id:
            report("loading the model", 0, 1, None)
            self._loaded = None  # before the next one comes, not after
            self._loaded = (entry.id, load_small(entry.checkpoint_dir, best_device()))
            report("loading the model", 1, 1, None)
        return self._loaded[1]


@dataclass(frozen=True)
class Rollout:
    """One way from noise to a picture and its depth, on one frame."""

    model: SmallModel
    request: Request
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
        progress = Progress(self.report, self.stage, request.steps, self._preview)
        settings = {
            "grid": frame.grid,
            "num_steps": request.steps,
            "seed": request.seed,
            "parametrisation": model.config.parametrisation,
            "image_channels": model.image_codec.channels,
            "depth_channels": model.depth_codec.channels,
            "null_ctx": model.text.encode([""]),
            "tile": request.wrap,
            "patch_px": model.image_codec.cells,
            "timestep_dtype": getattr(torch, request.timestep_dtype),
            "windows": self._windows(progress) if by_windows else None,
            "depth_estimate": request.depth_estimate,
            "on_step": progress.on_step,
        }
        ctx = model.text.encode([request.prompt])
        constraints = self.known.constraints(model, frame, broad, request.wrap)
        image, depth = sample(
            model.dit,
            ctx,
            mode=request.mode,
            guidance_scale=request.guidance,
            log2_alpha=request.log2_alpha,
            constraints=constraints,
            **self._given(),
            **settings,
        )
        if request.refine_depth and request.mode == "joint":
            constraints = self.known.constraints(model, frame, broad, request.wrap)
            depth = refine_depth(model.dit, ctx, image, constraints=constraints, **settings)
        image = self._codec.decode(image)
        depth = model.depth_codec.decode(depth, frame.grid, clip=True)
        # Resizing comes next, which not every device can do in every way.
        return image.cpu(), depth.cpu(), constraints.unit

    def broad_shapes(self, small: Rollout, image: Tensor, depth: Tensor) -> Broad:
        """Those of another rollout's result, on its smaller frame, for this one's frame."""
        patch, device = self.model.image_codec.patch_px, self._device
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

    @property
    def _device(self) -> torch.device:
        return self.model.text.tokens.weight.device

    def _given(self) -> dict[str, Tensor]:
        """The tokens of what i2d or d2i starts from."""
        device, patch = self._device, self.model.image_codec.patch_px
        if self.request.mode == "i2d":
            image = to_frame(image_to_tensor(self.arrays["image"]), self.frame, patch).to(device)
            return {"clean_image": self._codec.encode(image)}
        if self.request.mode == "d2i":
            disparity = depth_to_disparity(torch.from_numpy(self.arrays["depth"])[None, None])
            disparity = to_frame(disparity, self.frame, patch)[:, 0]
            depth = torch.where(disparity > 0, 1.0 / disparity, torch.inf).to(device)
            return {"clean_depth": self.model.depth_codec.encode(depth)}
        return {}

    def _windows(self, progress: Progress) -> Windows:
        own = self.model.config.native_px // self.model.image_codec.patch_px
        size = tuple(min(own, side) for side in self.frame.grid)
        return Windows(size, self.request.wrap, self.model.image_codec.cells, progress.on_batch)

    def _preview(self, step: Step) -> np.ndarray | None:
        if step.clean_image is None or step.index % PREVIEW_EVERY or self.request.mode == "i2d":
            return None
        picture = from_frame(self._codec.decode(step.clean_image).cpu(), self.frame)
        longest = max(self.frame.crop_px)
        if longest > PREVIEW_PX:
            picture = shrink(picture, tuple(max(1, side * PREVIEW_PX // longest) for side in self.frame.crop_px))
        return tensor_to_image(picture)


class Progress:
    """Reports a rollout: every step, and every batch of windows within it, so that it can be cancelled there."""

    def __init__(self, report: Report, stage: str, steps: int, preview: Callable[[Step], np.ndarray | None]) -> None:
        self._report, self._stage, self._preview = report, stage, preview
        self._at = (0, steps)

    def on_step(self, step: Step) -> None:
        self._at = (step.index, step.of)
        self._report(self._stage, *self._at, self._preview(step))

    def on_batch(self) -> None:
        self._report(self._stage, *self._at, None)


def is_detailed(model: SmallModel, request: Request) -> bool:
    """Whether more is asked for than the model can look at at once."""
    return sampled_px(model, request) > undetailed_px(model, request)


def sampled_px(model: SmallModel, request: Request) -> int:
    """Side of the square whose area is sampled. More than the result has would be lost."""
    wanted = (request.width_px * request.height_px) ** 0.5
    own = undetailed_px(model, request)
    return own if request.detail_px is None else max(own, min(request.detail_px, round(wanted)))


def undetailed_px(model: SmallModel, request: Request) -> int:
    """The same where no detail is asked for: the model's own side, and for a tile twice that where it is wanted.

    A rolled grid of twice the side keeps a texture together and shows more of it; a scene falls apart.
    """
    native = model.config.native_px
    wanted = (request.width_px * request.height_px) ** 0.5
    return 2 * native if request.tiles and request.mode == "joint" and wanted >= 2 * native else native


def finished_image(image: Tensor, request: Request, frame: Frame) -> np.ndarray:
    return tensor_to_image(resize(from_frame(image, frame), (request.height_px, request.width_px), wrap=request.wrap))


def finished_depth(depth: Tensor, request: Request, frame: Frame) -> np.ndarray:
    """(1, h, w) -> (H, W) float32 at the requested size; resized as disparity.

    A view without overshoot, which at a jump would be a ghost of one; a relief smoothly, or its slopes would be facets.
    """
    material = request.target == "material"
    farthest = MATERIAL_FARTHEST if material else FARTHEST
    disparity = from_frame(depth_to_disparity(depth)[:, None], frame)
    size = (request.height_px, request.width_px)
    if material:
        lowest = 1.0 / (0.999 * farthest)
        disparity = resize(disparity.clamp(min=lowest), size, wrap=request.wrap, mode="bicubic").clamp(min=lowest)
    else:
        disparity = resize(disparity, size, wrap=request.wrap, mode="bilinear")
    return disparity_to_depth(disparity, farthest)[0, 0].cpu().numpy().astype(np.float32)


def size_notes(frame: Frame, request: Request) -> tuple[str, ...]:
    rows, columns = frame.crop_px
    if request.width_px * request.height_px <= rows * columns:
        return ()
    own = "" if request.detail_px else ", the model's own size,"
    return (f"Made at {columns} x {rows} pixels{own} and enlarged.",)
