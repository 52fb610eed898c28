"""Sampling with stand-in denoisers whose answer is known."""

import pytest
import torch
from depthwright.engine.model.denoiser import Parametrisation, Schedule
from depthwright.engine.sampling.guidance import Guidance, guided
from depthwright.engine.sampling.sampler import Step, initial_noise, sample

GRID = (3, 4)
X_PREDICTION = Parametrisation(Schedule(), image_x_prediction=True, depth_x_prediction=True)


class KnowsTheAnswer:
    """Predicts one clean sample whatever it sees, and keeps what it was shown."""

    def __init__(self, image: float, depth: float):
        self.image, self.depth, self.calls = image, depth, []

    def __call__(self, img, depth, timesteps, depth_timesteps, **rest):
        self.calls.append((img, depth, timesteps, depth_timesteps))
        return torch.full_like(img, self.image), torch.full_like(depth, self.depth)


def run(model, **changes):
    settings = {
        "mode": "joint",
        "grid": GRID,
        "num_steps": 6,
        "seed": 3,
        "parametrisation": X_PREDICTION,
        "image_channels": 5,
        "depth_channels": 2,
    }
    return sample(model, torch.zeros(1, 7, 8), **(settings | changes))


def test_x_prediction_ends_at_what_the_model_predicts():
    image, depth = run(KnowsTheAnswer(0.25, -0.5))
    assert torch.allclose(image, torch.tensor(0.25), atol=1e-5)
    assert torch.allclose(depth, torch.tensor(-0.5), atol=1e-5)


def test_noise_follows_from_the_seed_alone():
    first, again, other = (initial_noise("joint", (1, 12, 5), (1, 12, 2), seed) for seed in (3, 3, 4))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize(("mode", "known"), [("i2d", "clean_image"), ("d2i", "clean_depth")])
def test_the_known_modality_comes_back_unchanged_even_beside_a_prediction_of_nan(mode, known):
    given = torch.randn(1, 12, 5 if mode == "i2d" else 2)
    model = KnowsTheAnswer(torch.nan if mode == "i2d" else 1.0, torch.nan if mode == "d2i" else 1.0)
    image, depth = run(model, mode=mode, **{known: given})
    assert torch.equal(image if mode == "i2d" else depth, given)
    assert torch.isfinite(image).all() and torch.isfinite(depth).all()


def test_a_mode_without_its_known_modality_is_refused():
    with pytest.raises(ValueError, match="clean_image"):
        run(KnowsTheAnswer(0, 0), mode="i2d")


def test_levels_follow_the_trajectory_image_first():
    model = KnowsTheAnswer(0, 0)
    run(model, log2_alpha=5.0)
    for _, _, t_image, t_depth in model.calls[1:]:
        assert t_depth > t_image


def test_timesteps_can_be_rounded_as_published():
    model = KnowsTheAnswer(0, 0)
    run(model, timestep_dtype=torch.bfloat16)
    assert model.calls[1][2].dtype == torch.bfloat16


def test_guidance_extrapolates_from_the_empty_prompt():
    def model(img, depth, ctx, **rest):
        strength = ctx.mean(dim=(1, 2))[:, None, None]
        return strength.expand_as(img), strength.expand_as(depth)

    predict = guided(model, torch.ones(1, 7, 8), torch.zeros(1, 7, 8), Guidance(2.5), GRID)
    image, _ = predict(torch.zeros(1, 12, 5), torch.zeros(1, 12, 2), torch.tensor(0.5), torch.tensor(0.5))
    assert torch.allclose(image, torch.tensor(2.5))  # 0 + 2.5 * (1 - 0)


@pytest.mark.parametrize("one_batch", [True, False])
@pytest.mark.parametrize(("text", "depth"), [(1.0, 1.0), (1.0, 3.0), (2.0, 1.0), (2.0, 3.0)])
def test_depth_guidance_extrapolates_from_a_depth_that_is_noise(text, depth, one_batch):
    rows = []

    def model(img, depth, ctx, timesteps, depth_timesteps, **rest):
        rows.append(img.shape[0])
        strength = 100 * ctx.mean(dim=(1, 2)) + 10 * (1 - depth_timesteps) + img.mean(dim=(1, 2))
        noisy = depth_timesteps[:, None, None] == 1
        assert torch.equal((depth == 7).all(dim=(1, 2), keepdim=True), ~noisy)  # the given one at its level, or noise
        return strength[:, None, None].expand_as(img), depth

    both = Guidance(text, depth, seed=5)
    predict = guided(model, torch.ones(2, 7, 8), torch.zeros(1, 7, 8), both, GRID, one_batch=one_batch)
    given = torch.full((2, 12, 2), 7.0)
    image, _ = predict(torch.tensor([[[3.0]], [[4.0]]]).expand(2, 12, 5), given, torch.tensor(0.5), torch.tensor(0.0))
    assert sum(rows) == 2 * both.looks and len(rows) == (1 if one_batch else both.looks)
    assert torch.allclose(image[:, 0, 0], 100 * text + 10 * depth + torch.tensor([3.0, 4.0]))


def test_depth_guidance_is_for_a_depth_that_is_given():
    with pytest.raises(ValueError, match="d2i"):
        run(KnowsTheAnswer(0, 0), depth_guidance=2.0)


def test_every_step_is_reported_and_a_listener_can_stop_it():
    seen: list[Step] = []
    run(KnowsTheAnswer(0.25, 0), on_step=seen.append)
    assert [s.index for s in seen] == [0, 1, 2, 3, 4, 5, 6]
    assert torch.allclose(seen[3].clean_image, torch.tensor(0.25), atol=1e-5)

    def stop(step: Step) -> None:
        if step.index == 2:
            raise KeyboardInterrupt

    model = KnowsTheAnswer(0, 0)
    with pytest.raises(KeyboardInterrupt):
        run(model, on_step=stop)
    assert len(model.calls) == 2


def test_tiling_shows_the_model_another_offset_each_step_and_undoes_it():
    class Echo(KnowsTheAnswer):
        """Predicts what depends on the position in the grid it is shown."""

        def __call__(self, img, depth, **rest):
            ramp = torch.arange(12.0)[None, :, None]
            self.calls.append(img)
            return ramp.expand_as(img), ramp.expand_as(depth)

    plain, _ = run(Echo(0, 0), num_steps=8)
    assert torch.allclose(plain[0, :, 0], torch.arange(12.0), atol=1e-4)
    for tile in ((True, True), (False, True), (True, False)):
        rolled = [run(Echo(0, 0), num_steps=8, tile=tile, seed=seed)[0] for seed in range(4)]
        assert not torch.allclose(sum(rolled) / 4, plain, atol=0.1)
        for tokens in rolled:
            # An axis that does not tile is never rolled: along it the ramp is as it was.
            ramp = tokens[0, :, 0].reshape(GRID)
            assert tile[0] or torch.allclose(ramp.diff(dim=0), torch.full((2, 4), 4.0), atol=1e-3)
            assert tile[1] or torch.allclose(ramp.diff(dim=1), torch.ones(3, 3), atol=1e-3)


class SeesThroughNoise(KnowsTheAnswer):
    """Predicts 1, and an error that is the noise it was shown: a guess for every noise, right in the mean."""

    def __call__(self, img, depth, timesteps, depth_timesteps, **rest):
        super().__call__(img, depth, timesteps, depth_timesteps, **rest)
        t = depth_timesteps[0]
        return torch.zeros_like(img), 1 + 0.5 * (depth - (1 - t) * 1.0)


def test_the_mean_of_all_predictions_gets_better_with_steps():
    given = {"mode": "i2d", "clean_image": torch.zeros(1, 12, 5)}

    def error(steps, estimate):
        return (run(SeesThroughNoise(0, 0), num_steps=steps, depth_estimate=estimate, **given)[1] - 1).abs().mean()

    assert torch.equal(error(1, "mean"), error(1, "sample")), "one step is one prediction"
    assert error(40, "mean") < 0.5 * error(1, "mean")
    assert error(40, "mean") < 0.8 * error(40, "sample")


def test_every_look_at_the_mean_is_at_the_schedules_level_through_noise_of_its_own():
    model = KnowsTheAnswer(0, 0.5)
    image = torch.randn(1, 12, 5)
    _, depth = run(model, mode="i2d", clean_image=image, depth_estimate="mean", num_steps=5)
    assert torch.allclose(depth, torch.tensor(0.5), atol=1e-6)
    levels, noises = [], []
    for shown, state, _, t in model.calls:
        assert torch.equal(shown, image)
        levels.append(float(t[0]))
        noises.append((state - (1 - t[0]) * 0.5) / t[0])
    assert levels[0] == 1.0 and levels == sorted(levels, reverse=True) and levels[-1] > 0
    assert all(0.7 < noise.std() < 1.3 for noise in noises)
    assert (torch.corrcoef(torch.stack([noise.flatten() for noise in noises])) - torch.eye(5)).abs().max() < 0.8


@pytest.mark.parametrize(("mode", "known"), [("joint", {}), ("d2i", {"clean_depth": torch.ones(1, 12, 2)})])
def test_an_estimate_is_of_images_alone(mode, known):
    plain, mean = (run(KnowsTheAnswer(1, 1), mode=mode, depth_estimate=e, **known) for e in ("sample", "mean"))
    assert torch.equal(plain[0], mean[0]) and torch.equal(plain[1], mean[1])


class TellsWordsApart(KnowsTheAnswer):
    """Predicts what the first text token says."""

    def __call__(self, img, depth, ctx, timesteps, **rest):
        self.calls.append((img.shape[0], timesteps[0].item()))
        value = ctx[:, :1, :1]
        return value.expand_as(img).clone(), value.expand_as(depth).clone()


@pytest.mark.parametrize("one_batch", [True, False])
def test_guidance_is_kept_within_its_interval(one_batch):
    """Outside, a call sees one row, the prompt's; inside, two."""
    model = TellsWordsApart(0, 0)
    sample(
        model,
        torch.ones(1, 7, 8),
        mode="joint",
        grid=GRID,
        num_steps=6,
        seed=3,
        parametrisation=X_PREDICTION,
        image_channels=5,
        depth_channels=2,
        guidance_scale=3.0,
        guidance_interval=(0.4, 0.9),
        one_batch=one_batch,
    )
    rows = {}
    for count, level in model.calls:
        rows[level] = rows.get(level, 0) + count
    assert len(rows) == 6 and set(rows.values()) == {1, 2}
    assert all((count == 2) == (0.4 <= level <= 0.9) for level, count in rows.items())


def test_guidance_everywhere_is_the_default():
    settings = {"guidance_scale": 3.0, "null_ctx": torch.full((1, 7, 8), 0.5)}
    whole = run(TellsWordsApart(0, 0), **settings)
    same = run(TellsWordsApart(0, 0), guidance_interval=(0.0, 1.0), **settings)
    half = run(TellsWordsApart(0, 0), guidance_interval=(0.5, 1.0), **settings)
    assert torch.equal(whole[0], same[0]) and not torch.allclose(whole[0], half[0])
