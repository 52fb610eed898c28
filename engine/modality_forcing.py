"""The backend of learned models: encode what is given, sample the rest, decode both (arXiv 2606.13676)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from . import catalog
from .model.bundle import SmallModel, load_small
from .model.resample import resize
from .pipeline import Arrays, Output, Report
from .request import Request
from .sampling.sampler import Step, refine_depth, sample

FARTHEST = 25.0  # in mean depths: what is farther is the model's rounding of infinity
MATERIAL_FARTHEST = 4.0  # a surface seen from the front has no sky
PREVIEW_EVERY = 4  # steps


@dataclass(frozen=True)
class Frame:
    """What is sampled for a requested size: a token grid, and the part of its pixels that is asked for.

    grid     rows, columns of tokens
    crop_px  rows, columns of the centred window that has the requested proportions
    """

    grid: tuple[int, int]
    crop_px: tuple[int, int]


def plan_frame(width_px: int, height_px: int, native_px: int, patch_px: int, tile: bool) -> Frame:
    """The token grid nearest to the model's own area, with the requested proportions.

    A tile must use its whole grid, so its proportions are rounded to tokens; a view is cut from a slightly larger one.
    """
    scale = native_px / (width_px * height_px) ** 0.5
    rows, columns = height_px * scale / patch_px, width_px * scale / patch_px
    if tile:
        grid = (max(1, round(rows)), max(1, round(columns)))
        return Frame(grid, (grid[0] * patch_px, grid[1] * patch_px))
    grid = (int(np.ceil(rows - 1e-6)), int(np.ceil(columns - 1e-6)))
    return Frame(grid, (max(1, round(rows * patch_px)), max(1, round(columns * patch_px))))


def to_frame(pixels: Tensor, frame: Frame, patch_px: int) -> Tensor:
    """Pixels (1, C, H, W) of any size onto a frame's grid, borders repeated outside its window."""
    pixels = resize(pixels, frame.crop_px)
    spare = [side * patch_px - crop for side, crop in zip(frame.grid, frame.crop_px, strict=True)]
    top, left = spare[0] // 2, spare[1] // 2
    return torch.nn.functional.pad(pixels, (left, spare[1] - left, top, spare[0] - top), mode="replicate")


def from_frame(pixels: Tensor, frame: Frame) -> Tensor:
    """The frame's window of decoded pixels (1, C, H, W)."""
    top, left = ((pixels.shape[2 + i] - frame.crop_px[i]) // 2 for i in range(2))
    return pixels[..., top : top + frame.crop_px[0], left : left + frame.crop_px[1]]


def image_to_tensor(image: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 -> (1, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 127.5 - 1.0


def tensor_to_image(image: Tensor) -> np.ndarray:
    """(1, 3, H, W) in [-1, 1] -> (H, W, 3) uint8."""
    return ((image[0].clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()


def depth_to_disparity(depth: Tensor) -> Tensor:
    """1 / depth, 0 for infinity: what depth is resized in, because it stays finite at the sky's edge."""
    return torch.where(torch.isfinite(depth), 1.0 / depth.clamp(min=1e-6), 0.0)


def disparity_to_depth(disparity: Tensor, farthest: float) -> Tensor:
    """The inverse; beyond ``farthest`` is infinite."""
    return torch.where(disparity > 1.0 / farthest, 1.0 / disparity.clamp(min=1e-9), torch.inf)


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
            image, depth = self._sample(model, request, arrays, frame, report)
            report("finishing", 0, 1, None)
            output = Output(
                image=arrays["image"] if request.mode == "i2d" else finished_image(image, request, frame),
                depth=arrays["depth"] if request.mode == "d2i" else finished_depth(depth, request, frame),
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
        self, model: SmallModel, request: Request, arrays: Arrays, frame: Frame, report: Report
    ) -> tuple[Tensor, Tensor]:
        """Image (1, 3, h, w) in [-1, 1] and depth (1, h, w) on the frame's grid, on the CPU."""
        device, patch = model.text.tokens.weight.device, model.config.refinement.patch_px
        known: dict[str, Tensor] = {}
        if request.mode == "i2d":
            image = to_frame(image_to_tensor(arrays["image"]), frame, patch).to(device)
            known["clean_image"] = model.image_codec.encode(image)
        if request.mode == "d2i":
            disparity = depth_to_disparity(torch.from_numpy(arrays["depth"])[None, None])
            disparity = to_frame(disparity, frame, patch)[:, 0]
            depth = torch.where(disparity > 0, 1.0 / disparity, torch.inf).to(device)
            known["clean_depth"] = model.depth_codec.encode(depth)

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
        image, depth = sample(
            model.dit,
            ctx,
            mode=request.mode,
            guidance_scale=request.guidance,
            log2_alpha=request.log2_alpha,
            **known,
            **settings,
        )
        if request.refine_depth and request.mode == "joint":
            depth = refine_depth(model.dit, ctx, image, **settings)
        image, depth = (
            model.image_codec.decode(image, frame.grid),
            model.depth_codec.decode(depth, frame.grid, clip=True),
        )
        return image.cpu(), depth.cpu()  # resizing comes next, which not every device can do in every way


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
