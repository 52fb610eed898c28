"""Checks of what turns depth, pictures and prompts into tokens, and depth into points.

The kinds: depth_codec, ae_encoder, ae_decoder, text_hidden_stack, pointcloud.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from depthwright.engine.geometry.camera import Intrinsics
from depthwright.engine.geometry.edges import edge_mask
from depthwright.engine.model.depth_codec import DepthCodec
from depthwright.engine.model.image_codec import Flux2Codec, Flux2CodecConfig
from depthwright.engine.model.text_encoder import Qwen3Encoder
from transformers import Qwen3Config

from .vectors import Measure, Vector, compare, exact

OF_MAX = r"{n}\s*\*\s*max"

# depth_codec


def depth_groups(vector: Vector) -> list[str]:
    """The cases, and further groups of tensors without an entry of their own (tokens and what they decode to)."""
    return sorted({name.rpartition(".")[0] for name in vector.tensors})


def check_depth(vector: Vector, name: str) -> Iterator[Measure]:
    given, case = vector.under(name), vector.cases.get(name, {})
    expected = given["tokens"]  # (B, h, w, p*p)
    grid = tuple(expected.shape[1:3])
    codec = DepthCodec(
        patch_size=case.get("patch_size", math.isqrt(expected.shape[-1])),
        normalize=case.get("depth_normalize_mode", ("unit_mean", "contract")),
        value_scale=case.get("depth_value_scale", 1.0),
    )
    if "depth" in given:
        rtol = vector.tolerance(r"tokens: rtol {n}", 1e-6)
        yield compare("tokens", codec.encode(given["depth"]).unflatten(1, grid), expected, rtol=rtol)
    decoded = codec.decode(expected.flatten(1, 2), grid)[..., None]
    # Near 2 a token's rounding is magnified: by d for a depth d, relative to d.
    if "decoded" in given:
        relative = vector.tolerance(r"rtol ~ {n}\*max\(1,depth\)", 5e-7)
        expected = given["decoded"]
        yield compare("decoded", decoded, expected, rtol=relative * expected.abs().clamp(min=1.0))
    if "decoded_float64" in given:
        relative = vector.tolerance(r"rtol ~ {n}\*\(1\+depth\)", 3e-7)
        expected = given["decoded_float64"]
        yield compare("decoded_float64", decoded, expected, rtol=relative * (1.0 + expected.abs()))


# ae_encoder, ae_decoder


def check_encoder(vector: Vector, _case: str) -> Iterator[Measure]:
    codec = Flux2Codec.load(vector.under("weights"), None, Flux2CodecConfig.from_dict(vector.meta["config"]))
    image = vector.tensors["in.image_nhwc"].permute(0, 3, 1, 2)
    expected = vector.tensors["out.latent_nhwc"]
    tokens = codec.encode(image).unflatten(1, tuple(expected.shape[1:3]))
    yield compare("out.latent", tokens, expected, **_codec_gate(vector))
    if "mid.moments_nchw" in vector.tensors:
        with torch.no_grad():
            moments = codec.vae.quant_conv(codec.vae.encoder(image))
        yield compare("mid.moments", moments, vector.tensors["mid.moments_nchw"], **_codec_gate(vector))


def check_decoder(vector: Vector, _case: str) -> Iterator[Measure]:
    codec = Flux2Codec.load(None, vector.under("weights"), Flux2CodecConfig.from_dict(vector.meta["config"]))
    for name, latent in vector.under("in").items():
        result = f"out.{name.replace('latent', 'image')}"
        image = codec.decode(latent.flatten(1, 2), tuple(latent.shape[1:3])).permute(0, 2, 3, 1)
        yield compare(result, image, vector.tensors[result], **_codec_gate(vector))


def _codec_gate(vector: Vector) -> dict[str, float]:
    return {"rtol": vector.tolerance(r"rtol {n}", 1e-4), "of_max": vector.tolerance(OF_MAX, 1e-5)}


# text_hidden_stack: what follows tokenisation


def check_text(vector: Vector, _case: str) -> Iterator[Measure]:
    meta, given = vector.meta, vector.under("in")
    config = Qwen3Config(
        **meta["qwen3_config"],
        rms_norm_eps=meta["rms_norm_eps"],
        rope_parameters={"rope_type": "default", "rope_theta": meta["rope_theta"]},
    )
    gate = vector.tolerance(OF_MAX, 1e-5)

    def stack(layers: list[int]) -> torch.Tensor:
        encoder = Qwen3Encoder.from_tensors(config, vector.under("weights"), output_layers=layers)
        return encoder.hidden_stack(given["input_ids"], given["attention_mask"])

    yield compare("out.ctx", stack(meta["output_layers"]), vector.tensors["out.ctx"], of_max=gate)
    for layer, expected in vector.under("mid.hidden_states").items():
        yield compare(f"mid.hidden_states.{layer}", stack([int(layer)]), expected, of_max=gate)


# pointcloud: edge masks and back-projection


def cloud_groups(vector: Vector) -> list[str]:
    masks = [name for name in vector.tensors if name.startswith("edge_mask.")]
    return sorted(masks) + sorted(vector.cases)


def check_cloud(vector: Vector, name: str) -> Iterator[Measure]:
    """Edge masks, and the points of a cloud before and after centring.

    Statistical outlier removal is no part of Depthwright. Of the clouds it was applied to, what is checked is that each
    of their points is one of ours, unchanged and in order; which ones it took away is not.
    """
    if name.startswith("edge_mask."):
        yield _check_mask(vector, name)
        return
    case, given = vector.cases[name], vector.under(name)
    depth = vector.tensors["in.depth"].numpy()
    height, width = depth.shape
    points = Intrinsics.from_fov(width, height, math.radians(case["fov_deg"])).unproject(depth)
    valid = (depth > 0) & np.isfinite(depth)
    if case["edge_rtol"] > 0:
        valid &= ~edge_mask(depth, case["edge_rtol"])
    ours = torch.from_numpy(points[valid] * np.array([1, -1, -1], np.float32))  # the reference looks along -z, y up
    colors = vector.tensors["in.rgb_u8"][torch.from_numpy(valid)]
    rtol = vector.tolerance(r"points rtol {n}", 1e-5)

    expected = given["points_uncentred"]
    kept = torch.arange(len(ours))
    if case["sor"]:
        kept = torch.cdist(expected.double(), ours.double()).argmin(dim=1)
        yield exact("points in order", bool((kept.diff() > 0).all()))
    else:
        yield exact("number of points", len(ours) == case["num_points"])
    yield compare("points_uncentred", ours[kept], expected, rtol=rtol)
    yield exact("colors", torch.equal(colors[kept], given["colors"]))
    # Centring subtracts numbers of the size of the largest coordinate: that is what its rounding is relative to.
    centred = ours[kept] - torch.from_numpy(np.median(ours[kept].numpy(), axis=0))
    yield compare("points", centred, given["points"], rtol=rtol, atol=rtol * float(expected.abs().max()))


def _check_mask(vector: Vector, name: str) -> Measure:
    """``edge_mask.<which depth>.rtol<relative>.k<window>``; the relative threshold has a dot of its own."""
    which, _, settings = name.removeprefix("edge_mask.").partition(".rtol")
    relative, _, window = settings.partition(".k")
    mask = edge_mask(vector.tensors[f"in.{which}"].numpy(), float(relative), int(window))
    return exact(name, bool((mask == vector.tensors[name].numpy()).all()))
