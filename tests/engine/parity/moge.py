"""Checks of MoGe-2: its encoder, its raw numbers, what is made of them, and the lens from noisy points.

The kinds: moge2, state_dict_layout_moge2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from depthwright.engine.model.checkpoint import check_fits
from depthwright.engine.model.moge import MoGe, infer
from depthwright.engine.model.moge.layout import our_names, sizes
from depthwright.engine.model.moge.network import token_grid
from depthwright.engine.model.moge.solve import solve
from depthwright.engine.model.moge.view import fov_of, view_plane

from .vectors import Measure, Vector, compare, exact


def check_moge(vector: Vector, name: str) -> Iterator[Measure]:
    allowed, case, given = vector.meta["tolerances"], vector.cases[name], vector.under(name)
    if "points" in given:
        yield from _check_focal(case, given, allowed["focal"])
        return
    model = MoGe.load(vector.under("weights"))
    image, tokens = given["in.image"], case["num_tokens"]
    grid = token_grid(tokens, case["width"] / case["height"])
    yield exact("grid", list(grid) == case["grid"])
    with torch.no_grad():
        features, token = model.encoder(image, *grid)
    yield compare("encoder.features", features, given["encoder.features"], of_max=allowed["encoder"])
    yield compare("encoder.cls", token, given["encoder.cls"], of_max=allowed["encoder"])

    raw = model(image, tokens)
    for what, got in {"points": raw.points, "mask": raw.mask, "normal": raw.normals, "metric_scale": raw.scale}.items():
        yield compare(f"forward.{what}", got, given[f"forward.{what}"], of_max=allowed["forward"])

    found = infer(model, image[0], math.radians(case["fov_x_deg"]), tokens)
    yield compare("infer.depth", torch.from_numpy(found.depth)[None], given["infer.depth"], of_max=allowed["infer"])
    yield exact("infer.mask", torch.equal(torch.from_numpy(found.mask)[None], given["infer.mask"].bool()))
    fx, fy = given["infer.intrinsics"][0].diagonal()[:2].tolist()  # in widths and heights
    tangent = math.tan(found.fov_x_rad / 2)
    ours = torch.tensor([0.5 / tangent, 0.5 / tangent * case["width"] / case["height"]])
    yield compare("infer.intrinsics", ours, torch.tensor([fx, fy]), rtol=allowed["infer"])


def _check_focal(case: dict, given: dict[str, torch.Tensor], allowed: float) -> Iterator[Measure]:
    points = given["points"][0].numpy()
    height, width = points.shape[:2]
    plane = view_plane(width, height, width / height).movedim(0, -1).numpy()
    found = solve(points, plane, torch.ones(height, width, dtype=torch.bool).numpy())
    yield compare("focal", torch.tensor([found.focal]), given["focal"], rtol=allowed)
    yield compare("shift", torch.tensor([found.shift]), given["shift"], rtol=allowed)
    error = abs(math.degrees(fov_of(found.focal, width / height)) - case["true_fov_x_deg"])
    yield Measure("field of view, degrees off the true one", error / 0.5, error)


def check_layout(vector: Vector, _case: str) -> Iterator[Measure]:
    published = {name: tuple(shape) for name, shape in vector.meta.items()}
    _, ours = our_names(published)
    with torch.device("meta"):
        model = MoGe(sizes(ours))
    shapes = {name: torch.Size(shape) for name, shape in ours.items()}
    check_fits({name: t.shape for name, t in model.state_dict().items()}, shapes, vector.name)  # raises, with names
    yield exact("names and shapes", True)
    parameters = sum(math.prod(shape) for shape in published.values())
    yield exact("parameters", sum(t.numel() for t in model.state_dict().values()) == parameters)
