"""The same three modes from parts whose licences allow commercial work, one after the other instead of jointly.

    text -> picture    FLUX.2 [klein] 4B, diffusers' Flux2KleinPipeline (Apache-2.0)
    picture -> depth   Depth Anything V2 Small (Apache-2.0)
    depth -> picture   Stable Diffusion XL with a depth ControlNet (both CreativeML Open RAIL++-M: commercial work
                       allowed, the uses that its attachment A names forbidden)

joint is the first, then the second: depth follows the picture, and no trajectory can let it go first.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor

from .. import catalog
from ..catalog import places
from ..catalog.plans import Placement
from ..contract import outside
from ..contract.arrays import Arrays
from ..contract.errors import EnvironmentMissing, InputError, ModelError
from ..contract.settled import FIT, Settled
from ..geometry.upsampling import upsampled
from ..memory.embedding_cache import key_of
from ..memory.facts import device_facts
from ..memory.ladder import free_device_memory, is_out_of_memory
from ..memory.offload import stream
from ..model.depth_estimator import DepthEstimator
from ..model.resample import resize
from ..model.staged import Part, Say, Stages, text_identity
from . import loading
from .base import Output, Report
from .frame import Frame, depth_to_disparity, from_frame, image_to_tensor, plan_frame, tensor_to_image, to_frame

ROLES = ("text_to_image", "image_to_depth", "depth_to_image", "depth_control")
LARGEST = 4.0  # how much more than its own area a depth estimator is shown of a long picture
#: What to try when memory runs out: all parts at once, one at a time, that one block by block.
PLACEMENTS: tuple[Placement, ...] = ("device", "disk", "streamed")
SAID = {"disk": "loaded in turn", "streamed": "streamed, block by block"}
STREAMED = ("text_encoder", "transformer", "unet", "controlnet")
CONTROL = 0.5  # weight of the ControlNet, as its card recommends
GUESSED = (
    "Depth Anything knows depth up to a scale and an offset: the offset is taken as zero, so proportions of what is "
    "far are a guess."
)


class PermissiveBackend:
    """Keeps the parts of one model loaded, as far as the device holds them."""

    def __init__(self) -> None:
        self._loaded: tuple[str, Parts] | None = None
        self._report: Report = lambda *_: None  # of the request in hand

    def unload(self) -> None:
        self._loaded = None
        free_device_memory()

    def run(self, entry: catalog.ModelEntry, request: Settled, arrays: Arrays, report: Report) -> Output:
        self._report = report
        _refuse(entry, request)
        if self._loaded is None or self._loaded[0] != entry.id:
            self.unload()
            device, folders = loading.best_device(), _folders(entry)
            self._loaded = (entry.id, Parts(folders, device, best_placement(folders, device), self._say))
        while (output := self._attempted(self._loaded[1], entry, request, arrays)) is None:
            before = self._loaded[1]
            placement = PLACEMENTS[PLACEMENTS.index(before.placement) + 1]
            self._loaded = (entry.id, Parts(before.folders, before.device, placement, self._say))
            del before  # and all that it holds
            free_device_memory()
            self._say(f"out of memory; going on with parts that are {SAID[placement]}", 0, 1)
        return output

    def _attempted(self, parts: Parts, entry: catalog.ModelEntry, request: Settled, arrays: Arrays) -> Output | None:
        """None where memory ran out and there is something left to try."""
        try:
            with torch.inference_mode():
                return _made(parts, entry, request, arrays, self._report)
        except Exception as error:
            if not is_out_of_memory(error) or parts.placement == PLACEMENTS[-1]:
                raise
        return None

    def _say(self, stage: str, step: int, of: int) -> None:
        self._report(stage, step, of, None)


def _made(parts: Parts, entry: catalog.ModelEntry, request: Settled, arrays: Arrays, report: Report) -> Output:
    if request.mode == "d2i":
        image = painted(parts, entry, request, arrays["depth"], report)
        return Output(image=image, depth=arrays["depth"])
    image = arrays["image"] if request.mode == "i2d" else drawn(parts, entry, request, report)
    depth, notes = estimated(parts, image, report)
    return Output(image=image, depth=depth, notes=notes)


class Parts:
    """The networks, each loaded when it is first needed, and sent away for the next where not all have room."""

    def __init__(self, folders: dict[str, Path], device: torch.device, placement: Placement, say: Say) -> None:
        self.folders, self.device, self.placement = folders, device, placement
        self.dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
        self._stages = Stages(device, say)
        self._embeddings = loading.embeddings()

        def part(name: str, load: Callable[[], Any]) -> Part:
            return self._stages.part(name, load, "disk" if placement == "streamed" else placement)

        klein = folders["text_to_image"]
        self._reader = part("text encoder", lambda: self._klein(klein, transformer=None, vae=None))
        self._painter = part("text-to-image model", lambda: self._klein(klein, text_encoder=None, tokenizer=None))
        self._estimator = part("depth estimator", lambda: DepthEstimator.load(folders["image_to_depth"], device))
        self._controlled = part("depth-to-image model", self._control_net)

    def klein(self, prompts: list[str]) -> tuple[Any, list[Tensor]]:
        """The text-to-image pipeline without its text encoder, and the prompts' tokens (1, L, C)."""
        tokens = [self._tokens(prompt) for prompt in prompts]
        return self._stages.use(self._painter), tokens

    def _tokens(self, prompt: str) -> Tensor:
        source = text_identity(self.folders["text_to_image"] / "text_encoder")
        key = key_of(source, str(self.dtype), prompt)
        tokens = self._embeddings.get(key)
        if tokens is None:
            tokens = self._stages.use(self._reader).encode_prompt(prompt, device=self.device)[0]
            self._embeddings.put(key, tokens)
        return tokens.to(self.device)

    def estimator(self) -> DepthEstimator:
        return self._stages.use(self._estimator)

    def controlled(self) -> Any:
        return self._stages.use(self._controlled)

    def _klein(self, folder: Path, **left_out: None) -> Any:
        return self._placed(_pipeline("Flux2KleinPipeline", folder, self.dtype, **left_out))

    def _control_net(self) -> Any:
        # Float16 on a card: its weights are published so. Of its parts the VAE alone overflows, which diffusers knows.
        dtype = torch.float32 if self.device.type == "cpu" else torch.float16
        net = _from_folder("ControlNetModel", self.folders["depth_control"], dtype)
        folder = self.folders["depth_to_image"]
        return self._placed(_pipeline("StableDiffusionXLControlNetPipeline", folder, dtype, controlnet=net))

    def _placed(self, pipe: Any) -> Any:
        """On the device; where parts are streamed, the large ones block by block."""
        for name, module in pipe.components.items():
            if self.placement == "streamed" and name in STREAMED and module is not None:
                stream(module, self.device)
            elif isinstance(module, torch.nn.Module):
                module.to(self.device)
        return pipe


def drawn(parts: Parts, entry: catalog.ModelEntry, request: Settled, report: Report) -> np.ndarray:
    """Text to picture (H, W, 3) uint8."""
    prompts = [request.prompt, ""] if request.guidance > 1.0 else [request.prompt]
    pipe, tokens = parts.klein(prompts)
    frame, patch = _frame(entry, request, 2 * pipe.vae_scale_factor)
    made = pipe(
        prompt_embeds=tokens[0],
        negative_prompt_embeds=tokens[-1],
        **_settings(request, frame, patch, report),
    ).images
    return _picture(made, request, frame)


def painted(parts: Parts, entry: catalog.ModelEntry, request: Settled, depth: np.ndarray, report: Report) -> np.ndarray:
    """Depth (H, W) to picture (H, W, 3) uint8."""
    pipe = parts.controlled()
    frame, patch = _frame(entry, request, pipe.vae_scale_factor * 2 ** (len(pipe.unet.config.block_out_channels) - 1))
    control = to_frame(control_picture(depth), frame, patch, mode="bilinear").expand(-1, 3, -1, -1)
    made = pipe(
        prompt=request.prompt,
        image=control.to(parts.device),
        controlnet_conditioning_scale=CONTROL,
        **_settings(request, frame, patch, report),
    ).images
    return _picture(made, request, frame)


def estimated(parts: Parts, image: np.ndarray, report: Report) -> tuple[np.ndarray, tuple[str, ...]]:
    """Picture (H, W, 3) uint8 to z-depth (H, W) float32, inf = sky; and what to say of it."""
    estimator = parts.estimator()
    report("estimating depth", 0, 1, None)
    height, width = image.shape[:2]
    shorter, longer = sorted((height, width))
    side = estimator.native_px * min((longer / shorter) ** 0.5, LARGEST**0.5)
    frame = plan_frame(width, height, side, estimator.patch_px)
    pixels = to_frame(image_to_tensor(image), frame, estimator.patch_px).to(parts.device)
    disparity = from_frame(estimator(pixels)[:, None].cpu(), frame)
    report("estimating depth", 1, 1, None)
    if min(np.subtract((height, width), disparity.shape[-2:])) > 0:
        found = upsampled(disparity[0, 0].numpy(), image)
    else:
        found = resize(disparity, (height, width), mode="bilinear")[0, 0].numpy()
    known = found > 0
    if not known.any():
        raise ModelError(
            "The depth estimator found nothing but sky.", "Use another picture or prompt, or check the model's files."
        )
    depth = np.where(known, 1.0 / np.where(known, found, 1.0), np.inf).astype(np.float32)
    if estimator.metric:
        return depth, ("Depth in metres, as estimated.",)
    return depth / depth[known].mean(), (GUESSED,)


def control_picture(depth: np.ndarray) -> Tensor:
    """(H, W) z-depth -> (1, 1, H, W) in 0..1: disparity from the farthest (0, as is sky) to the nearest (1)."""
    disparity = depth_to_disparity(torch.from_numpy(depth)[None, None])
    low, high = disparity.amin(), disparity.amax()
    return (disparity - low) / (high - low).clamp(min=1e-9)


def _frame(entry: catalog.ModelEntry, request: Settled, patch: int) -> tuple[Frame, int]:
    side = entry.native_px
    if request.detail_px:
        wanted = round((request.width_px * request.height_px) ** 0.5)
        side = max(side, min(request.detail_px, wanted))
    return plan_frame(request.width_px, request.height_px, side, patch), patch


def _settings(request: Settled, frame: Frame, patch: int, report: Report) -> dict[str, Any]:
    """What both diffusers pipelines are told."""

    def on_step(_pipe: Any, step: int, _timestep: Any, _tensors: dict) -> dict:
        report("sampling", step + 1, request.steps, None)  # raises where the user stopped it
        return {}

    report("sampling", 0, request.steps, None)
    return {
        "height": frame.grid[0] * patch,
        "width": frame.grid[1] * patch,
        "num_inference_steps": request.steps,
        "guidance_scale": request.guidance,
        "generator": torch.Generator("cpu").manual_seed(request.seed),
        "output_type": "pt",
        "callback_on_step_end": on_step,
    }


def _picture(made: Tensor, request: Settled, frame: Frame) -> np.ndarray:
    """(1, 3, h, w) in 0..1 -> the requested window at the requested size."""
    window = from_frame(made.float().cpu(), frame) * 2.0 - 1.0
    return tensor_to_image(resize(window, (request.height_px, request.width_px)))


def _refuse(entry: catalog.ModelEntry, request: Settled) -> None:
    """InputError for what these parts cannot do."""
    if any(request.wrap):
        raise InputError(f"The model '{entry.id}' cannot make what tiles.", "Choose another model, or tile: none.")
    if request.log2_alpha or request.refine_depth:
        raise InputError(
            f"The model '{entry.id}' makes the picture first and its depth after it.",
            "Leave out the trajectory and the depth's refinement.",
        )
    if request.depth_estimate == "mean":
        raise InputError(
            f"The model '{entry.id}' finds a picture's depth in one look: there is no mean to take.",
            "Leave out the depth estimate, or choose another model.",
        )
    other_guidance = (request.guidance_low, request.guidance_high) != (0.0, 1.0) or request.depth_guidance > 1.0
    if request.precision != FIT or other_guidance or request.compile_blocks:
        raise InputError(
            f"The model '{entry.id}' has no other precisions, no intervals of guidance and no guidance by depth, and "
            "is not compiled.",
            "Leave these out, or choose another model.",
        )


def _folders(entry: catalog.ModelEntry) -> dict[str, Path]:
    if entry.folder:
        return {role: entry.checkpoint_dir / role for role in ROLES}
    return {role: places.folder_of(entry, role)[1] for role in ROLES}


def best_placement(folders: dict[str, Path], device: torch.device) -> Placement:
    """Whether the parts can all stay: half of the free memory is left to the work."""
    weights = sum(path.stat().st_size for folder in folders.values() for path in folder.rglob("*.safetensors"))
    return "device" if weights < 0.5 * device_facts(device).free else "disk"


def _pipeline(name: str, folder: Path, dtype: torch.dtype, **parts: Any) -> Any:
    """A diffusers pipeline of that class. ModelError where the folder holds another, or not all of it."""
    index = folder / "model_index.json"
    try:
        outside.read(index, dict)
    except (OSError, outside.Malformed) as error:
        raise _unreadable(folder, error) from error
    pipe = _from_folder(name, folder, dtype, **parts)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _from_folder(name: str, folder: Path, dtype: torch.dtype, **parts: Any) -> Any:
    try:
        import diffusers
    except ImportError as error:
        raise EnvironmentMissing(
            "This model needs diffusers, which the engine's Python does not have.",
            "Install the engine again from Depthwright's preferences.",
            str(error),
        ) from error
    halves = {"variant": "fp16"} if any(folder.rglob("*.fp16.safetensors")) else {}
    try:
        return getattr(diffusers, name).from_pretrained(
            folder, dtype=dtype, local_files_only=True, use_safetensors=True, **halves, **parts
        )
    except (OSError, ValueError, TypeError, RuntimeError, KeyError, AttributeError, SafetensorError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise _unreadable(folder, error) from error


def _unreadable(folder: Path, error: Exception) -> ModelError:
    return ModelError(
        f"The model's part '{folder.name}' is missing, damaged, or of another kind than is needed.",
        "Download the model again.",
        f"{folder}: {type(error).__name__}: {error}",
    )
