"""Growing depth onto a text-to-image checkpoint: nothing of the image is lost, and what may move does.

The base is a tiny FLUX.2 transformer of random weights, built by diffusers, so that every name and shape is theirs.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from depthwright.engine.contract.errors import ModelError
from depthwright.engine.model.checkpoint import load_transformer
from depthwright.engine.model.image_codec import PixelCodec
from depthwright.engine.model.text_encoder import WordEncoder
from depthwright.engine.model.transformer import Transformer, TransformerConfig, token_ids
from depthwright.engine.training.base import config_of, from_diffusers, grown, is_depth, read_base
from depthwright.engine.training.dataset import ShardSet, write_shard
from depthwright.engine.training.objective import Objective
from depthwright.engine.training.sizes import FAMILY
from depthwright.engine.training.sources import InMemory
from depthwright.engine.training.train_large import from_nothing, grow
from depthwright.engine.training.trainer import Settings, Trainer
from depthwright.engine.training.training_recipe import PAPER, noised
from diffusers import Flux2Transformer2DModel
from diffusers.loaders.single_file_utils import convert_flux2_transformer_checkpoint_to_diffusers
from safetensors.torch import save_file

PATCH, GRID, WORDS = 4, (4, 4), 6
IMAGE, DEPTH, CONTEXT = 3 * PATCH**2, PATCH**2, 24


@pytest.fixture(scope="module", params=[False, True], ids=["klein", "with guidance"])
def diffusers_model(request):
    torch.manual_seed(0)
    model = Flux2Transformer2DModel(
        in_channels=IMAGE, num_layers=2, num_single_layers=2, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=CONTEXT, axes_dims_rope=(4, 4, 4, 4), guidance_embeds=request.param,
    )  # fmt: skip
    with torch.no_grad():
        for parameter in model.parameters():  # its norms' scales and its zeros as well
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def inputs() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    image, depth, ctx = (
        torch.randn(2, length, channels, generator=generator)
        for length, channels in ((16, IMAGE), (16, DEPTH), (WORDS, CONTEXT))
    )
    given = {"img": image, "depth": depth, "ctx": ctx, **token_ids(2, WORDS, GRID)}
    return given | {"timesteps": torch.tensor([0.3, 0.9]), "depth_timesteps": torch.tensor([1.0, 0.2])}


@torch.no_grad()
def base_output(model: Flux2Transformer2DModel) -> torch.Tensor:
    given = inputs()
    guidance = torch.full((2,), 3.0) if model.config.guidance_embeds else None
    return model(
        given["img"], given["ctx"], given["timesteps"], given["img_ids"][0], given["ctx_ids"][0], guidance,
        return_dict=False,
    )[0]  # fmt: skip


def grown_from(model: Flux2Transformer2DModel):
    tensors = read_base(model.state_dict())
    config = replace(config_of(tensors, PATCH), depth_decoder_num_layers=1)
    return grown(tensors, config)


def guidance_of(model) -> dict[str, torch.Tensor]:
    return {"guidance": torch.full((2,), 3.0)} if model.config.use_guidance_embed else {}


def test_the_image_alone_is_the_bases(diffusers_model):
    model = grown_from(diffusers_model)
    given = inputs()
    del given["depth"], given["depth_ids"], given["depth_timesteps"]
    with torch.no_grad():
        ours = model.image_only(**given, **guidance_of(model))
    expected = base_output(diffusers_model)
    assert (ours - expected).abs().max() < 1e-6 * expected.abs().max()


def test_with_depth_masked_out_the_image_is_the_bases(diffusers_model, monkeypatch):
    """The whole model, depth tokens and all, with attention's eyes shut for them."""
    model, given = grown_from(diffusers_model), inputs()
    seen = WORDS + 16  # text and image; then depth

    attention = torch.nn.functional.scaled_dot_product_attention

    def without_depth(q, k, v, **settings):
        mask = torch.zeros(q.shape[2], k.shape[2])
        if k.shape[2] > 16:  # not depth's own decoder
            mask[:seen, seen:] = -torch.inf
        return attention(q, k, v, attn_mask=mask, **settings)

    with torch.no_grad():
        unmasked = model(**given, **guidance_of(model))[0]
        monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", without_depth)
        masked = model(**given, **guidance_of(model))[0]
        monkeypatch.undo()
    expected = base_output(diffusers_model)
    assert (masked - expected).abs().max() < 1e-6 * expected.abs().max()
    assert (unmasked - expected).abs().max() > 1e-3 * expected.abs().max()


def test_the_depth_stream_is_the_image_stream(diffusers_model):
    state = grown_from(diffusers_model).state_dict()
    for part in ("attn.qkv", "attn.proj", "mlp.0", "mlp.2"):
        copy, origin = (state[f"double_blocks.1.{stream}_{part}.weight"] for stream in ("depth", "img"))
        assert torch.equal(copy, origin) and copy.data_ptr() != origin.data_ptr()
    assert state["cross_alpha_img"] == 0 and state["cross_alpha_depth"] == 0
    assert not state["depth_final_layer.linear.weight"].any() and state["depth_in.weight"].any()


def test_both_layouts_are_one_model(diffusers_model, tmp_path):
    theirs = diffusers_model.state_dict()
    published = from_diffusers(theirs)
    back = convert_flux2_transformer_checkpoint_to_diffusers(dict(published))
    assert set(back) == set(theirs) and all(torch.equal(back[name], theirs[name]) for name in theirs)
    assert all(torch.equal(value, published[name]) for name, value in read_base(published).items())
    halves = list(theirs.items())
    for i in (0, 1):
        save_file({k: v.contiguous() for k, v in halves[i::2]}, tmp_path / f"part-{i}.safetensors")
    assert all(torch.equal(value, published[name]) for name, value in read_base(tmp_path).items())


def test_kleins_sizes_are_read_off_their_shapes():
    """9B and 4B, from shapes alone (no memory): black-forest-labs/flux2, the released model's config."""
    for hidden, heads, double, single, context in ((4096, 32, 8, 24, 12288), (3072, 24, 5, 20, 7680)):
        wanted = TransformerConfig(
            hidden_size=hidden, num_heads=heads, depth_double=double, depth_single=single, context_in_dim=context,
            cross_stream_timestep_mixing=True,
        )  # fmt: skip
        with torch.device("meta"):
            state = Transformer(wanted).state_dict()
        assert config_of({k: v for k, v in state.items() if not is_depth(k)}, 16) == wanted


def test_what_is_no_base_is_refused(diffusers_model, tmp_path):
    with pytest.raises(ModelError, match="is no FLUX"):
        read_base({"weight": torch.zeros(1)})
    with pytest.raises(ModelError, match="no safetensors"):
        read_base(tmp_path)
    tensors = read_base(diffusers_model.state_dict())
    config = config_of(tensors, PATCH)
    with pytest.raises(ModelError, match="missing: single_blocks"):
        grown({k: v for k, v in tensors.items() if k != "single_blocks.0.linear1.weight"}, config)


# ---- training it


@pytest.fixture(scope="module")
def klein(tmp_path_factory):
    torch.manual_seed(0)
    model = Flux2Transformer2DModel(
        in_channels=IMAGE, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=CONTEXT, axes_dims_rope=(4, 4, 4, 4), guidance_embeds=False,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("klein") / "transformer.safetensors"
    save_file(model.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    write_shard(folder / "0.npz", 0, 8, 16)
    return InMemory(ShardSet(folder))


def grow_tiny(klein, **choices):
    text = WordEncoder(["brick", "red"], CONTEXT, lambda prompt: (prompt.split(), []), WORDS)
    return grow(klein, PixelCodec(PATCH), text.requires_grad_(False), native_px=16, seed=0, **choices)


SETTINGS = Settings(steps=2, batch=4, muon_lr=None, adam_lr=1e-3, log_s=0, sample_grids=False)


def trained(klein, source, run, **choices):
    model, teacher = grow_tiny(klein, **choices)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    Trainer(model, source, PAPER, SETTINGS, run, teacher=teacher).train()
    return model, before


def changed(model, before) -> set[str]:
    return {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}


def test_training_moves_all_but_the_double_blocks_image_stream(klein, source, tmp_path):
    model, before = trained(klein, source, tmp_path)
    still = {name for name in before if ".img_" in name and "double_blocks" in name}
    assert len(still) == 6
    assert not changed(model, before) & still
    assert {"dit.double_blocks.0.depth_attn.qkv.weight", "dit.single_blocks.0.linear1.weight"} <= changed(model, before)
    # The run's model is a published folder.
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["variant"] == "flux_rgbd_9b_v2" and config["native_px"] == 16
    sizes = TransformerConfig.from_dict(config["transformer"])
    assert load_transformer(sizes, tmp_path / "model" / "model.safetensors").config == model.config.transformer


def test_lora_moves_factors_and_depth_and_is_saved_multiplied_out(klein, source, tmp_path):
    model, before = trained(klein, source, tmp_path, lora_rank=2, freeze_image=False)
    moved = changed(model, before)
    assert all(".lora_" in name or is_depth(name.removeprefix("dit.")) for name in moved)
    assert "dit.single_blocks.0.linear1.lora_B.default.weight" in moved
    with torch.no_grad():
        for name, value in model.named_parameters():
            if ".lora_" in name:
                value.copy_(torch.randn_like(value))
        model.save(tmp_path / "plain", torch.float32)
        plain = load_transformer(model.config.transformer, tmp_path / "plain" / "model.safetensors")
        for one, other in zip(model.dit(**inputs()), plain(**inputs()), strict=True):
            assert torch.allclose(one, other, atol=1e-5 * one.abs().max())
        untouched = grow_tiny(klein, distil=False)[0].dit(**inputs())[0]
        assert not torch.allclose(plain(**inputs())[0], untouched, atol=0.01)
    # What the trainer saved while it ran is such a plain one too.
    load_transformer(model.config.transformer, tmp_path / "model" / "model.safetensors")


def test_lora_leaves_a_frozen_image_stream_alone(klein):
    model, _ = grow_tiny(klein, lora_rank=2, distil=False)
    learns = {name for name, p in model.named_parameters() if p.requires_grad and ".lora_" in name}
    assert any(".txt_attn" in name for name in learns) and not any(".img_" in name for name in learns)


def test_a_model_begins_from_nothing_too(source, tmp_path):
    text = WordEncoder(["brick"], CONTEXT, lambda prompt: (prompt.split(), []), WORDS).requires_grad_(False)
    sizes = replace(
        FAMILY["370m"], in_channels=IMAGE, depth_channels=DEPTH, hidden_size=32, num_heads=2, depth_single=1,
        depth_decoder_num_layers=1, axes_dim=(4, 4, 4, 4),
    )  # fmt: skip
    model = from_nothing(sizes, PixelCodec(PATCH), text, native_px=16, seed=0)
    image_only = Trainer(model, source, PAPER, replace(SETTINGS, image_only=True), tmp_path / "images")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    image_only.train()
    moved = changed(model, before)
    assert moved and not any(is_depth(name.removeprefix("dit.")) for name in moved)
    Trainer(model, source, PAPER, SETTINGS, tmp_path / "pairs").train()
    assert "dit.depth_final_layer.linear.weight" in changed(model, before)


def test_distillation_weighs_by_the_noise_of_depth_and_pulls_towards_the_original(klein):
    """(l_hi t_depth + l_lo (1 - t_depth)) |v - v_original|^2, from outputs given by hand."""
    model, teacher = grow_tiny(klein)
    objective = Objective(model, replace(PAPER, distill_at_noisy_depth=2.0, distill_at_clean_depth=0.5), teacher)
    clean, text = torch.randn(3, 16, IMAGE), torch.randn(3, WORDS, CONTEXT)
    image = noised(clean, torch.randn_like(clean), torch.tensor([0.5, 0.5, 0.0]))
    with torch.no_grad():
        original = teacher.denoise_image(image.tokens(), text, GRID, image.t)
    t_depth = torch.tensor([1.0, 0.25, 1.0])
    loss = objective.distillation(teacher, original + 0.1, image, t_depth, text, GRID)
    assert loss.tolist() == pytest.approx([2.0 * 0.01, 0.875 * 0.01, 0.0], rel=1e-4)
    assert not objective.distillation(teacher, original, image, t_depth, text, GRID).any()
    assert not any("teacher" in name for name in objective.state_dict())
