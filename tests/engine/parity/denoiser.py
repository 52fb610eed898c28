"""Checks of the transformer and its sampler: dit_forward, rollouts, schedules, primitives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from depthwright.engine.model.attention import QKNorm, apply_rope, attend, rope
from depthwright.engine.model.blocks import STREAMS, LastLayer, Modulation, Part, SingleStreamBlock
from depthwright.engine.model.checkpoint import load_transformer
from depthwright.engine.model.denoiser import Parametrisation, Schedule
from depthwright.engine.model.transformer import Transformer, TransformerConfig, timestep_embedding, token_ids
from depthwright.engine.sampling.sampler import Step, initial_noise, refine_depth, sample
from depthwright.engine.sampling.schedules import timesteps
from torch import nn

from .vectors import Measure, Vector, compare, exact

OF_MAX = r"{n}\s*\*\s*max"
FORWARD_GATE, GUIDANCE_GATE = 3e-5, 3e-4  # cos and sin of up to 4500 rad in the guidance embedding
ROLLOUT_GATE = 1e-4
SCHEDULE_ATOL = 5e-7
# Two correct bfloat16 runs differ by where they round; a 0.4 % rounding after every operation adds up to this.
BF16_GATE = 3e-2


def transformer(vector: Vector, dtype: torch.dtype = torch.float32) -> Transformer:
    """With the weights rounded to ``dtype`` first, as in a checkpoint of that dtype; the depth head runs in float32."""
    weights = {name: weight.to(dtype) for name, weight in vector.under("weights").items()}
    return load_transformer(TransformerConfig.from_dict(vector.meta["config"]), weights, dtype=dtype)


# dit_forward: one call of the denoiser


def check_forward(vector: Vector, case: str) -> Iterator[Measure]:
    guided = vector.meta["config"].get("use_guidance_embed", False)
    gate = vector.tolerance(OF_MAX, GUIDANCE_GATE if guided else FORWARD_GATE, "fp32")
    given, expected = vector.under(f"{case}.in"), vector.under(f"{case}.out")

    model = transformer(vector)
    seen = _record(model, vector.under(f"{case}.mid"))
    with torch.no_grad():
        image, depth = model(**given)
    yield compare("out.rgb", image, expected["rgb"], of_max=gate)
    yield compare("out.depth", depth, expected["depth"], of_max=gate)
    last = f"single_blocks.{len(model.single_blocks) - 1}"
    for name, middle in vector.under(f"{case}.mid").items():
        # Ours leaves the text out of what the last single block makes: nobody looks at it.
        asked = middle[:, given["ctx"].shape[1] :] if name == last else middle
        yield compare(f"mid.{name}", seen[name], asked, of_max=gate)
    yield from _check_ids(vector.cases[case], given)

    rounded = vector.under(f"{case}.bf16.out")
    if rounded:
        with torch.no_grad():
            image, depth = transformer(vector, torch.bfloat16)(**{k: _rounded(k, v) for k, v in given.items()})
        gate = vector.tolerance(OF_MAX, BF16_GATE, "bf16")
        for name, got in (("rgb", image), ("depth", depth)):
            yield exact(f"bf16.out.{name} dtype", got.dtype == rounded[name].dtype)
            yield compare(f"bf16.out.{name}", got, rounded[name], of_max=gate)


def _rounded(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """The released scripts round everything that enters but the positions, noise levels included."""
    return tensor if name.endswith("_ids") else tensor.bfloat16()


def _record(model: nn.Module, wanted: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What named sub-modules put out, by name; a double block's streams as ``double_blocks.N.img``."""
    seen: dict[str, torch.Tensor] = {}

    def listen(name: str, module: nn.Module) -> None:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            outputs = {name: output}
            if isinstance(output, list):
                outputs = {f"{name}.{stream}": x for stream, x in zip(STREAMS, output, strict=True)}
            seen.update(outputs)

        module.register_forward_hook(hook)

    for name, module in model.named_modules():
        if any(key == name or key.rpartition(".")[0] == name for key in wanted):
            listen(name, module)
    return seen


def _check_ids(case: dict[str, Any], given: dict[str, torch.Tensor]) -> Iterator[Measure]:
    """The positions that our sampler feeds are those the reference fed."""
    if {"batch", "txt_len", "img_height", "img_width"} <= case.keys():
        ours = token_ids(case["batch"], case["txt_len"], (case["img_height"], case["img_width"]))
        for name, ids in ours.items():
            yield exact(name, torch.equal(ids, given[name]))


# rollouts: sample()


def check_rollout(vector: Vector, case: str) -> Iterator[Measure]:
    gate = vector.tolerance(OF_MAX, ROLLOUT_GATE, "fp32")
    expected = vector.under(case)
    model = _CountRows(transformer(vector))
    settings = _settings(vector, case)

    noise = initial_noise(settings["mode"], *_shapes(vector, case), settings["seed"])
    for ours, name in zip(noise, ("noise_rgb", "noise_depth"), strict=True):
        recorded = expected.get(name)
        drawn_alike = ours is None if recorded is None else ours is not None and torch.equal(ours, recorded)
        yield exact(f"{name} bit for bit", drawn_alike)

    t_image, t_depth = timesteps(
        settings["mode"], settings["num_steps"], settings["parametrisation"].schedule, settings["log2_alpha"]
    )
    yield compare("t_rgb", t_image[:-1], expected["t_rgb"], atol=SCHEDULE_ATOL)
    yield compare("t_depth", t_depth[:-1], expected["t_depth"], atol=SCHEDULE_ATOL)

    steps: list[Step] = []
    with torch.no_grad():
        image, depth = sample(model, on_step=steps.append, **settings)
    yield compare("out.rgb", image, expected["out.rgb"], of_max=gate)
    yield compare("out.depth", depth, expected["out.depth"], of_max=gate)
    for name, ours in (("rgb", [s.image for s in steps]), ("depth", [s.depth for s in steps])):
        if f"traj.{name}" in expected:
            yield compare(f"traj.{name}", torch.stack(ours[:-1]), expected[f"traj.{name}"], of_max=gate)
    if "denoiser_calls" in vector.cases[case]:
        calls = model.rows / image.shape[0]
        yield exact("denoiser_calls", calls == vector.cases[case]["denoiser_calls"])

    if first := _first_stage(vector, case):
        yield from _check_refinement(vector, first, case, gate)


def _check_refinement(vector: Vector, first: str, second: str, gate: float) -> Iterator[Measure]:
    """Both stages one after the other, the second fed with what ours made of the first."""
    model = transformer(vector)
    stage_1, stage_2 = _settings(vector, first), _settings(vector, second)
    with torch.no_grad():
        image, _ = sample(model, **stage_1)
        decided_by_refinement = ("mode", "guidance_scale", "log2_alpha", "clean_image", "clean_depth")
        settings = {name: value for name, value in stage_2.items() if name not in decided_by_refinement}
        depth = refine_depth(model, image=image, **settings)
    yield compare(f"refined from {first}", depth, vector.tensors[f"{second}.out.depth"], of_max=gate)


def _settings(vector: Vector, name: str) -> dict[str, Any]:
    """A case, with the file's defaults, as arguments of ``sample``."""
    meta, inputs = vector.meta, vector.under("in")
    case = {**meta.get("defaults", {}), **vector.cases[name]}
    config = TransformerConfig.from_dict(meta["config"])
    null = case.get("null_text_embed")
    return {
        "ctx": inputs["ctx"],
        "mode": case["mode"],
        "grid": _grid(vector, name),
        "num_steps": case["num_steps"],
        "seed": case["seed"],
        "parametrisation": Parametrisation(
            schedule=Schedule(**case["schedule"]),
            image_x_prediction=case["rgb_use_x_prediction"],
            depth_x_prediction=case["depth_use_x_prediction"],
            x_prediction_t_min=case["x_prediction_t_min"],
        ),
        "image_channels": config.in_channels,
        "depth_channels": config.depth_channels,
        "guidance_scale": case.get("cfg_scale", 1.0),
        "null_ctx": None if null is None else vector.tensors[null],
        "log2_alpha": case.get("log2_alpha"),
        "clean_image": _clean_image(vector, name) if case["mode"] == "i2d" else None,
        "clean_depth": inputs.get("clean_depth") if case["mode"] == "d2i" else None,
        "guidance_embed": case.get("guidance") if config.use_guidance_embed else None,
    }


def _grid(vector: Vector, name: str) -> tuple[int, int]:
    case = {**vector.meta, **vector.cases[name]}
    return case["img_height"], case["img_width"]


def _shapes(vector: Vector, name: str) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    config, batch = TransformerConfig.from_dict(vector.meta["config"]), vector.under("in")["ctx"].shape[0]
    height, width = _grid(vector, name)
    return (batch, height * width, config.in_channels), (batch, height * width, config.depth_channels)


def _clean_image(vector: Vector, name: str) -> torch.Tensor:
    """in.clean_rgb, or for a second stage the first stage's image."""
    first = _first_stage(vector, name)
    return vector.tensors[f"{first}.out.rgb"] if first else vector.tensors["in.clean_rgb"]


def _first_stage(vector: Vector, name: str) -> str | None:
    """The case whose image this i2d case was given. The JSON says that there is one, not which; the known modality
    comes back unchanged, so it is the case with the same image."""
    case = vector.cases[name]
    if case["mode"] != "i2d" or "clean_rgb" not in case:
        return None
    image = vector.tensors[f"{name}.out.rgb"]
    same = [
        other
        for other, values in vector.cases.items()
        if values["mode"] == "joint" and torch.equal(vector.tensors[f"{other}.out.rgb"], image)
    ]
    alike = [other for other in same if vector.cases[other]["seed"] == case["seed"]]
    assert alike, f"{name}: no case has the image that it was given"
    return alike[0]


class _CountRows:
    """A denoiser that counts: a guided step may be two calls or one call with twice the rows."""

    def __init__(self, model: Transformer) -> None:
        self.model = model
        self.rows = 0

    def __call__(self, **inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.rows += inputs["img"].shape[0]
        return self.model(**inputs)


# schedules


def check_schedule(vector: Vector, name: str) -> Iterator[Measure]:
    case = vector.cases[name]
    stated = {**vector.meta["schedule"], **case.get("schedule", {})}
    if "d2i_full_noise_rgb" in case:
        stated["d2i_full_noise_rgb"] = case["d2i_full_noise_rgb"]
    image, depth = timesteps(case["mode"], case["num_steps"], Schedule(**stated), case.get("log2_alpha"))
    atol = vector.tolerance(r"atol {n}", SCHEDULE_ATOL)
    yield exact("float32", image.dtype == depth.dtype == torch.float32)
    yield compare("t_rgb", image, vector.tensors[f"{name}.t_rgb"], atol=atol)
    yield compare("t_depth", depth, vector.tensors[f"{name}.t_depth"], atol=atol)


# primitives: the parts of the transformer


def primitive_groups(vector: Vector) -> list[str]:
    return sorted({name.partition(".")[0] for name in vector.tensors} - {"weights"})


def check_primitive(vector: Vector, group: str) -> Iterator[Measure]:
    checks = {
        "timestep": _check_timestep,
        "rope": _check_rope,
        "qknorm": _check_qknorm,
        "single": _check_single,
        "last": _check_last,
    }
    kind = group.partition("_")[0]
    assert kind in checks, f"no check for the primitive {group}: write one"
    gate = {"rtol": vector.tolerance(r"rtol {n}", 1e-5), "of_max": vector.tolerance(OF_MAX, 1e-6)}
    with torch.no_grad():
        yield from checks[kind](vector, group, gate)


def _check_timestep(vector: Vector, group: str, _gate: dict[str, float]) -> Iterator[Measure]:
    given = vector.under(group)
    atol = vector.tolerance(r"timestep embedding: atol {n}", 1e-4)
    for name, expected in given.items():
        if name == "t":
            continue
        rounded = expected.dtype == torch.bfloat16
        got = timestep_embedding(given["t"].to(expected.dtype), expected.shape[-1])
        yield exact(f"{name} dtype", got.dtype == expected.dtype)
        # Half a unit in the last place where the float32 values fall on either side of a rounding boundary.
        yield compare(name, got, expected, atol=atol, rtol=2.0**-8 if rounded else 0.0)


def _check_rope(vector: Vector, group: str, gate: dict[str, float]) -> Iterator[Measure]:
    given, config = vector.under(group), TransformerConfig.from_dict(vector.meta["config"])
    rotation = rope(given["ids"], config.axes_dim, config.theta)
    matrices = torch.stack([rotation.cos, -rotation.sin, rotation.sin, rotation.cos], -1).unflatten(-1, (2, 2))
    yield compare("pe", matrices[:, None], given["pe"], **gate)
    q, k = apply_rope(given["q"], rotation), apply_rope(given["k"], rotation)
    for name, rotated in (("q_rot", q), ("k_rot", k)):
        interleaved = rotated.unflatten(-1, (2, -1)).transpose(-1, -2).flatten(-2)
        yield compare(name, interleaved, given[name], **gate)
    mixed = attend(q, k, given["v"])
    yield compare("attention", mixed, given["attention"], **gate)


def _check_qknorm(vector: Vector, group: str, gate: dict[str, float]) -> Iterator[Measure]:
    """``qknorm`` norms the rope group's q and k; the others bring inputs of their own."""
    given, source = vector.under(group), vector.under("rope")
    norm = _filled(QKNorm(given["q"].shape[-1]), vector.under("weights.qknorm"))
    q, k = norm(given.get("q_in", source.get("q")), given.get("k_in", source.get("k")))
    yield compare("q", q, given["q"], **gate)
    yield compare("k", k, given["k"], **gate)


def _check_single(vector: Vector, group: str, gate: dict[str, float]) -> Iterator[Measure]:
    given, config = vector.under(group), TransformerConfig.from_dict(vector.meta["config"])
    block = _filled(
        SingleStreamBlock(config.hidden_size, config.num_heads, config.mlp_ratio), vector.under(f"weights.{group}")
    )
    modulation = Modulation(shift=given["mod_shift"], factor=1 + given["mod_scale"], gate=given["mod_gate"])
    rotation = rope(vector.tensors["rope.ids"], config.axes_dim, config.theta)
    parts = [Part(given["x"].shape[1], modulation)]
    yield compare("out", block(given["x"], parts, rotation), given["out"], **gate)


def _check_last(vector: Vector, group: str, gate: dict[str, float]) -> Iterator[Measure]:
    """Norms the single group's input."""
    given = vector.under(group)
    x = given.get("x", vector.tensors.get("single.x"))
    layer = _filled(LastLayer(x.shape[-1], given["out"].shape[-1]), vector.under(f"weights.{group}"))
    yield compare("out", layer(x, given["vec"]), given["out"], **gate)


def _filled(module: nn.Module, weights: dict[str, torch.Tensor]) -> nn.Module:
    module.load_state_dict(weights, strict=True)
    return module
