"""Ways to see the shapes: what a camera and its frame can be set to."""

from __future__ import annotations


def landscape_with_shift(scene, camera):
    scene.render.resolution_x, scene.render.resolution_y = 160, 90
    camera.lens, camera.shift_x, camera.shift_y = 32.0, 0.12, -0.07


def portrait_with_vertical_fit(scene, camera):
    scene.render.resolution_x, scene.render.resolution_y = 96, 144
    camera.sensor_fit, camera.sensor_height, camera.lens = "VERTICAL", 24.0, 24.0


def non_square_pixels(scene, camera):
    scene.render.resolution_x, scene.render.resolution_y = 120, 120
    scene.render.pixel_aspect_x, scene.render.pixel_aspect_y = 1.5, 1.0
    camera.lens, camera.shift_y = 40.0, 0.05


def orthographic(scene, camera):
    scene.render.resolution_x, scene.render.resolution_y = 150, 100
    camera.type, camera.ortho_scale, camera.shift_x = "ORTHO", 7.0, 0.03


CAMERAS = [landscape_with_shift, portrait_with_vertical_fit, non_square_pixels, orthographic]
