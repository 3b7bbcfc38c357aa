"""An object in a coloured room, rendered: `rooms3d`, on the factor grid of Shapes3D.

The scene was fitted to genuine Shapes3D frames. Hues only scale three materials, so geometry and
light are traced once for every scale, shape and orientation (480 templates of per-pixel material
weights), and an image is weights times colours.

The world has x to the right, y away from the camera at rest and z up, with the object on the floor
at the origin; vectors are arrays whose first axis has length 3.
"""

import colorsys
import math

import numpy as np

from ..base import Dataset, ImageSource
from ..catalogue import BUILT_IN
from ..files import copies, storage

RENDERER_VERSION = "1"
SIDE = 64
RAYS_A_SIDE = 2
MATERIALS = ("floor", "wall", "object", "sky", "highlight")
SHAPES = ("cube", "cylinder", "sphere", "pill")
SCALES = tuple(np.linspace(0.75, 1.25, 8).tolist())
ANGLES = tuple(np.radians(np.linspace(-30.0, 30.0, 15)).tolist())
HUES = 10

CAMERA_DISTANCE = 5.625
CAMERA_HEIGHT = 1.971
TARGET_HEIGHT = 2.022
FOCAL_LENGTH = 57.4
ROOM = 8.58
WALL_HEIGHT = 5.59
SKY = (153, 226, 249)

CUBE_HALF_SIDE = 0.920
CYLINDER_RADIUS, CYLINDER_HALF_HEIGHT = 0.986, 0.996
SPHERE_RADIUS = 1.139
PILL_RADIUS, PILL_HALF_LENGTH = 0.862, 0.887
# How high the centre of each shape stands at scale 1.
ELEVATION = {
    "cube": CUBE_HALF_SIDE,
    "cylinder": CYLINDER_HALF_HEIGHT,
    "sphere": SPHERE_RADIUS,
    "pill": PILL_RADIUS + PILL_HALF_LENGTH,
}

LIGHT = np.array((-0.312, -0.094, 1.0)) / math.sqrt(0.312**2 + 0.094**2 + 1)
SHADOW = 0.337

NOTES = ("re-rendered after Shapes3D: scores do not compare with published ones",)


def render_templates(scales=SCALES, shapes=SHAPES, angles=ANGLES):
    """Trace the room for every scale, shape and orientation.

    Parameters
    ----------
    scales : sequence of float
        Sizes of the object.
    shapes : sequence of str
        Out of ``SHAPES``.
    angles : sequence of float
        Where the camera stands, in radians.

    Returns
    -------
    ndarray of uint8, shape (len(scales)·len(shapes)·len(angles), 5, 64, 64)
        Weights of ``MATERIALS``, 255 meaning 1; the last factor varies fastest.
    """
    grid = (len(scales), len(shapes), len(angles))
    templates = np.empty((*grid, len(MATERIALS), SIDE, SIDE), np.uint8)
    for third, angle in enumerate(angles):
        view = _View(angle)
        for first, scale in enumerate(scales):
            for second, shape in enumerate(shapes):
                templates[first, second, third] = view.template(shape, scale)
    return templates.reshape(-1, len(MATERIALS), SIDE, SIDE)


def palette():
    """Colours of the materials for every floor, wall and object hue.

    Returns
    -------
    ndarray of float32, shape (1000, 5, 3)
        RGB in 0…255; the object's hue varies fastest.
    """
    hues = np.array([colorsys.hsv_to_rgb(h / HUES, 1, 1) for h in range(HUES)]) * 255
    colours = np.empty((HUES, HUES, HUES, len(MATERIALS), 3), np.float32)
    colours[..., 0, :] = hues[:, None, None]
    colours[..., 1, :] = hues[None, :, None]
    colours[..., 2, :] = hues[None, None, :]
    colours[..., 3, :] = SKY
    colours[..., 4, :] = 255
    return colours.reshape(-1, len(MATERIALS), 3)


def load(folder, report=None):
    """Load `rooms3d`, tracing its templates at the first time.

    Parameters
    ----------
    folder : Path
        The data folder, which gets a copy of the 480 templates, 10 MB.
    report : callable, optional
        Called with (templates done, templates in all) when they have been traced.

    Returns
    -------
    Dataset
        Memory-mapped; 480,000 images.
    """
    entry = BUILT_IN["rooms3d"]
    identity = {
        "name": entry.name,
        "version": RENDERER_VERSION,
        "kind": "re-rendered",
        "renderer": f"benchmark.datasets.rooms3d {RENDERER_VERSION}",
        "grid": dict(zip(entry.factor_names, entry.factor_sizes, strict=True)),
    }
    templates = copies.open_or_write(
        storage.rendered_file(entry.name, folder),
        (len(SCALES) * len(SHAPES) * len(ANGLES), len(MATERIALS), SIDE, SIDE),
        identity,
        lambda: [render_templates()],
        entry.name,
        report,
    )
    return Dataset(
        name=entry.name,
        version=RENDERER_VERSION,
        factor_names=entry.factor_names,
        factor_sizes=entry.factor_sizes,
        source=ImageSource("templates", templates, (SIDE, SIDE, 3), palette()),
        identity=identity,
        notes=NOTES,
        factor_kinds=entry.factor_kinds,
    )


class _View:
    """The empty room from one camera position, ready to have an object put in."""

    def __init__(self, angle):
        self.camera = np.array(
            (
                CAMERA_DISTANCE * math.sin(angle),
                -CAMERA_DISTANCE * math.cos(angle),
                CAMERA_HEIGHT,
            )
        )
        forward = np.array((0.0, 0.0, TARGET_HEIGHT)) - self.camera
        forward /= np.linalg.norm(forward)
        self.rays = _rays(forward)
        distance, axis = self._leave_room()
        self.points = self.camera[:, None] + distance * self.rays
        floor = (axis == 2) & (self.rays[2] < 0)
        sky = ~floor & ((axis == 2) | (self.points[2] > WALL_HEIGHT))
        corner = np.hypot(self.points[0] / ROOM + 0.40, self.points[1] / ROOM + 0.40)
        self.floor = np.where(floor, 0.999 - 0.374 * np.maximum(0, corner - 0.6) ** 2, 0)
        facing = np.abs(forward)[np.minimum(axis, 1)]
        self.wall = np.where(floor | sky, 0, np.minimum(1, 0.483 + 0.564 * facing))
        self.sky = sky.astype(float)
        self.on_floor = np.flatnonzero(floor)

    def _leave_room(self):
        """Distance along every ray to where it leaves the room, and the axis of that side."""
        with np.errstate(divide="ignore"):
            sides = (np.sign(self.rays[:2]) * ROOM - self.camera[:2, None]) / self.rays[:2]
            floor = np.where(self.rays[2] < 0, -self.camera[2] / self.rays[2], np.inf)
        candidates = np.vstack((sides, floor))
        axis = candidates.argmin(axis=0)
        return candidates.min(axis=0), axis

    def template(self, shape, scale):
        """Material weights with an object in the room; uint8 (5, 64, 64)."""
        centre = np.array((0.0, 0.0, ELEVATION[shape] * scale))[:, None]
        distance, normal = _hit(shape, scale, self.camera[:, None] - centre, self.rays)
        seen = np.isfinite(distance)
        ground = self.points[:, self.on_floor] - centre
        shadow, _ = _hit(shape, scale, ground, np.broadcast_to(LIGHT[:, None], ground.shape))
        floor = self.floor.copy()
        floor[self.on_floor[np.isfinite(shadow)]] *= SHADOW

        light = np.maximum(0, np.einsum("c,cp->p", LIGHT, normal))
        frontal = np.maximum(0, -np.einsum("cp,cp->p", normal, self.rays))
        brightness = 0.397 + 0.547 * light + 0.534 * frontal
        highlight = np.minimum(0.25, 0.35 * np.maximum(0, brightness - 1))
        weights = np.stack(
            (
                np.where(seen, 0, floor),
                np.where(seen, 0, self.wall),
                np.where(seen, np.minimum(1, brightness), 0),
                np.where(seen, 0, self.sky),
                np.where(seen, highlight, 0),
            )
        )
        rays = weights.reshape(len(MATERIALS), SIDE, RAYS_A_SIDE, SIDE, RAYS_A_SIDE)
        return np.rint(np.clip(rays.mean(axis=(2, 4)), 0, 1) * 255).astype(np.uint8)


def _rays(forward):
    """Unit directions of all rays, row by row from the upper left; (3, 128·128)."""
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    count = SIDE * RAYS_A_SIDE
    step = ((np.arange(count) + 0.5) / RAYS_A_SIDE - SIDE / 2) / FOCAL_LENGTH
    rays = (
        forward[:, None, None]
        + right[:, None, None] * step[None, None, :]
        - up[:, None, None] * step[None, :, None]
    ).reshape(3, -1)
    return rays / np.linalg.norm(rays, axis=0)


def _hit(shape, scale, origin, direction):
    """Where rays enter an object around the origin.

    Parameters
    ----------
    shape : str
        Out of ``SHAPES``.
    scale : float
        Its size.
    origin, direction : ndarray, shape (3, P) or (3, 1)
        Rays from outside the object; directions are unit vectors.

    Returns
    -------
    distance : ndarray, shape (P,)
        Along the ray; infinite where it misses.
    normal : ndarray, shape (3, P)
        Outward unit normal; meaningless where the ray misses.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if shape == "cube":
            return _hit_box(origin, direction, CUBE_HALF_SIDE * scale)
        if shape == "sphere":
            return _hit_sphere(origin, direction, SPHERE_RADIUS * scale)
        if shape == "cylinder":
            radius, half = CYLINDER_RADIUS * scale, CYLINDER_HALF_HEIGHT * scale
            return _hit_cylinder(origin, direction, radius, half)
        return _hit_pill(origin, direction, PILL_RADIUS * scale, PILL_HALF_LENGTH * scale)


def _slab(origin, direction, half):
    """Distances at which rays enter and leave ``|x| ≤ half`` along one coordinate."""
    one, other = (-half - origin) / direction, (half - origin) / direction
    return np.fmin(one, other), np.fmax(one, other)


def _quadratic(origin, direction, radius):
    """Distances at which rays enter and leave a ball, or a tube where two coordinates come."""
    a = np.einsum("cp,cp->p", direction, direction)
    b = (origin * direction).sum(axis=0)
    c = (origin * origin).sum(axis=0) - radius**2
    root = np.sqrt(b * b - a * c)
    return (-b - root) / a, (-b + root) / a


def _entered(enter, leave):
    return np.where((enter <= leave) & (enter > 0), enter, np.inf)


def _hit_box(origin, direction, half):
    enter, leave = _slab(origin, direction, half)
    axis = np.argmax(enter, axis=0)
    normal = -np.sign(direction) * (np.arange(3)[:, None] == axis)
    return _entered(enter.max(axis=0), leave.min(axis=0)), normal


def _hit_sphere(origin, direction, radius):
    distance = _entered(*_quadratic(origin, direction, radius))
    return distance, (origin + np.where(np.isinf(distance), 0, distance) * direction) / radius


def _hit_cylinder(origin, direction, radius, half):
    side, side_end = _quadratic(origin[:2], direction[:2], radius)
    cap, cap_end = _slab(origin[2], direction[2], half)
    distance = _entered(np.maximum(side, cap), np.minimum(side_end, cap_end))
    around = (origin + np.where(np.isinf(distance), 0, distance) * direction) / radius
    around[2] = 0
    top = np.zeros_like(around)
    top[2] = -np.sign(direction[2])
    return distance, np.where(cap > side, top, around)


def _hit_pill(origin, direction, radius, half):
    side, side_end = _quadratic(origin[:2], direction[:2], radius)
    straight = np.abs(origin[2] + side * direction[2]) <= half
    distance = np.where(straight, _entered(side, side_end), np.inf)
    for end in (-half, half):
        shifted = origin - np.array((0.0, 0.0, end))[:, None]
        distance = np.minimum(distance, _entered(*_quadratic(shifted, direction, radius)))
    point = origin + np.where(np.isinf(distance), 0, distance) * direction
    point[2] -= np.clip(point[2], -half, half)
    return distance, point / radius
