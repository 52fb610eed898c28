"""Views -> texture: where it should be, nowhere else, and without seams."""

from __future__ import annotations

import numpy as np
import pytest
import solids
from depthwright.engine.geometry import atlas, bake, exposure
from depthwright.engine.geometry.camera import Intrinsics
from depthwright.engine.geometry.projection import Blending, PaintedView, Viewpoint

SIZE = 256


def noise(seed: int = 0, size: int = SIZE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3)).astype(np.uint8)


def truth(surface, size: int = SIZE, colours=solids.smooth) -> tuple[np.ndarray, np.ndarray]:
    """The texture that the function has, 0..255, and which texels belong to a triangle."""
    whole = np.zeros((size * size, 3))
    within = np.zeros(size * size, bool)
    texels = atlas.Atlas(surface, size, size).texels(0, size)
    places, _ = texels.surface_at(np.arange(len(texels.place)))
    whole[texels.place] = colours(places + surface.origin) * 255.0
    within[texels.within] = True
    return whole.reshape(size, size, 3), within.reshape(size, size)


def test_every_texel_of_an_island_has_its_place_and_no_other_has():
    surface = solids.sphere()
    texels = atlas.Atlas(surface, SIZE, SIZE).texels(0, SIZE)
    row, column = np.divmod(texels.within, SIZE)
    x, y = (column + 0.5) / SIZE, (row + 0.5) / SIZE
    inside = (np.abs(x - 0.5) < 0.45) & (np.abs(y - 0.5) < 0.45)
    assert inside.all() and len(np.unique(texels.within)) == len(texels.within) == round(0.9 * SIZE) ** 2
    places, normals = texels.surface_at(np.arange(len(texels.within)))
    polar, around = (y - 0.05) / 0.9 * np.pi, (x - 0.05) / 0.9 * 2 * np.pi
    exact = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], -1)
    assert np.abs(places - exact).max() < 0.01  # the chords of 24 rings
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0, atol=1e-5)
    strips = [atlas.Atlas(surface, SIZE, SIZE).texels(start, start + 37) for start in range(0, SIZE, 37)]
    assert sorted(np.concatenate([part.place for part in strips])) == sorted(texels.place)


def test_six_views_of_one_function_are_that_function_across_every_border():
    surface = solids.sphere()
    views = [solids.painted(solids.viewpoint(towards, surface, 256), surface) for towards in solids.SIX]
    baked = bake.bake(surface, views, np.zeros((SIZE, SIZE, 3), np.uint8), margin_px=4)
    exact, within = truth(surface)
    error = np.abs(baked.values - exact).mean(-1)
    assert error[within].mean() < 0.6 and np.percentile(error[within], 99) < 2.0
    assert baked.coverage > 0.999 and set(np.unique(baked.state[within])) <= {bake.SEEN, bake.FILLED}
    assert sum(baked.view_shares.values()) == pytest.approx(1.0)
    # Around the island its border goes on, so that nothing dark shines in.
    ring = np.zeros((SIZE, SIZE), bool)
    ring[9:-9, 9:-9] = True
    ring[within] = False
    assert ring.sum() > 1000 and (baked.values[ring].min(-1) > 30).all()


@pytest.mark.parametrize("orthographic", [False, True])
def test_what_is_not_seen_stays_bit_for_bit(orthographic):
    surface = solids.sphere(48)
    viewpoint = solids.viewpoint((0.3, -1, 0.4), surface, 200, orthographic=orthographic, shift_px=4.0)
    view = solids.painted(viewpoint, surface)
    before = noise()
    baked = bake.bake(surface, [view], before, fill=False, margin_px=3)
    exact, _ = truth(surface)
    towards_camera = np.array([0.3, -1, 0.4]) / np.linalg.norm([0.3, -1, 0.4])
    texels = atlas.Atlas(surface, SIZE, SIZE).texels(0, SIZE)
    places, _ = texels.surface_at(np.arange(len(texels.within)))
    distance = np.inf if orthographic else 1.0 / np.sin(0.3)
    hidden, shown = np.zeros(SIZE * SIZE, bool), np.zeros(SIZE * SIZE, bool)
    hidden[texels.within] = places @ towards_camera < 1.0 / distance - 0.06
    shown[texels.within] = places @ towards_camera > 1.0 / distance + 0.2
    hidden, shown = hidden.reshape(SIZE, SIZE), shown.reshape(SIZE, SIZE)
    assert hidden.sum() > 20000 and shown.sum() > 10000
    np.testing.assert_array_equal(baked.values[hidden], before[hidden])
    assert (baked.state[hidden] == bake.UNSEEN).all() and (baked.state[shown] == bake.SEEN).all()
    error = np.abs(baked.values - exact).mean(-1)[shown]
    assert error.mean() < 0.6 and error.max() < 6.0
    # The margin repeats what was painted only.
    assert ((baked.values != before).any(-1) & (baked.state == bake.UNSEEN)).sum() == 0


def test_a_box_leaves_no_imprint_on_the_wall_behind_it():
    wall, box = solids.sheet(1.0, 2.0, (0.02, 0.02), 0.6), solids.sheet(0.0, 0.5, (0.7, 0.02), 0.25)
    surface = solids.joined(wall, box)

    def colours(points):
        near = points[..., 1] < 0.5
        return np.where(near[..., None], (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))

    viewpoint = solids.viewpoint((0.25, -1, 0.1), surface, 200)
    view = solids.painted(viewpoint, surface, colours)
    before = np.full((SIZE, SIZE, 3), 40, np.uint8)
    baked = bake.bake(surface, [view], before, fill=False, margin_px=0)
    exact, within = truth(surface, colours=colours)
    seen = within & (baked.state == bake.SEEN)
    np.testing.assert_array_equal(baked.values[seen], exact[seen])
    kept = within & (baked.state == bake.UNSEEN)
    assert 500 < kept.sum() < 3000 and (baked.values[kept] == 40).all()
    filled = bake.bake(surface, [view], before, fill=True, margin_px=0)
    assert (filled.state[kept] == bake.FILLED).all()
    np.testing.assert_array_equal(filled.values[kept], exact[kept])  # the wall's colour, though the box is in front


def test_a_mask_and_chosen_faces_alone_change():
    surface = solids.sphere()
    view = solids.painted(solids.viewpoint((0, -1, 0), surface, 200), surface)
    before = noise(1)
    whole = bake.bake(surface, [view], before, fill=False, margin_px=0)
    mask = np.zeros((SIZE, SIZE), np.float32)
    mask[: SIZE // 2], mask[SIZE // 2 : SIZE // 2 + 20] = 1.0, 0.5
    part = bake.bake(surface, [view], before, fill=False, margin_px=0, mask=mask)
    np.testing.assert_array_equal(part.values[mask == 1.0], whole.values[mask == 1.0])
    np.testing.assert_array_equal(part.values[mask == 0.0], before[mask == 0.0])
    middle = (before[mask == 0.5].astype(float) + whole.values[mask == 0.5]) / 2.0
    assert np.abs(part.values[mask == 0.5] - middle).max() <= 1.0
    faces = surface.points[:, :, 2].min(1) > 0.2
    part = bake.bake(surface, [view], before, fill=False, margin_px=2, faces=faces)
    texels = atlas.Atlas(surface, SIZE, SIZE).texels(0, SIZE)
    places, _ = texels.surface_at(np.arange(len(texels.within)))
    below = texels.within[places[:, 2] < 0.2]
    np.testing.assert_array_equal(part.values.reshape(-1, 3)[below], before.reshape(-1, 3)[below])
    assert (part.values != before).any(-1).sum() > 3000


def test_what_no_view_saw_goes_on_across_the_seam():
    """Seen from the side of the seam alone, the far half is made of what borders on it, and turns with it."""
    surface = solids.sphere()
    views = [
        solids.painted(solids.viewpoint(towards, surface, 200), surface) for towards in ((1, 0, 0.0), (0.6, 0.8, 0))
    ]
    baked = bake.bake(surface, views, np.zeros((SIZE, SIZE, 3), np.uint8), margin_px=0)
    within = truth(surface)[1]
    filled = within & (baked.state == bake.FILLED)
    assert 0.4 < filled.sum() / within.sum() < 0.7
    colours = baked.values.astype(float)
    across = np.abs(np.diff(colours, axis=1)).max(-1)[within[:, 1:] & within[:, :-1]]
    assert across.max() < 16.0  # no step where what was seen ends
    columns = np.nonzero(within.any(0))[0]
    seam = np.abs(colours[:, columns[0]] - colours[:, columns[-1]]).max(-1)[within[:, columns[0]]]
    assert seam.max() < 8.0


def test_exposures_meet_where_views_overlap():
    surface = solids.sphere()
    views = [solids.painted(solids.viewpoint(towards, surface, 128), surface) for towards in solids.SIX]
    darker = [view.with_values(view.values * gain) for view, gain in zip(views, (1, 0.8, 1, 0.9, 1, 1), strict=True)]
    plain, matched = (
        bake.bake(surface, darker, np.zeros((128, 128, 3), np.uint8), blending=Blending(match_exposure=on))
        for on in (False, True)
    )
    exact, within = truth(surface, 128)

    def unevenness(baked):
        ratio = baked.values[within].sum(-1) / exact[within].sum(-1)
        return float(ratio.std() / ratio.mean())

    assert unevenness(matched) < 0.35 * unevenness(plain)


def test_gains_of_what_agrees_are_one():
    where = np.arange(100)
    values = np.random.default_rng(0).random((100, 3)).astype(np.float32)
    same = exposure.gains([(where, values, np.ones(100)), (where[50:], values[50:], np.ones(50))])
    np.testing.assert_allclose(same, 1.0, atol=1e-6)
    half = exposure.gains([(where, values, np.ones(100)), (where, values * 0.8, np.ones(100))])
    np.testing.assert_allclose(half[1] / half[0], 1.25, rtol=0.02)
    apart = exposure.gains([(where[:50], values[:50], np.ones(50)), (where[50:], values[50:], np.ones(50))])
    np.testing.assert_array_equal(apart, 1.0)


def test_numbers_are_baked_as_they_are():
    surface = solids.sphere()
    viewpoint = solids.viewpoint((0, -1, 0), surface, 200)
    view = solids.painted(viewpoint, surface)
    heights = (solids.seen_points(viewpoint, view.depth)[..., 2:] * 7.0 - 20.0).astype(np.float32)
    heights = np.nan_to_num(heights)
    baked = bake.bake(
        surface, [PaintedView(viewpoint, heights, view.depth)], np.zeros((SIZE, SIZE, 1), np.float32), fill=False
    )
    exact, within = truth(surface, colours=lambda points: points[..., 2:] * (7.0 / 255.0) - 20.0 / 255.0)
    seen = within & (baked.state == bake.SEEN)
    assert baked.values.dtype == np.float32 and np.abs(baked.values - exact[..., :1])[seen].mean() < 0.02


def test_a_closed_room_is_painted_from_within():
    surface = solids.sphere()
    viewpoint = solids.viewpoint((0, -1, 0), surface, 128)
    inside = Viewpoint("Inside", viewpoint.to_camera.copy(), Intrinsics(128, 128, 60.0, 60.0, 64.0, 64.0), (0.01, 10.0))
    inside.to_camera[:3, 3] = viewpoint.to_camera[:3, :3] @ (0.1, 0.2, -0.1)
    view = solids.painted(inside, surface)
    baked = bake.bake(surface, [view], noise(2), fill=False, margin_px=0)
    exact, within = truth(surface)
    seen = within & (baked.state == bake.SEEN)
    assert 0.1 < baked.coverage < 0.5 and seen.sum() > 5000
    assert np.abs(baked.values - exact).mean(-1)[seen].mean() < 0.8


def test_it_can_be_stopped():
    surface = solids.sphere()
    view = solids.painted(solids.viewpoint((0, -1, 0), surface, 32), surface)

    def stop(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bake.bake(surface, [view], noise(), fill=False, tick=stop)
