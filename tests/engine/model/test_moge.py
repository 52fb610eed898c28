"""MoGe-2 beyond its golden vectors: checkpoints of every naming and type, and the lens of scenes that are known."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from depthwright.engine.contract.errors import InputError, ModelError
from depthwright.engine.geometry.camera import Intrinsics
from depthwright.engine.model.moge import MoGe, Raw, infer
from depthwright.engine.model.moge.layout import our_names, sizes
from safetensors.torch import load_file, save_file

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    """A tiny network's, under the reference's names."""
    tensors = load_file(GOLDEN / "moge2.safetensors")
    return {name[8:]: tensor for name, tensor in tensors.items() if name.startswith("weights.")}


def in_transformers_names(weights: dict, version: int) -> dict[str, torch.Tensor]:
    """As transformers 4 or 5 names DINOv2's parameters; they do not keep the mean and deviation of pictures."""
    query, key, value, out = {
        4: ("attention.query", "attention.key", "attention.value", "output.dense"),
        5: ("q_proj", "k_proj", "v_proj", "o_proj"),
    }[version]
    tops = {
        "cls_token": "embeddings.cls_token",
        "pos_embed": "embeddings.position_embeddings",
        "mask_token": "embeddings.mask_token",
        "patch_embed.proj": "embeddings.patch_embeddings.projection",
        "norm": "layernorm",
    }
    named = {}
    for name, tensor in weights.items():
        if name.startswith("encoder.image_"):
            continue
        if not name.startswith("encoder.backbone."):
            named[name] = tensor
            continue
        inner = name.removeprefix("encoder.backbone.")
        if inner.startswith("blocks."):
            _, number, rest = inner.split(".", 2)
            at = f"encoder.backbone.encoder.layer.{number}."
            leaf = rest.rpartition(".")[2]
            if rest.startswith("attn.qkv"):
                for part, tensor_part in zip((query, key, value), tensor.chunk(3), strict=True):
                    named[f"{at}attention.{part}.{leaf}"] = tensor_part.clone()
            elif rest.startswith("attn.proj"):
                named[f"{at}attention.{out}.{leaf}"] = tensor
            else:
                named[
                    at + rest.replace("ls1.gamma", "layer_scale1.lambda1").replace("ls2.gamma", "layer_scale2.lambda1")
                ] = tensor
        else:
            stem, dot, leaf = inner.rpartition(".")
            new = tops.get(inner) or f"{tops[stem]}{dot}{leaf}"
            named[f"encoder.backbone.{new}"] = tensor
    return named


PICTURE = torch.rand((1, 3, 45, 70), generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("version", [4, 5])
def test_transformers_names_give_the_same_network(weights, version, tmp_path):
    file = tmp_path / "moge.safetensors"
    save_file(in_transformers_names(weights, version), file)
    expected, got = MoGe.load(weights)(PICTURE, 40), MoGe.load(file)(PICTURE, 40)
    for one, other in zip(expected, got, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(("dtype", "allowed"), [(torch.float16, 1e-3), (torch.bfloat16, 8e-3)])
def test_half_precision_is_near(weights, dtype, allowed):
    """Also of a file in half precision, as the published safetensors are."""
    exact = MoGe.load(weights)(PICTURE, 40)
    half = MoGe.load({name: tensor.half() for name, tensor in weights.items()}, dtype=dtype)
    assert {parameter.dtype for parameter in half.parameters()} == {dtype}
    got = half(PICTURE, 40)
    assert got.points.dtype == torch.float32
    error = (got.points - exact.points).abs() / exact.points.norm(dim=-1, keepdim=True)
    print(f"{dtype}: points off by {float(error.median()):.2e} in the middle, {float(error.max()):.2e} at most")
    assert error.median() < allowed


@pytest.mark.parametrize(("width", "blocks"), [(384, 12), (768, 12), (1024, 24)])
def test_the_three_published_sizes_are_read_off_the_shapes(width, blocks):
    """vits, vitb and vitl: the layout of vitl, with another backbone."""
    vitl = json.loads((GOLDEN / "state_dict_layout_moge2_vitl_normal.json").read_text())
    shapes = {}
    for name, shape in vitl.items():
        if name.startswith("encoder.backbone."):
            if name.startswith("encoder.backbone.blocks.") and int(name.split(".")[3]) >= blocks:
                continue
            shape = [side // 1024 * width if side % 1024 == 0 else side for side in shape]
        elif name.startswith("encoder.output_projections") and len(shape) == 4:
            shape = [shape[0], width, 1, 1]
        elif name == "scale_head.0.weight":
            shape = [shape[0], width]
        shapes[name] = tuple(shape)
    config = sizes(our_names(shapes)[1])
    assert (config.width, config.depth, config.mlp_ratio, config.positions) == (width, blocks, 4, 37)
    assert config.taps == ((5, 11, 17, 23) if blocks == 24 else (2, 5, 8, 11))
    with torch.device("meta"):
        model = MoGe(config)
    ours = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    assert ours == our_names(shapes)[1]
    assert model.encoder.backbone.config.num_attention_heads == width // 64


def test_a_network_without_normals(weights):
    plain = {name: tensor for name, tensor in weights.items() if not name.startswith("normal_head.")}
    assert MoGe.load(plain)(PICTURE, 40).normals is None


# checkpoints that do not fit


def test_a_missing_and_an_unexpected_tensor_are_both_named(weights):
    spoilt = dict(weights)
    spoilt["neck.more"] = spoilt.pop("neck.resamplers.3.1.bias")
    with pytest.raises(ModelError, match=r"missing: neck.resamplers.3.1.bias; unexpected: neck.more"):
        MoGe.load(spoilt)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("encoder.backbone.cls_token", (1, 1, 63)),
        ("encoder.backbone.cls_token", (0,)),
        ("encoder.backbone.pos_embed", (1, 1, 64)),
        ("encoder.backbone.pos_embed", (1, 1000, 64)),
        ("encoder.backbone.blocks.0.attn.qkv.weight", (190, 64)),
        ("neck.input_blocks.0.weight", ()),
        ("scale_head.4.weight", (2, 64)),
    ],
)
def test_senseless_shapes_are_refused(weights, name, shape):
    with pytest.raises(ModelError) as error:
        MoGe.load({**weights, name: torch.zeros(shape)})
    assert error.value.remedy


def test_a_block_number_of_billions_builds_nothing(weights):
    with pytest.raises(ModelError, match="unexpected"):
        MoGe.load({**weights, "encoder.backbone.blocks.999999999.norm1.weight": torch.zeros(64)})


def test_one_tensor_under_two_names(weights):
    both = {**weights, "encoder.backbone.embeddings.cls_token": weights["encoder.backbone.cls_token"].clone()}
    with pytest.raises(ModelError, match="twice"):
        MoGe.load(both)


def test_other_models_are_refused_by_name(weights, tmp_path):
    with pytest.raises(ModelError, match="MoGe-3"):
        MoGe.load({**weights, "refiner.fuse.weight": torch.zeros(1)})
    save_file({"model.diffusion_model.x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match="no MoGe-2 checkpoint"):
        MoGe.load(tmp_path)


class Bomb:
    def __reduce__(self):
        return Path.touch, (Path("went-off"),)


@pytest.mark.parametrize("name", ["model.pt", "model.PTH", "model.safetensors"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_torch_file_is_never_opened(tmp_path, monkeypatch, name, zipped):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / name
    if zipped:
        torch.save({"model": Bomb()}, file)
    else:
        file.write_bytes(pickle.dumps(Bomb()))
    for given in (file, tmp_path):
        with pytest.raises(ModelError, match="torch file") as error:
            MoGe.load(given)
        assert "safetensors" in error.value.remedy
    assert not (tmp_path / "went-off").exists()


def test_a_folder_with_no_or_many_files(weights, tmp_path):
    with pytest.raises(ModelError, match="There is no MoGe-2 checkpoint"):
        MoGe.load(tmp_path)
    save_file(weights, tmp_path / "one.safetensors")
    assert MoGe.load(tmp_path).config.width == 64
    save_file(weights, tmp_path / "two.safetensors")
    with pytest.raises(ModelError, match=r"one.safetensors, two.safetensors"):
        MoGe.load(tmp_path)


def test_loading_can_be_stopped(weights):
    def stop(done, of):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        MoGe.load(weights, on_tensor=stop)


# scenes that are known, through a stand-in for the network


def plane(rays: np.ndarray) -> np.ndarray:
    """A floor 1.6 m below, tilted sideways, to 25 m; sky above."""
    with np.errstate(divide="ignore"):
        depth = 1.6 / (rays @ np.array([0.1, 1.0, 0.02]))
    return np.where((depth > 0) & (depth < 25.0), depth, np.inf)


def sphere(rays: np.ndarray) -> np.ndarray:
    """Of radius 1.2 m, 4 m away, a little off the middle."""
    centre = np.array([0.3, -0.2, 4.0])
    a, b = (rays * rays).sum(-1), rays @ centre
    under = b * b - a * (centre @ centre - 1.2**2)
    return np.where(under > 0, (b - np.sqrt(np.maximum(under, 0.0))) / a, np.inf)


def box(rays: np.ndarray) -> np.ndarray:
    """A box of 2 m, turned, before a wall 9 m away."""
    angle = math.radians(35.0)
    turn = np.array([[math.cos(angle), 0, math.sin(angle)], [0, 1, 0], [-math.sin(angle), 0, math.cos(angle)]])
    towards, start = rays @ turn.T, turn @ -np.array([-0.3, 0.4, 5.0])
    with np.errstate(divide="ignore"):
        one, other = (-1.0 - start) / towards, (1.0 - start) / towards
    enter, leave = np.minimum(one, other).max(-1), np.maximum(one, other).min(-1)
    return np.where((enter < leave) & (enter > 0), enter, 9.0)


class StandIn:
    """In the network's place: the exact points of a scene, but for a shift and a factor."""

    def __init__(self, scene, fov_deg: float, shift: float, scale: float = 1.7, noise: float = 0.0) -> None:
        self.scene, self.fov_deg, self.shift, self.scale, self.noise = scene, fov_deg, shift, scale, noise

    def depth(self, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        rays = Intrinsics.from_fov(width, height, math.radians(self.fov_deg)).pixel_rays().astype(float)
        return self.scene(rays), rays

    def __call__(self, image: torch.Tensor, tokens: int) -> Raw:
        depth, rays = self.depth(*image.shape[-2:])
        known = np.isfinite(depth)
        points = rays * np.where(known, depth, 100.0)[..., None] / self.scale
        points *= 1.0 + self.noise * np.random.default_rng(0).standard_normal((*depth.shape, 1))
        points[..., 2] -= self.shift
        as_tensor = torch.from_numpy(points.astype(np.float32))[None]
        return Raw(as_tensor, torch.from_numpy(known.astype(np.float32))[None], None, torch.tensor([self.scale]))


SIZES = [(120, 180), (180, 120)]


@pytest.mark.parametrize("size", SIZES, ids=["landscape", "portrait"])
@pytest.mark.parametrize("fov_deg", [28.0, 50.0, 84.0])
@pytest.mark.parametrize("shift", [-3.0, 0.4, 2.1])
@pytest.mark.parametrize("scene", [plane, sphere, box])
def test_field_of_view_and_metres_of_a_known_scene(scene, shift, fov_deg, size):
    network = StandIn(scene, fov_deg, shift)
    found = infer(network, torch.zeros(3, *size))
    depth, _ = network.depth(*size)
    assert not found.notes and found.fov_found
    assert math.degrees(found.fov_x_rad) == pytest.approx(fov_deg, abs=0.5)
    assert (found.mask == np.isfinite(depth)).all()
    assert np.isinf(found.with_sky()[~found.mask]).all()
    np.testing.assert_allclose(found.depth[found.mask], depth[found.mask], rtol=0.01)


@pytest.mark.parametrize("size", SIZES, ids=["landscape", "portrait"])
@pytest.mark.parametrize("scene", [plane, sphere, box])
def test_a_known_field_of_view_is_kept(scene, size):
    network = StandIn(scene, 50.0, 0.4)
    found = infer(network, torch.zeros(3, *size), math.radians(50.0))
    depth, _ = network.depth(*size)
    assert found.fov_x_rad == pytest.approx(math.radians(50.0)) and not found.fov_found and not found.notes
    np.testing.assert_allclose(found.depth[found.mask], depth[found.mask], rtol=0.001)


def test_noise_and_a_stray_pixel_move_the_lens_little():
    network = StandIn(box, 50.0, 0.4, noise=0.005)

    def spoilt(image, tokens):
        raw = network(image, tokens)
        raw.points[0, 60, 90, 2] -= 50.0
        return raw

    found = infer(spoilt, torch.zeros(3, 120, 180))
    assert math.degrees(found.fov_x_rad) == pytest.approx(50.0, abs=1.0)
    assert not found.mask[60, 90]  # behind the camera


def test_a_wall_seen_straight_on_says_nothing_of_the_lens():
    """It looks the same through every lens: 60 degrees are taken, and it is said; its distance follows from that."""
    network = StandIn(lambda rays: np.full(rays.shape[:2], 3.0), 35.0, 0.4)
    found = infer(network, torch.zeros(3, 120, 180))
    assert math.degrees(found.fov_x_rad) == pytest.approx(60.0)
    assert len(found.notes) == 1 and "60 degrees are taken" in found.notes[0]
    width = 2 * 3.0 * math.tan(math.radians(35.0) / 2)
    np.testing.assert_allclose(found.depth, width / 2 / math.tan(math.radians(30.0)), rtol=1e-3)


def test_points_that_no_lens_explains_are_said_to_be_so():
    raw = Raw(
        torch.rand((1, 60, 80, 3), generator=torch.Generator().manual_seed(0)),
        torch.ones(1, 60, 80),
        None,
        torch.ones(1),
    )
    found = infer(lambda image, tokens: raw, torch.zeros(3, 60, 80))
    assert math.degrees(found.fov_x_rad) == pytest.approx(60.0)
    assert "60 degrees" in found.notes[0] and "How far" in found.notes[1]


def test_nothing_but_sky():
    network = StandIn(lambda rays: np.full(rays.shape[:2], np.inf), 35.0, 0.0)
    found = infer(network, torch.zeros(3, 60, 80))
    assert not found.mask.any() and np.isinf(found.with_sky()).all()
    assert len(found.notes) == 1 and "sky" in found.notes[0]


def test_numbers_that_are_none_are_unknown():
    network = StandIn(box, 50.0, 0.4)

    def spoilt(image, tokens):
        raw = network(image, tokens)
        raw.points[0, :20] = float("nan")
        return raw

    found = infer(spoilt, torch.zeros(3, 120, 180))
    assert not found.mask[:20].any() and found.mask[20:].all()
    assert math.degrees(found.fov_x_rad) == pytest.approx(50.0, abs=0.5)


def test_shapes_it_was_not_trained_on_are_said_to_be_so():
    found = infer(StandIn(box, 50.0, 0.4), torch.zeros(3, 60, 200))
    assert any("3.33 times as wide" in note for note in found.notes)


@pytest.mark.parametrize("fov_deg", [0.0, 180.0, float("nan")])
def test_a_field_of_view_out_of_range_is_refused(fov_deg):
    with pytest.raises(InputError, match="out of range"):
        infer(StandIn(box, 50.0, 0.4), torch.zeros(3, 60, 80), math.radians(fov_deg))
