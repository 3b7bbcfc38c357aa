import pytest
from click.testing import CliRunner

from disentanglement_bench.benchmark.commands.train import command
from disentanglement_bench.benchmark.protocol.request import TrainRequest
from disentanglement_bench.benchmark.workers import estimate
from disentanglement_bench.benchmark.workers.estimate import (
    count_steps_left,
    find_stack,
    make_noise,
    show_estimate,
)
from disentanglement_bench.benchmark.workers.measuring import Measurement
from disentanglement_bench.benchmark.workers.progress import format_seconds


class Fixed:
    """Workers that measure what they are told: seconds of a run-step by size."""

    asked = None
    seconds = None
    error = ""

    def __init__(self, settings):
        self.settings = settings

    def __len__(self):
        return len(self.settings)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return None

    def measure(self, specs, sizes, seconds):
        self.asked.append((specs, sizes, seconds))
        if self.error and specs[0].model.name == "factorvae":
            return [(Measurement(1, float("inf"), 0, error=self.error),)] * len(self)
        each = [Measurement(n, self.seconds[n], n * 10**6) for n in sizes if n in self.seconds]
        return [tuple(each)] * len(self)


@pytest.fixture
def fixed(monkeypatch):
    monkeypatch.setattr(estimate, "MeasuringWorkers", Fixed)
    monkeypatch.setattr(Fixed, "asked", [])
    monkeypatch.setattr(Fixed, "seconds", {1: 0.01})
    return Fixed


@pytest.fixture
def show(fixed, tmp_path, capsys):
    """Print the estimate of a request; its lines."""

    def make(**options):
        request = {
            "device": "cpu",
            "jobs": 2,
            "results": str(tmp_path / "results"),
            "data_dir": str(tmp_path / "data"),
        }
        show_estimate(TrainRequest(**{**request, **options}))
        return capsys.readouterr().out.splitlines()

    return make


def cells(lines, *beginning):
    """The cells of the row that begins so."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]
    (row,) = [row for row in rows if row[: len(beginning)] == list(beginning)]
    return row[len(beginning) :]


def test_the_paper_is_estimated_without_its_data(show, tmp_path):
    lines = show(preset="paper", models=("lambdabeta", "factorvae"), seeds=(0, 1))
    # 10 parents of 150,000 steps and 50 children of 50,000, at 200 run-steps/s of two workers.
    for name in ("dsprites", "shapes3d", "mpi3d_real"):
        row = cells(lines, name, "betavae, lambdabeta")
        assert row == ["60", "4,000,000", "1", "200", "1 MB", "5 h 33 min"]
        row = cells(lines, name, "factorvae")
        assert row == ["12", "2,400,000", "1", "200", "1 MB", "3 h 20 min"]
    assert "216 runs, 26 h 40 min in all." in lines
    assert not (tmp_path / "results").exists()
    assert not (tmp_path / "data").exists()


def test_data_sets_of_equal_images_are_measured_once(show, fixed):
    show(preset="paper", models=("betavae",))
    shapes = [specs[0].dataset for specs, *_ in fixed.asked]
    assert shapes == ["dsprites", "shapes3d"]


def test_stacks_are_chosen_and_runs_without_a_family_stay_alone(show, fixed, monkeypatch):
    monkeypatch.setattr(fixed, "seconds", {1: 0.01, 2: 0.009, 4: 0.005, 8: 0.0051})
    lines = show(models=("betavae", "factorvae"), stack="auto")
    assert cells(lines, "sprites-small", "betavae")[2:5] == ["4", "400", "4 MB"]
    assert cells(lines, "sprites-small", "factorvae")[2:5] == ["1", "200", "1 MB"]
    by_model = {specs[0].model.name: sizes for specs, sizes, _ in fixed.asked}
    assert by_model == {"betavae": (1, 2, 4, 8), "factorvae": (1,)}


def test_a_number_of_runs_together_is_taken_as_it_is_given(show, fixed, monkeypatch):
    monkeypatch.setattr(fixed, "seconds", {1: 0.01, 3: 0.02})
    lines = show(models=("betavae",), stack=3)
    assert cells(lines, "sprites-small", "betavae")[2:4] == ["3", "100"]


def test_no_stack_is_larger_than_a_workers_share_of_the_runs(show, fixed):
    show(models=("betavae",), betas=(1.0, 2.0, 4.0), seeds=(0,), stack=8)
    ((specs, sizes, _),) = fixed.asked
    assert sizes == (1, 2)
    assert len(specs) == 2


def test_what_cannot_be_measured_is_said_and_not_counted(show, fixed, monkeypatch):
    monkeypatch.setattr(fixed, "error", "out of memory")
    lines = show(models=("betavae", "factorvae"))
    assert cells(lines, "sprites-small", "factorvae")[2:] == ["", "", "", "not measured"]
    assert "factorvae could not be measured: out of memory" in lines
    assert any(line.startswith("25 runs, ") for line in lines)


def test_settings_that_change_the_cost_have_rows_of_their_own(show):
    lines = show(models=("betavae",), settings=(("latent_size", "5,10,20"),))
    for model in ("betavae", "betavae latent_size=5", "betavae latent_size=20"):
        assert cells(lines, "sprites-small", model)[0] == "25"


def test_steps_that_a_checkpoint_holds_are_not_counted(store, plan):
    parent, child, _ = plan()
    assert (count_steps_left(parent, store), count_steps_left(child, store)) == (6, 4)
    for spec, last in ((parent, 3), (child, 9)):
        folder = store.folder(spec)
        folder.path.mkdir(parents=True)
        folder.write_text("training.csv", f"step,nll\n2,1.5\n{last},1.25\n")
        assert count_steps_left(spec, store) == spec.own_steps, "without a checkpoint"
        folder.checkpoint.touch()
    assert (count_steps_left(parent, store), count_steps_left(child, store)) == (3, 1)


@pytest.mark.parametrize("text", ["", "step\n", "step\nx,1\n", "step\n99999\n", "step\n1\n"])
def test_a_damaged_log_ends_no_estimate(store, plan, text):
    *_, child = plan()
    folder = store.folder(child)
    folder.path.mkdir(parents=True)
    folder.checkpoint.touch()
    folder.write_text("training.csv", text)
    assert count_steps_left(child, store) in (0, child.own_steps)


def test_noise_has_the_shape_of_the_data_and_enough_images(plan):
    specs = plan(models=("betavae",), settings=(("batch_size", "3000"),))
    noise = make_noise("shapes3d", specs, None)
    assert noise.source.image_shape == (64, 64, 3)
    assert 3000 <= len(noise.source) <= 2 * 3000
    assert noise.grid_sizes is not None


def test_the_stack_that_is_measured_is_the_one_with_most_to_do(plan):
    parent, *children = specs = plan(seeds=(0,))
    together = find_stack(specs, {parent: 6, **dict.fromkeys(children, 4)})
    assert together == children
    assert find_stack(specs, {parent: 9, **dict.fromkeys(children, 4)}) == [parent]


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_an_estimate_trains_nothing(fixed, tmp_path, dry):
    results = tmp_path / "results"
    arguments = ["--model", "betavae", "--device", "cpu", "--estimate", *dry]
    done = CliRunner().invoke(command, [*arguments, "--results", str(results)])
    assert done.exit_code == 0, done.output
    assert "25 runs, " in done.output
    assert " in all." in done.output
    assert not results.exists()


@pytest.mark.slow
def test_an_estimate_measures_in_processes(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(estimate, "SECONDS", 2)
    monkeypatch.setattr(estimate, "LEAST_SECONDS", 2)
    request = TrainRequest(
        models=("betavae",), device="cpu", jobs=2, stack=2, results=str(tmp_path / "results")
    )
    show_estimate(request)
    lines = capsys.readouterr().out.splitlines()
    runs, steps, together, speed, _, time = cells(lines, "sprites-small", "betavae")
    assert (runs, steps, together) == ("25", "75,000", "2")
    seconds = 75_000 / float(speed.replace(",", ""))
    # The speed is rounded in the table.
    assert time in {format_seconds(factor * seconds) for factor in (0.98, 1, 1.02)}
