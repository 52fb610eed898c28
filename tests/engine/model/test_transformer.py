"""The transformer's two ways of computing, for inference and for gradients, and what a batch of one level shares."""

from dataclasses import replace

import pytest
import torch
from depthwright.engine.model.speed import lay_out
from depthwright.engine.model.transformer import Transformer
from tiny_transformer import CONFIG, inputs, model


@pytest.mark.parametrize("levels", [torch.tensor([0.2, 0.7]), torch.tensor(0.4).expand(2)], ids=["two", "shared"])
def test_inference_overwrites_only_what_nobody_needs(levels: torch.Tensor) -> None:
    """As the formulas that autograd sees; twice, as overwritten weights or inputs would show the second time."""
    net, given = model(), inputs()
    kept = {name: value.clone() for name, value in given.items()}
    expected = net(**given, timesteps=levels, depth_timesteps=levels.flip(0))
    with torch.inference_mode():
        for _ in range(2):
            got = net(**given, timesteps=levels, depth_timesteps=levels.flip(0))
            for ours, formula in zip(got, expected, strict=True):
                torch.testing.assert_close(ours, formula.detach(), rtol=1e-5, atol=1e-5)
    assert all(torch.equal(given[name], value) for name, value in kept.items())


def test_a_level_shared_by_the_batch_is_the_level_of_each_row() -> None:
    net, given = model(), inputs()
    one, other = torch.tensor(0.3), torch.tensor(0.8)
    with torch.inference_mode():
        shared = net(**given, timesteps=one.expand(2), depth_timesteps=other.expand(2))
        single = net(**given, timesteps=one.repeat(2), depth_timesteps=other.repeat(2))
        mixed = net(**given, timesteps=one.expand(2), depth_timesteps=other.repeat(2))
    for a, b, c in zip(shared, single, mixed, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(c, b, rtol=1e-5, atol=1e-5)


def test_gradients_reach_every_weight() -> None:
    net, given = model(), inputs()
    image, depth = net(**given, timesteps=torch.tensor([0.2, 0.7]), depth_timesteps=torch.tensor([0.5, 0.1]))
    (image.square().mean() + depth.square().mean()).backward()
    assert not [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]


def test_weights_laid_out_anew_are_the_same_weights() -> None:
    net, given, level = model().requires_grad_(False), inputs(), torch.tensor(0.4).expand(2)
    kept = {name: value.clone() for name, value in net.state_dict().items()}
    expected = net(**given, timesteps=level, depth_timesteps=level)
    net.txt_in.bfloat16()
    lay_out(net)
    if torch.backends.mkl.is_available():
        assert net.img_in.weight.stride() == (1, 32) and net.single_blocks[0].linear1.weight.stride() == (1, 288)
    assert net.txt_in.weight.is_contiguous()  # of another type: left alone
    net.txt_in.float().weight.copy_(kept["txt_in.weight"])
    assert all(torch.equal(value, kept[name]) for name, value in net.state_dict().items())
    for ours, before in zip(net(**given, timesteps=level, depth_timesteps=level), expected, strict=True):
        torch.testing.assert_close(ours, before, rtol=1e-5, atol=1e-5)


def test_a_group_of_heads_shares_keys_and_values() -> None:
    """As with a set of its own for every head, all of a group with the same weights."""
    config = replace(CONFIG, num_heads=4, kv_heads=2, axes_dim=(2, 2, 2, 2))
    grouped, given, levels = model(config), inputs(), torch.tensor([0.2, 0.7])
    single = Transformer(replace(config, kv_heads=None))
    state = {}
    for name, weight in grouped.state_dict().items():
        if name.endswith(("qkv.weight", "linear1.weight")):
            queries, *shared, rest = weight.split([32, 16, 16, weight.shape[0] - 64])
            repeated = [part.view(2, 8, -1).repeat_interleave(2, 0).flatten(0, 1) for part in shared]
            weight = torch.cat([queries, *repeated, rest])
        state[name] = weight
    single.load_state_dict(state)
    for ways in (torch.enable_grad, torch.inference_mode):
        with ways():
            expected = single(**given, timesteps=levels, depth_timesteps=levels)
            got = grouped(**given, timesteps=levels, depth_timesteps=levels)
        for ours, theirs in zip(got, expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_query_heads_that_make_no_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="kv_heads 3"):
        replace(CONFIG, kv_heads=3)
