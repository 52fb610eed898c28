"""Tiles, windows and known pixels where image tokens are latents of an autoencoder: an untrained one as FLUX.2 has."""

from types import SimpleNamespace

import numpy as np
import pytest
import tiny_published
import torch
from depthwright.engine.backends.modality_forcing import ModalityForcingBackend
from depthwright.engine.model.denoiser import Parametrisation
from depthwright.engine.model.image_codec import Flux2Codec, Flux2CodecConfig, PixelCodec
from depthwright.engine.model.patches import from_patches, to_patches
from depthwright.engine.sampling.constraints import Constraints, KnownLatents
from depthwright.engine.sampling.sampler import sample
from depthwright.engine.sampling.tiling import RingCodec
from depthwright.engine.sampling.windows import Plane

PATCH, NATIVE = 4, 32
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def codec():
    torch.manual_seed(0)
    return Flux2Codec(Flux2CodecConfig(ch=32, ch_mult=(1, 2), num_res_blocks=1, z_channels=4)).eval()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """run(arrays, side, **changes of the request) -> what a tiny checkpoint in the published layout makes of it."""
    folder = tiny_published.write(tmp_path_factory.mktemp("published"), tiny_published.QUICK)
    entry, backend = tiny_published.entry_of(folder), ModalityForcingBackend()

    def made(arrays=None, side=48, **changes):
        request = tiny_published.asked(width_px=side, height_px=side, **changes)
        return backend.run(entry, request, arrays or {}, lambda *_: None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEPTHWRIGHT_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        yield made


@pytest.mark.parametrize("mode", ["joint", "i2d", "d2i"])
@pytest.mark.parametrize("changes", [{}, {"tile": True}, {"tile": True, "tile_axes": "x"}, {"detail_px": 48}])
def test_every_mode_as_a_view_as_a_tile_and_in_detail(run, mode, changes):
    given = {
        "joint": {},
        "i2d": {"image": RNG.integers(0, 255, (48, 48, 3), np.uint8)},
        "d2i": {"depth": 1 + RNG.random((48, 48), np.float32)},
    }[mode]
    target = "material" if changes.get("tile") else "scene"
    output = run(given, mode=mode, target=target, **changes)
    assert output.image.shape == (48, 48, 3) and output.depth.shape == (48, 48)
    assert (output.depth > 0).all() and output.image.std() > 0


def test_known_pixels_come_back_exactly_and_change_what_is_next_to_them(run):
    image, mask = RNG.integers(0, 255, (NATIVE, NATIVE, 3), np.uint8), np.zeros((NATIVE, NATIVE), np.uint8)
    mask[:, :6] = 255  # one column of tokens and half of the next
    free = run(side=NATIVE, target="scene")
    held = run({"known_image": image, "mask": mask}, side=NATIVE, target="scene")
    assert np.array_equal(held.image[:, :6], image[:, :6])
    assert not np.array_equal(held.image[:, 6:8], free.image[:, 6:8])


@pytest.mark.slow
@pytest.mark.parametrize("tile", [False, True])
def test_known_picture_and_depth_of_a_result_in_detail(run, tile):
    known = np.zeros((48, 48), bool)
    known[10:30, 10:30] = True
    image, depth = RNG.integers(0, 255, (48, 48, 3), np.uint8), (2 + RNG.random((48, 48))).astype(np.float32)
    given = {"known_image": image, "known_depth": depth, "mask": known}
    made = run(given, detail_px=48, target="material" if tile else "scene", tile=tile)
    assert np.array_equal(made.image[known], image[known])
    np.testing.assert_allclose(made.depth[known], depth[known], rtol=1e-5)
    assert (made.depth > 0).all() and made.image[~known].std() > 0


@pytest.mark.parametrize("rings", [(True, True), (False, True), (True, False)])
def test_a_ring_has_no_place_where_the_autoencoder_sees_a_border(codec, rings):
    """Rolling and decoding is decoding and rolling. Nearly: its attention and its norms see all of the picture."""
    grid, shift = (6, 8), (3 * rings[0], 3 * rings[1])
    noise = torch.Generator().manual_seed(0)
    tokens = torch.randn(1, 48, codec.channels, generator=noise)
    image = torch.rand(1, 3, 24, 32, generator=noise) * 2 - 1

    def rolled(tokens):
        return tokens.unflatten(1, grid).roll(shift, (1, 2)).flatten(1, 2)

    def error(of):
        decoded = of.decode(rolled(tokens)) - of.decode(tokens).roll([PATCH * s for s in shift], (2, 3))
        encoded = of.encode(image.roll([PATCH * s for s in shift], (2, 3))) - rolled(of.encode(image))
        return torch.tensor([decoded.abs().max(), encoded.abs().max()])

    assert (error(RingCodec(codec, grid, rings)) < 0.2 * error(RingCodec(codec, grid))).all()
    plain = RingCodec(codec, grid)
    assert torch.equal(plain.decode(tokens), codec.decode(tokens, grid))
    assert torch.equal(plain.encode(image), codec.encode(image))


def test_pixels_need_nothing_from_around_the_border():
    codec, image = PixelCodec(PATCH), torch.rand(2, 3, 8, 12)
    ring = RingCodec(codec, (2, 3), (True, True))
    assert torch.equal(ring.encode(image), codec.encode(image))
    assert torch.equal(ring.decode(codec.encode(image)), image)


def test_planes_of_the_two_codecs(codec):
    assert Plane.of(codec) == Plane(1, 16) and Plane.of(PixelCodec(8)) == Plane(8, 3)


class Mixing:
    """A linear autoencoder: each of a token's values mixes all its pixels. Decoding may lose something."""

    def __init__(self, grid, lost=0.0):
        self.grid, self.lost = grid, lost
        self.mix = torch.linalg.qr(torch.randn(48, 48, generator=torch.Generator().manual_seed(0)))[0]

    def encode(self, image):
        return to_patches(image.permute(0, 2, 3, 1), PATCH) @ self.mix

    def decode(self, tokens):
        return from_patches(tokens @ self.mix.T, self.grid, PATCH, 3).permute(0, 3, 1, 2) * (1 - self.lost)


def held_columns(count, grid, codec, strictness=1.0):
    known = (torch.arange(grid[1] * PATCH) < count).expand(1, grid[0] * PATCH, -1)
    image = torch.rand(1, 3, grid[0] * PATCH, grid[1] * PATCH, generator=torch.Generator().manual_seed(1))
    whole = Flux2Codec.known_tokens(SimpleNamespace(patch_px=PATCH), known)
    return image, known, KnownLatents(image * known[:, None], known, codec, whole, strictness)


def test_pixels_are_held_in_tokens_that_are_known_in_part():
    grid = (2, 4)
    codec = Mixing(grid)
    image, known, constraint = held_columns(6, grid, codec)
    alike = SimpleNamespace(grid=grid, features=lambda *_: torch.zeros(1, 8, 16, 4))

    def grey(img, depth, **_):
        return torch.zeros_like(img), torch.zeros_like(depth)

    settings = {"grid": grid, "num_steps": 4, "seed": 0, "image_channels": 48, "depth_channels": 16}
    tokens, _ = sample(
        grey,
        torch.zeros(1, 3, 8),
        mode="joint",
        parametrisation=Parametrisation(image_x_prediction=True),
        constraints=Constraints(image=constraint, alike=alike),
        **settings,
    )
    made = codec.decode(tokens)
    columns = known[0, 0]
    assert torch.allclose(made[..., columns], image[..., columns], atol=1e-4)
    assert (made[..., ~columns] - image[..., ~columns]).abs().mean() > 0.1, "the rest is not known to it"


def test_what_the_autoencoder_loses_is_not_lost_again_with_every_prediction():
    grid = (2, 4)
    _, known, constraint = held_columns(4, grid, Mixing(grid, lost=0.2))
    clean = torch.randn(1, 8, 48, generator=torch.Generator().manual_seed(2))
    unlike = torch.where(known[..., None], 100.0, -100.0).expand(-1, -1, -1, 4)  # nothing is carried to the others
    corrected = constraint.correct(clean, torch.tensor(0.5), unlike, grid)
    others = torch.arange(8) % 4 > 0
    assert torch.allclose(corrected[:, others], clean[:, others], atol=1e-5)
    assert (corrected[:, ~others] - clean[:, ~others]).abs().mean() > 0.1


def test_below_the_level_of_their_strictness_they_are_let_go():
    grid = (2, 4)
    _, _, constraint = held_columns(4, grid, Mixing(grid), strictness=0.4)
    tokens, noise = torch.zeros(1, 8, 48), torch.ones(1, 8, 48)
    for level, holds in ((0.7, True), (0.5, False)):
        t = torch.tensor(level)
        assert torch.equal(constraint.impose(tokens, t, noise), tokens) is not holds
        assert torch.equal(constraint.correct(tokens, t, torch.zeros(1, 8, 16, 4), grid), tokens) is not holds
