"""What a view sees of a surface, triangles as pixels, and what is asked of surfaces before they are painted."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
import solids
from depthwright.engine.geometry import atlas, projection, raster, surface, visibility, warp
from depthwright.engine.geometry.camera import Intrinsics
from depthwright.engine.geometry.projection import Blending, Viewpoint

LENS = Intrinsics(90, 60, 80.0, 70.0, 41.0, 33.0)


def test_spans_are_the_pixels_with_their_centre_inside_and_none_twice():
    corners = np.random.default_rng(3).uniform(-10, 50, (40, 3, 2))
    spans = raster.Scanner(corners, 40).rows(3, 37)
    x, y = np.meshgrid(np.arange(40) + 0.5, np.arange(40) + 0.5)
    for number, (a, b, c) in enumerate(corners):
        sides = [(q - p)[0] * (y - p[1]) - (q - p)[1] * (x - p[0]) for p, q in ((a, b), (b, c), (c, a))]
        inside = np.all([side > 0 for side in sides], axis=0) | np.all([side < 0 for side in sides], axis=0)
        inside[:3] = inside[37:] = False
        mine = spans.chosen(spans.triangle == number)
        found = np.zeros((40, 40), int)
        np.add.at(found, (mine.spread(mine.row), mine.columns()), 1)
        np.testing.assert_array_equal(found, inside)
    quad = np.array([[(3.5, 3.5), (30.5, 7.5), (28.5, 33.5)], [(3.5, 3.5), (28.5, 33.5), (6.5, 30.5)]])
    spans = raster.Scanner(quad, 40).rows(0, 40)
    place = spans.spread(spans.row * 40) + spans.columns()
    assert len(np.unique(place)) == len(place)  # along the shared edge too


@pytest.mark.parametrize("orthographic", [False, True])
def test_a_tilted_plane_is_as_far_as_it_is_even_where_it_passes_the_camera(orthographic):
    lens = Intrinsics(90, 60, *((20.0, 18.0) if orthographic else (80.0, 70.0)), 41.0, 33.0, orthographic)
    normal, distance = np.array([0.1, -0.9, -0.35]), -1.2
    x, z = np.meshgrid([-60.0, 60.0], [-3.0, 90.0])
    points = np.stack([x, (distance - normal[0] * x - normal[2] * z) / normal[1], z], -1).reshape(-1, 3)
    triangles = points[[[0, 1, 2], [1, 3, 2]]]
    hits = raster.nearest(triangles, lens, 0.05)
    rays = lens.pixel_rays().astype(float)
    exact = (distance - rays[..., :2] @ normal[:2]) / normal[2] if orthographic else distance / (rays @ normal)
    there = (exact > 0.05) & (exact < 80.0)
    assert there.mean() > 0.2
    np.testing.assert_allclose(hits.depth[there], exact[there], rtol=1e-4)
    assert np.isinf(hits.depth[~((exact > 0.04) & (exact < 95.0))]).all()
    np.testing.assert_allclose(hits.of(triangles)[there], lens.unproject(hits.depth)[there], atol=2e-3)


def test_normals_distances_and_ends_of_a_view():
    ball = solids.sphere(96)
    for orthographic in (False, True):
        viewpoint = solids.viewpoint((0.2, -1, 0.3), ball, 128, orthographic=orthographic)
        depth = visibility.depth_of([ball], viewpoint)
        points, known = solids.seen_points(viewpoint, depth), np.isfinite(depth)
        eye = -viewpoint.to_camera[:3, :3].T @ viewpoint.to_camera[:3, 3]
        ray = points - eye if not orthographic else np.broadcast_to(viewpoint.to_camera[2, :3], points.shape)
        cosine = -(points * ray).sum(-1) / np.linalg.norm(points, axis=-1) / np.linalg.norm(ray, axis=-1)
        found = projection.facings(depth, viewpoint.lens)
        well = known & (np.nan_to_num(cosine) > 0.3)
        assert np.abs(found - cosine)[well].max() < 0.06 and (found[~known] == 0).all()
        normals = surface.unit(warp.plane_normals(depth, viewpoint))
        assert ((normals * points).sum(-1)[well] > 0.995).all()
        ends = projection.view_ends(depth, viewpoint.lens)
        assert ends[~known].all() and not ends[well & (np.nan_to_num(cosine) > 0.5)].any()
    edge = np.random.default_rng(0).random((50, 70)) > 0.995
    exact = np.minimum(scipy.ndimage.distance_transform_edt(~edge), 12.0)
    np.testing.assert_allclose(projection.distance_to_edge(edge, 12.0), exact, atol=1e-4)


def test_another_view_is_known_by_what_was_painted():
    ball = solids.sphere(48)
    views = [solids.painted(solids.viewpoint(towards, ball, 128), ball) for towards in ((0, -1, 0), (1, 0, 0))]
    viewpoint = solids.viewpoint((0.8, -1, 0.3), ball, 128)
    depth = visibility.depth_of([ball], viewpoint)
    picture, kept = warp.known_from(viewpoint, depth, views, Blending())
    exact = solids.smooth(solids.seen_points(viewpoint, depth))
    assert 0.5 < kept.sum() / np.isfinite(depth).sum() < 1.0 and not kept[~np.isfinite(depth)].any()
    assert np.abs(picture - exact)[kept].mean() < 0.6 / 255 and np.abs(picture - exact)[kept].max() < 6 / 255
    behind = solids.viewpoint((-1, 1, -0.2), ball, 128)
    assert warp.known_from(behind, visibility.depth_of([ball], behind), views, Blending())[1].sum() < 40


def test_views_are_chosen_for_what_they_add():
    ball = solids.sphere()
    towards = np.array([(0, 1, 0), (0.1, 1, 0), (0, -1, 0), (0.05, 1, 0.05)], float)
    seen = visibility.Visibility([ball], visibility.around([ball], towards, 0.5))
    assert seen.best(2)[1] == 2 or seen.best(2)[0] == 2
    assert 0.6 < seen.area[seen.outside].sum() / seen.area.sum() < 0.95
    assert len(visibility.directions(24)) == 24
    np.testing.assert_allclose(np.linalg.norm(visibility.directions(24), axis=1), 1.0)


def test_a_viewpoint_comes_back_from_its_record():
    viewpoint = solids.viewpoint((1, 2, 3), solids.sphere(6), 64)
    again = Viewpoint.from_dict(viewpoint.to_dict())
    np.testing.assert_array_equal(again.to_camera, viewpoint.to_camera)
    assert (again.name, again.lens, again.clip) == (viewpoint.name, viewpoint.lens, viewpoint.clip)


def cube(flip: tuple[int, ...] = ()) -> np.ndarray:
    quads = [(0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]
    triangles = [t for q in quads for t in ((q[0], q[1], q[2]), (q[0], q[2], q[3]))]
    return np.array([t[::-1] if number in flip else t for number, t in enumerate(triangles)])


CORNERS = np.array([(x, y, z) for z in (0, 1) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))], float)


def test_closed_turned_and_manifold():
    assert surface.is_closed(cube()) and not surface.is_turned(cube(), CORNERS[cube()])
    inside_out = cube(range(12))
    assert surface.is_closed(inside_out) and surface.is_turned(inside_out, CORNERS[inside_out])
    one = cube((3,))
    assert not surface.is_closed(one) and surface.is_turned(one, CORNERS[one])
    opened = cube()[2:]
    assert not surface.is_closed(opened) and not surface.is_turned(opened, CORNERS[opened])
    hollow = np.concatenate([cube(), inside_out + 8])
    corners = np.concatenate([CORNERS * 3 - 1, CORNERS])
    assert surface.is_closed(hollow) and not surface.is_turned(hollow, corners[hollow])  # the walls of a cavity
    beside = np.concatenate([CORNERS * 3 - 9, CORNERS])
    assert surface.is_turned(hollow, beside[hollow])
    assert surface.most_faces_at_an_edge(cube()) == 2
    assert surface.most_faces_at_an_edge(np.array([(0, 1, 2), (1, 0, 3), (0, 1, 4)])) == 3


def test_points_stand_for_the_area():
    ball = solids.sphere()
    points = ball.sample(5000)
    assert points.area.sum() == pytest.approx(4 * np.pi, rel=0.01) and len(points.area) >= 5000
    assert len(np.unique(points.triangle)) == (ball.areas() > 0).sum()
    top = points.place[:, 2] > 0.5
    assert points.area[top].sum() == pytest.approx(np.pi, rel=0.03)  # a cap is as large as its height says


def test_uvs_that_overlap_or_leave_the_image():
    one, other = solids.sheet(0.0, 1.0, (0.1, 0.1), 0.5), solids.sheet(1.0, 1.0, (0.35, 0.1), 0.5)
    assert atlas.overlap(one) == 0.0
    assert atlas.overlap(solids.joined(one, other)) == pytest.approx(1 / 3, abs=0.01)
    assert not atlas.leaves_image(one)
    assert atlas.leaves_image(solids.sheet(0.0, 1.0, (0.8, 0.1), 0.5))
