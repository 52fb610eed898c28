"""The backend of learned models: encode what is given, sample the rest, decode both (arXiv 2606.13676)."""

from __future__ import annotations

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
from .model.resample import resize
from .pipeline import Arrays, Output, Report
from .request import Request
from .sampling.sampler import Step, refine_depth, sample

FARTHEST = 25.0  # in mean depths: what is farther is the model's rounding of infinity
MATERIAL_FARTHEST = 4.0  # a surface seen from the front has no sky
PREVIEW_EVERY = 4  # steps


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
        frame = plan_frame(width, height, sampled_px(model, request), model.config.refinement.patch_px, request.tiles)
        with torch.inference_mode():
            known = Known.of(arrays, request)
            image, depth, unit = self._sample(model, request, arrays, known, frame, report)
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

    def _sample(
        self, model: SmallModel, request: Request, arrays: Arrays, known: Known, frame: Frame, report: Report
    ) -> tuple[Tensor, Tensor, float]:
        """Image (1, 3, h, w) in [-1, 1] and depth (1, h, w) on the frame's grid, and the unit of this depth."""
        device, patch = model.text.tokens.weight.device, model.config.refinement.patch_px
        given: dict[str, Tensor] = {}
        if request.mode == "i2d":
            image = to_frame(image_to_tensor(arrays["image"]), frame, patch).to(device)
            given["clean_image"] = model.image_codec.encode(image)
        if request.mode == "d2i":
            disparity = depth_to_disparity(torch.from_numpy(arrays["depth"])[None, None])
            disparity = to_frame(disparity, frame, patch)[:, 0]
            depth = torch.where(disparity > 0, 1.0 / disparity, torch.inf).to(device)
            given["clean_depth"] = model.depth_codec.encode(depth)

        def on_step(step: Step) -> None:
            preview = None
            if step.clean_image is not None and step.index % PREVIEW_EVERY == 0 and request.mode != "i2d":
                preview = tensor_to_image(from_frame(model.image_codec.decode(step.clean_image, frame.grid), frame))
            report("sampling", step.index, step.of, preview)

        ctx = model.text.encode([request.prompt])
        settings = {
            "grid": frame.grid,
            "num_steps": request.steps,
            "seed": request.seed,
            "parametrisation": model.config.parametrisation,
            "image_channels": model.image_codec.channels,
            "depth_channels": model.depth_codec.channels,
            "null_ctx": model.text.encode([""]),
            "tile": request.tiles,
            "timestep_dtype": getattr(torch, request.timestep_dtype),
            "on_step": on_step,
        }
        constraints = known.constraints(model, frame)
        image, depth = sample(
            model.dit,
            ctx,
            mode=request.mode,
            guidance_scale=request.guidance,
            log2_alpha=request.log2_alpha,
            constraints=constraints,
            **given,
            **settings,
        )
        if request.refine_depth and request.mode == "joint":
            constraints = known.constraints(model, frame)
            depth = refine_depth(model.dit, ctx, image, constraints=constraints, **settings)
        depth = model.depth_codec.decode(depth, frame.grid, clip=True)
        return model.image_codec.decode(image, frame.grid), depth, constraints.unit


def sampled_px(model: SmallModel, request: Request) -> int:
    """Side of the square whose area is sampled: the model's own, and for a tile twice that where it is wanted.

    A rolled grid of twice the side keeps a texture together and shows more of it; a scene falls apart.
    """
    native = model.config.native_px
    wanted = (request.width_px * request.height_px) ** 0.5
    return 2 * native if request.tiles and request.mode == "joint" and wanted >= 2 * native else native


def finished_image(image: Tensor, request: Request, frame: Frame) -> np.ndarray:
    return tensor_to_image(resize(from_frame(image, frame), (request.height_px, request.width_px), wrap=request.tiles))


def finished_depth(depth: Tensor, request: Request, frame: Frame) -> np.ndarray:
    """(1, h, w) -> (H, W) float32 at the requested size; resized as disparity, without overshoot."""
    farthest = MATERIAL_FARTHEST if request.target == "material" else FARTHEST
    disparity = from_frame(depth_to_disparity(depth)[:, None], frame)
    if request.target == "material":
        disparity = disparity.clamp(min=1.0 / (0.999 * farthest))
    size = (request.height_px, request.width_px)
    disparity = resize(disparity, size, wrap=request.tiles, mode="bilinear")
    return disparity_to_depth(disparity, farthest)[0, 0].cpu().numpy().astype(np.float32)


def size_notes(frame: Frame, request: Request) -> tuple[str, ...]:
    rows, columns = frame.crop_px
    if request.width_px * request.height_px <= rows * columns:
        return ()
    return (f"Made at {columns} x {rows} pixels, the model's own size, and enlarged.",)
