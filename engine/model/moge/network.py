"""MoGe-2's network, and its checkpoints. What its numbers mean in space is infer's part."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...contract.errors import ModelError
from ..checkpoint import TensorFile, assign_quantised
from .encoder import DEVIATION, MEAN, Encoder
from .heads import ConvStack
from .layout import MoGeConfig, our_names, sizes
from .view import view_plane

#: Files that torch.save() writes: reading them may run code that is in them.
TORCH_SUFFIXES = (".pt", ".pth", ".ckpt", ".bin")
_SAFE_FILE = "moge_2_vitl_normal_fp16.safetensors from the folder geometry_estimation of Comfy-Org/MoGe"

#: ImageNet's numbers, which the reference keeps in its files and others leave out.
_CONSTANTS = {"encoder.image_mean": MEAN, "encoder.image_std": DEVIATION}


class Raw(NamedTuple):
    """What the network says of B pictures, float32. Axes: x right, y down, z forward.

    points   (B, H, W, 3): right up to one shift along z a picture, and one factor; z > 0
    mask     (B, H, W): how sure it is that there is geometry, 0..1
    normals  (B, H, W, 3) of length 1, or None where the checkpoint has no such head
    scale    (B,): metres in a unit of points
    """

    points: Tensor
    mask: Tensor
    normals: Tensor | None
    scale: Tensor


class MoGe(nn.Module):
    """The published network, with the published names of its parameters; in the backbone, transformers' names."""

    def __init__(self, config: MoGeConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.neck = ConvStack(config.neck)
        for name, stack in config.heads.items():
            self.add_module(name, ConvStack(stack))
        layers = [nn.Linear(given, out) for given, out in zip(config.scale, config.scale[1:], strict=False)]
        self.scale_head = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])

    @torch.no_grad()
    def forward(self, image: Tensor, tokens: int) -> Raw:
        """(B, 3, H, W) in 0..1 -> raw numbers for each of its pixels.

        tokens  about so many patches the picture is cut into: 1200 (quick) to 3600 (best) in training
        """
        height, width = image.shape[-2:]
        aspect = width / height
        features, token = self.encoder(image, *token_grid(tokens, aspect))
        levels = self.neck(self._levels(features, aspect))

        def of_head(name: str) -> Tensor:
            found = getattr(self, name)(levels)[-1].float()
            return F.interpolate(found, (height, width), mode="bilinear", align_corners=False).movedim(1, -1)

        across_down, log_z = of_head("points_head").split([2, 1], dim=-1)
        z = log_z.exp()
        normals = F.normalize(of_head("normal_head"), dim=-1) if "normal_head" in self.config.heads else None
        return Raw(
            points=torch.cat([across_down * z, z], dim=-1),
            mask=of_head("mask_head")[..., 0].sigmoid(),
            normals=normals,
            scale=self.scale_head(token).float()[:, 0].exp(),
        )

    def _levels(self, features: Tensor, aspect: float) -> list[Tensor]:
        """What comes into the neck: the view plane at every level, and the features at the first."""
        batch, _, rows, columns = features.shape
        planes = [
            view_plane(columns << level, rows << level, aspect).to(features).expand(batch, -1, -1, -1)
            for level in range(len(self.config.neck.channels))
        ]
        return [torch.cat([features, planes[0]], dim=1), *planes[1:]]

    @classmethod
    def load(
        cls,
        source: Path | Mapping[str, Tensor],
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        on_tensor: Callable[[int, int], None] = lambda done, of: None,
    ) -> MoGe:
        """The network with a checkpoint's weights, in evaluation mode.

        source     a safetensors file, the folder it lies in, or its tensors; names of the reference or of transformers
        dtype      to compute in: float32, float16 or bfloat16, whatever the file has
        on_tensor  told how many are read, before each; may raise to stop

        Raises ModelError where the file is missing, damaged, another model's, does not fit exactly, or a torch file:
        those are never opened.
        """
        state = TensorFile(safe_file(source)) if isinstance(source, Path) else source
        shapes = state.shapes if isinstance(state, TensorFile) else {key: t.shape for key, t in state.items()}
        sources, ours = our_names({name: tuple(shape) for name, shape in shapes.items()})
        config = sizes(ours)
        with torch.device("meta"):
            model = cls(config)
        constants = {name: value for name, value in _CONSTANTS.items() if name not in ours}
        wanted = {name: torch.Size(shape) for name, shape in ours.items()}
        wanted |= {name: torch.Size((1, 3, 1, 1)) for name in constants}
        done = iter(range(len(wanted)))

        def placed(name: str) -> Tensor:
            on_tensor(next(done), len(wanted))
            if name in constants:
                return torch.tensor(constants[name], device=device).view(1, 3, 1, 1)
            theirs, part, parts = sources[name]
            value = state[theirs].chunk(parts)[part] if parts > 1 else state[theirs]
            # A copy where nothing changes: what is mapped from the file would keep the whole file mapped.
            return value.to(device, torch.float32 if name in _CONSTANTS else dtype, copy=True)

        assign_quantised(model, wanted, placed, "float32", (), "MoGe-2 network")
        return model.eval().requires_grad_(False)


def token_grid(tokens: int, aspect: float) -> tuple[int, int]:
    """Rows and columns of about so many square patches in a picture of that aspect (width / height)."""
    return max(1, round(math.sqrt(tokens / aspect))), max(1, round(math.sqrt(tokens * aspect)))


def safe_file(path: Path) -> Path:
    """The checkpoint to read, of a file or a folder. ModelError for a torch file, and where there is none or many."""
    if path.is_dir():
        found = sorted(path.glob("*.safetensors"))
        if len(found) > 1:
            names = ", ".join(file.name for file in found[:4])
            raise ModelError(f"There are {len(found)} checkpoints in {path.name}: {names}.", "Name one.", str(path))
        torch_files = [file for file in sorted(path.iterdir()) if file.suffix.lower() in TORCH_SUFFIXES]
        if not (found or torch_files):
            raise ModelError(f"There is no MoGe-2 checkpoint in {path.name}.", f"Put {_SAFE_FILE} there.", str(path))
        path = (found or torch_files)[0]
    if path.suffix.lower() in TORCH_SUFFIXES or _looks_like_torch(path):
        raise ModelError(
            f"{path.name} is a torch file: reading one may run code that is in it, so Depthwright never does.",
            f"Use the same weights as safetensors: {_SAFE_FILE}.",
            str(path),
        )
    return path


def _looks_like_torch(path: Path) -> bool:
    """Whether a file of any name begins as torch.save() begins: a zip archive, or a pickle."""
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except OSError:
        return False  # what is wrong with it is said where it is read
    if head[8:] == b"{":  # a safetensors file, whose header may be as long as those letters say
        return False
    return head.startswith(b"PK\x03\x04") or (head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"))
