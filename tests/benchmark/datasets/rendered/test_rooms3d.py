import numpy as np
import pytest

from disentanglement_bench.benchmark.datasets.files import storage
from disentanglement_bench.benchmark.datasets.rendered import rooms3d


@pytest.fixture(scope="module")
def rooms():
    return rooms3d.load(storage.data_folder())


def test_agrees_with_genuine_frames(rooms, reference_file):
    with np.load(reference_file("shapes3d_frames.npz")) as frames:
        genuine, factors = frames["images"], frames["factors"]
    ours = rooms.source.images(np.ravel_multi_index(factors.T, rooms.factor_sizes))
    assert np.abs(ours.astype(float) - genuine).mean() / 255 <= 0.035


def test_the_grid_is_that_of_shapes3d(rooms):
    assert rooms.factor_sizes == (10, 10, 10, 8, 4, 15)
    assert len(rooms) == 480_000
    assert rooms.source.array.shape == (480, 5, 64, 64)
    assert rooms.source.array.nbytes < 10_000_000


def test_every_pixel_is_made_of_something(rooms):
    weights = rooms.source.array.astype(int)
    assert (weights[:, :4].sum(axis=1) > 0).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) <= 255 + 3).all()


@pytest.mark.parametrize(
    ("factor", "material", "others"), [(0, 0, (1, 2)), (1, 1, (0, 2)), (2, 2, (0, 1))]
)
def test_a_hue_colours_its_own_material(rooms, factor, material, others):
    classes = np.array([4, 4, 4, 5, 2, 6])
    pair = np.stack((classes, classes))
    pair[1, factor] = 9
    one, other = rooms.source.images(np.ravel_multi_index(pair.T, rooms.factor_sizes)).astype(int)
    weights = rooms.source.array[np.ravel_multi_index((5, 2, 6), (8, 4, 15))]
    changed = np.abs(one - other).sum(axis=2)
    assert changed[weights[material] > 100].min() > 30
    for unchanged in others:
        pure = (weights[unchanged] > 0) & (weights[material] == 0)
        assert changed[pure].max() == 0


def test_scale_makes_the_object_larger(rooms):
    weights = rooms.source.array.reshape(8, 4, 15, 5, 64, 64)[:, :, :, 2]
    area = (weights > 0).sum(axis=(3, 4))
    assert (np.diff(area, axis=0) > 0).mean() > 0.95
    assert (area[7] > 2 * area[0]).all()


def test_opposite_orientations_mirror_the_room_but_not_the_light():
    templates = rooms3d.render_templates(scales=(1.0,), shapes=("sphere",))
    left, right = templates[0].astype(int), templates[14].astype(int)
    for material in (1, 3):
        difference = np.abs(left[material] - right[material][:, ::-1])
        assert difference.mean() < 0.5
    assert np.abs(left[0] - right[0][:, ::-1]).mean() > 1


def test_a_hit_lies_on_the_surface_with_an_outward_normal():
    rng = np.random.default_rng(0)
    origin = np.array((0.3, -6.0, 1.0))[:, None]
    rays = rng.normal(size=(3, 20_000)) * 0.2 + np.array((0.0, 1.0, -0.15))[:, None]
    rays /= np.linalg.norm(rays, axis=0)
    surfaces = {
        "cube": lambda p: np.abs(p).max(axis=0) - 0.920,
        "sphere": lambda p: np.linalg.norm(p, axis=0) - 1.139,
        "cylinder": lambda p: np.maximum(np.hypot(*p[:2]) - 0.986, np.abs(p[2]) - 0.996),
        "pill": lambda p: np.hypot(np.hypot(*p[:2]), np.maximum(0, np.abs(p[2]) - 0.887)) - 0.862,
    }
    for shape, distance_to in surfaces.items():
        distance, normal = rooms3d._hit(shape, 1.0, origin, rays)
        hit = np.isfinite(distance)
        assert 0.02 < hit.mean() < 0.9
        points = origin + distance[hit] * rays[:, hit]
        assert np.abs(distance_to(points)).max() < 1e-9
        np.testing.assert_allclose(np.linalg.norm(normal[:, hit], axis=0), 1, atol=1e-9)
        assert (distance_to(points + 1e-6 * normal[:, hit]) > 0).all()
        assert ((normal * rays).sum(axis=0)[hit] < 0).all()
        marched = origin + np.linspace(0, 12, 400)[:, None, None] * rays[:, ~hit][:, :500]
        assert (distance_to(np.moveaxis(marched, 1, 0)) > -1e-3).all()


def test_identity_says_that_it_is_rendered(rooms):
    assert rooms.identity["kind"] == "re-rendered"
    assert rooms.identity["grid"]["orientation"] == 15
    assert rooms.notes
