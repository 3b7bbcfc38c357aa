"""Hostile files beside good ones: each costs one line, and the good ones are scored.

The seed of every file is fixed. A few dozen are tried in plain `pytest`, hundreds with `-m slow`.
"""

import copy
import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
import zlib

import h5py
import numpy as np
import pytest

from disentanglement_bench.evaluation import Shared, write_representation
from disentanglement_bench.evaluation.files import RecordError
from disentanglement_bench.evaluation.scoring.run_records import read_run
from disentanglement_bench.evaluation.scoring.score_files import load_score, read_score

ROWS = 60
GIB = 2**30


def good_arrays(seed=0):
    stream = np.random.default_rng(seed)
    factors = stream.integers(0, 3, (ROWS, 2))
    return factors + stream.normal(size=(ROWS, 2)), factors


def originals(folder):
    """Good files of every kind, to be mutated."""
    codes, factors = good_arrays()
    options = {
        "factor_names": ["shape", "scale"],
        "dataset": "toy",
        "log_variances": np.zeros_like(codes),
        "attributes": {"note": "x" * 40, "beta": 4.0},
        "factor_kinds": ["nominal", "ordinal"],
        "shared": Shared(codes[:20], np.arange(20), np.zeros((20, 2))),
    }
    write_representation(folder / "plain.h5", codes, factors, **options)
    write_representation(folder / "plain.npz", codes, factors, **options)
    np.savez_compressed(folder / "packed.npz", codes=codes, factors=factors)
    with h5py.File(folder / "packed.h5", "w") as file:
        for name, array in (("codes", codes), ("factors", factors)):
            file.create_dataset(
                name, data=array, chunks=(16, 2), compression="gzip", shuffle=True, fletcher32=True
            )
        file.attrs["factor_names"] = ["shape", "scale"]
    return sorted(folder.iterdir())


def mutate(content, stream):
    """Change a few bytes, cut, repeat or swap parts."""
    content = bytearray(content)
    kind = stream.integers(6)
    if kind == 0:
        return bytes(content[: stream.integers(len(content))])
    if kind == 1:
        at, length = stream.integers(len(content)), stream.integers(1, 200)
        return bytes(content[:at] + content[at : at + length] * 2 + content[at:])
    if kind == 2:
        at, length = stream.integers(len(content)), stream.integers(1, 64)
        content[at : at + length] = stream.bytes(len(content[at : at + length]))
        return bytes(content)
    for at in stream.integers(0, len(content), stream.integers(1, 9)):
        content[at] = (0x00, 0xFF, content[at] ^ 1 << stream.integers(8))[stream.integers(3)]
    return bytes(content)


class Bomb:
    """Unpickling it leaves a trace."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def hostile_hdf5(folder):
    """Structured HDF5 files, each made to break something."""
    codes, factors = good_arrays()

    def begin(name):
        file = h5py.File(folder / f"{name}.h5", "w")
        file["factors"] = factors
        return file

    with begin("dtype-text") as file:
        file["codes"] = np.array([[b"a", b"b"]] * ROWS)
    with begin("dtype-complex") as file:
        file["codes"] = codes.astype(complex)
    with begin("dtype-record") as file:
        file["codes"] = np.zeros(ROWS, [("a", "f4")])
    with begin("dtype-reference") as file:
        file.create_dataset("codes", data=[[file.ref] * 2] * ROWS, dtype=h5py.ref_dtype)
    with begin("dtype-ragged") as file:
        ragged = file.create_dataset("codes", (ROWS,), dtype=h5py.vlen_dtype(np.float32))
        ragged[0] = [1.0, 2.0]
    with begin("huge-declared") as file:
        file.create_dataset("codes", (2**40, 2**20), "f8", chunks=(1024, 16))
    with begin("huge-chunk") as file:
        data = file.create_dataset(
            "codes", (ROWS, 2), "f4", chunks=(2**14, 2**14), maxshape=(None, None)
        )
        data.id.write_direct_chunk((0, 0), b"\0" * 8)
    with begin("bomb") as file:
        del file["factors"]
        for name in ("codes", "factors", "log_variances"):
            file.create_dataset(name, data=np.zeros((2**22, 6), "i1"), compression="gzip")
    with begin("bomb-within-limits") as file:
        del file["factors"]
        for name in ("codes", "factors"):
            file.create_dataset(name, data=np.zeros((2**20, 3), "i1"), compression="gzip")
    with begin("bomb-in-a-chunk") as file:
        data = file.create_dataset("codes", (ROWS, 2), "f4", chunks=(ROWS, 2), compression="gzip")
        data.id.write_direct_chunk((0, 0), zlib.compress(bytes(2**28), 9))
    with begin("chunk-too-short") as file:
        data = file.create_dataset("codes", (2**16, 2), "f8", chunks=(2**16, 2), compression="gzip")
        data.id.write_direct_chunk((0, 0), zlib.compress(b"short"))
        del file["factors"]
        file["factors"] = np.zeros((2**16, 1), int)
    with begin("link-soft") as file:
        file["codes"] = h5py.SoftLink("/factors")
    with begin("link-loop") as file:
        file["codes"] = h5py.SoftLink("/codes")
    with begin("link-external") as file:
        file["codes"] = h5py.ExternalLink("/etc/passwd", "/codes")
    with begin("external") as file:
        file.create_dataset("codes", (ROWS, 2), "f4", external=[("/etc/passwd", 0, ROWS * 8)])
    with begin("virtual") as file:
        layout = h5py.VirtualLayout((ROWS, 2), "f4")
        layout[:] = h5py.VirtualSource("/etc/passwd", "codes", (ROWS, 2))
        file.create_virtual_dataset("codes", layout)
    with begin("group") as file:
        file.create_group("codes")
    with begin("empty") as file:
        file["codes"] = h5py.Empty("f4")
    with begin("attribute-scalar-names") as file:
        file["codes"] = codes
        file.attrs["factor_names"] = 3
    with begin("attribute-unicode") as file:
        file["codes"] = codes
        file.attrs["dataset"] = "\u202e\U0001f600" * 4000
    with begin("attribute-escape") as file:
        file["codes"] = codes
        file.attrs["\x1b[31mred\n"] = 1
    with begin("attribute-record") as file:
        file["codes"] = codes
        file.attrs["note"] = np.zeros(3, [("a", "f4")])
    with begin("attributes-many") as file:
        file["codes"] = codes
        for k in range(1100):
            file.attrs[f"a{k}"] = k
    shared_blocks = {
        "shared-link": {"shared": h5py.ExternalLink("/etc/passwd", "/")},
        "shared-loop": {"shared": h5py.SoftLink("/shared")},
        "shared-array": {"shared": codes},
        "shared-member": {"shared/codes": h5py.SoftLink("/codes")},
        "shared-half": {"shared/codes": codes},
        "shared-rows": {"shared/codes": codes, "shared/index": np.arange(3)},
        "shared-text": {"shared/codes": np.array([[b"a", b"b"]]), "shared/index": [0]},
        "shared-nan": {"shared/codes": codes * np.nan, "shared/index": np.arange(ROWS)},
    }
    for name, block in shared_blocks.items():
        with begin(name) as file:
            file["codes"] = codes
            for place, content in block.items():
                file[place] = content
    with begin("shared-bomb") as file:
        file["codes"], file["shared/index"] = codes, np.arange(2**22)
        file.create_dataset("shared/codes", data=np.zeros((2**22, 17), "i1"), compression="gzip")
    write_representation(
        folder / "heap-loop.h5", codes, factors, factor_names=["a", "b"], attributes={"n": "x" * 50}
    )
    content = bytearray((folder / "heap-loop.h5").read_bytes())
    content[content.index(b"GCOL") + 24] = 0xFF
    (folder / "heap-loop.h5").write_bytes(content)


def hostile_npz(folder, mark):
    """Structured `.npz` files, each made to break something."""
    codes, factors = good_arrays()

    def save(name, **arrays):
        np.savez_compressed(folder / f"{name}.npz", **{"codes": codes, "factors": factors} | arrays)

    save("pickle", codes=np.array([[Bomb(mark)]], dtype=object))
    save("pickle-attribute", note=np.array(Bomb(mark), dtype=object))
    save("text-bomb", note=np.zeros(64, "<U1000000"))
    save("bomb", codes=np.zeros((2**22, 17), "i1"), factors=np.zeros((2**22, 1), "i1"))
    save("unicode", dataset="\ud7ff\u2028\x1b[31m" * 10_000)
    save("names", factor_names=[["a"], ["b"]])
    save("rows", factors=factors[:-1])
    save("nan", codes=codes * np.nan)
    save("classes", factors=factors * 1e9)
    save("sizes", factor_sizes=[3, -1])
    save("kinds", factor_kinds=["\x1b[31m\n", "ordinal"])
    save("continuous-nan", factors=factors + np.nan)
    save("shared-pickle", shared_codes=np.array([[Bomb(mark)]], dtype=object), shared_index=[0])
    save("shared-bomb", shared_codes=np.zeros((2**22, 17), "i1"), shared_index=np.arange(2**22))

    def archive(name, **members):
        with zipfile.ZipFile(folder / f"{name}.npz", "w", zipfile.ZIP_DEFLATED) as file:
            for member, content in members.items():
                file.writestr(f"{member}.npy", content)

    def array(header, data=b""):
        text = header.encode() + b"\n"
        return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data

    buffer = io.BytesIO()
    np.save(buffer, factors)
    plain = buffer.getvalue()
    archive("raw-pickle", codes=pickle.dumps(Bomb(mark)), factors=plain)
    archive("code", codes=array("__import__('os').abort()"), factors=plain)
    archive("nested", codes=array("[" * 9000), factors=plain)
    shapes = ("(-1, 2)", "(10**9, 10**9)", f"({2**80}, 2)", "(True, 2)", "('a', 2)", "()")
    for k, shape in enumerate(shapes):
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}"
        archive(f"shape-{k}", codes=array(header, bytes(64)), factors=plain)
    archive("many", **{f"m{k}": plain for k in range(1200)})


def hostile_others(folder):
    """What only looks like a representation."""
    (folder / "empty.h5").touch()
    (folder / "text.npz").write_text("hello")
    (folder / "folder.h5").mkdir()
    (folder / "dangling.npz").symlink_to(folder / "nowhere")
    (folder / "loop.h5").symlink_to(folder / "loop.h5")
    (folder / "device.h5").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.npz")
    (folder / "zip-of-nothing.npz").write_bytes(b"PK\x05\x06" + bytes(18))
    for name in (b"undecodable-\xff.h5", b"escape-\x1b[31m\r\n.h5"):
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            file.write(b"nothing")


CODE = """
import resource, sys, time
from disentanglement_bench.benchmark.commands.evaluate import evaluate
code = evaluate(sys.argv[1:], metrics=("mig", "sap_continuous"), jobs=2, time_limit=3)
print("PEAK", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024, file=sys.stderr)
sys.exit(code)
"""


def evaluate(folder):
    """Score a folder in a process of its own; what it said, and its workers' peak memory."""
    result = subprocess.run(
        [sys.executable, "-c", CODE, str(folder)], capture_output=True, check=False, timeout=900
    )
    out, error = result.stdout.decode(), result.stderr.decode()
    assert "Traceback" not in error, error
    assert result.returncode == 1
    *lines, peak = error.splitlines()
    assert int(peak.removeprefix("PEAK ")) < GIB
    first = next(k for k, line in enumerate(lines) if line.startswith("Error: could not be scored"))
    problems = lines[first + 1 :]
    for text in (out, error):
        assert all(character == "\n" or character.isprintable() for character in text)
    assert all(line.startswith("  ") and len(line) < 310 for line in problems)
    assert lines[first] == f"Error: could not be scored ({len(problems)}):"
    return problems


def write_good(folder):
    for seed, name in enumerate(("a-good.h5", "m-good.npz", "z-good.h5")):
        write_representation(folder / name, *good_arrays(seed))


def check_good(folder):
    for name in ("a-good", "m-good", "z-good"):
        assert read_score(folder / f"{name}.scores/mig.json")["values"]["mig"] is not None
    with open(folder / "scores.csv", newline="") as file:
        text = file.read()
    assert "z-good.h5" in text
    assert not list(folder.rglob("*.tmp"))


@pytest.mark.slow
def test_structured_files(tmp_path):
    mark = tmp_path / "exploded"
    folder = tmp_path / "in"
    folder.mkdir()
    hostile_hdf5(folder)
    hostile_npz(folder, mark)
    hostile_others(folder)
    harmless = {"classes.npz", "bomb-within-limits.h5", "bomb-in-a-chunk.h5"}
    broken = {os.fsencode(path.name) for path in folder.iterdir()} - set(map(os.fsencode, harmless))
    write_good(folder)
    problems = evaluate(folder)
    assert not mark.exists()
    check_good(folder)
    named = [line for line in problems if not any(name in line for name in harmless)]
    assert len(named) == len(broken)
    assert sum("takes longer than" in line for line in named) == 1


@pytest.mark.parametrize(
    "count", [40, pytest.param(400, marks=pytest.mark.slow)], ids=["tens", "hundreds"]
)
def test_mutated_files(tmp_path, count):
    (tmp_path / "from").mkdir()
    folder = tmp_path / "in"
    folder.mkdir()
    sources = originals(tmp_path / "from")
    stream = np.random.default_rng(2026)
    for k in range(count):
        source = sources[k % len(sources)]
        (folder / f"{k:03}{source.suffix}").write_bytes(mutate(source.read_bytes(), stream))
    write_good(folder)
    problems = evaluate(folder)
    check_good(folder)
    assert len(problems) >= count // 3
    assert len({line.split(": ")[0] for line in problems}) == len(problems)


ODD_VALUES = (
    None,
    True,
    -1,
    0,
    2**63,
    10**30,
    1e308,
    float("inf"),
    "",
    "x" * 300,
    "\x1b[31m\n",
    "\ud800",
    "=1+1",
    [],
    ["a", 1],
    [[[[1]]]],
    {},
    {"a": {"b": [None]}},
    {"\x1b": 1},
    {"": ""},
)


def places(value, here=()):
    """Every place in a record, outermost first."""
    yield here
    pairs = value.items() if isinstance(value, dict) else ()
    for key, entry in pairs:
        yield from places(entry, (*here, key))


def odd_records(record, count, seed):
    """The text of records in which one or two places hold something odd."""
    stream = np.random.default_rng(seed)
    found = list(places(record))
    for _ in range(count):
        changed = json.loads(json.dumps(record))
        for _ in range(stream.integers(1, 3)):
            *outer, last = found[stream.integers(1, len(found))]
            value = ODD_VALUES[stream.integers(len(ODD_VALUES))]
            target = changed
            for key in outer:
                target = target.get(key, {}) if isinstance(target, dict) else {}
            if isinstance(target, dict):
                target[last] = copy.deepcopy(value)
        text = json.dumps(changed).encode("utf-8", "surrogatepass")
        yield mutate(text, stream) if stream.integers(4) == 0 else text
    for text in ("[" * 10**5, "1" * 5000, '{"a":' * 3000, '"\\ud800"', "nul", "\x00", "[]", "3"):
        yield text.encode()
        yield json.dumps(record).replace(": 1", f": {text}", 1).encode()


RECORD = {
    "schema_version": 1,
    "status": "done",
    "reason": "",
    "run": {
        "dataset": "toy",
        "preset": "quick",
        "tag": "",
        "model": "lambdabeta",
        "hyperparameters": {"beta": 4.0, "lambda": 2.0, "gamma": 7},
        "init": "parent",
        "seed": 0,
    },
    "config": {"model": "models.lambda_beta_vae:LambdaBetaVAE", "phases": [2000, 700]},
    "config_sha256": "0" * 64,
    "parent": {"path": "a/b", "config_sha256": "0" * 64},
    "dataset": {"name": "toy", "version": "1", "kind": "own", "grid": {"a": [1, 2]}},
    "notes": ["a note"],
    "pixels": 1024,
    "command": "bench train",
    "seconds": 1.5,
    "final": {"nll": 10.5, "kl": 3.0, "active_units": 2},
}


@pytest.mark.parametrize(
    "count", [300, pytest.param(5000, marks=pytest.mark.slow)], ids=["hundreds", "thousands"]
)
def test_run_records(tmp_path, count):
    refused = 0
    for text in odd_records(RECORD, count, seed=1):
        (tmp_path / "run.json").write_bytes(text)
        try:
            record = read_run(tmp_path)
        except RecordError as error:
            refused += 1
            message = str(error).removeprefix(str(tmp_path))
            assert message.isprintable()
            assert len(message) < 400
        else:
            json.dumps(record, allow_nan=False, ensure_ascii=False).encode()
    assert count // 3 < refused < count + 16


@pytest.mark.parametrize(
    "count", [300, pytest.param(5000, marks=pytest.mark.slow)], ids=["hundreds", "thousands"]
)
def test_score_files(tmp_path, count):
    from disentanglement_bench.evaluation import evaluate_paths

    write_representation(tmp_path / "a.h5", *good_arrays(), attributes={"note": "x"})
    evaluate_paths(tmp_path, metrics=["mig"])
    path = tmp_path / "a.scores/mig.json"
    original = json.loads(path.read_text())
    refused = 0
    for text in odd_records(original, count, seed=2):
        path.write_bytes(text)
        try:
            record = load_score(path)
        except RecordError as error:
            refused += 1
            message = str(error).removeprefix(str(path))
            assert message.isprintable()
            assert len(message) < 400
        else:
            assert set(record["values"]) <= {"mig"}
            for value in record["values"].values():
                assert value is None or 0 <= value <= 1 + 1e-6
    assert count // 3 < refused < count + 16


def test_records_and_scores_beside_good_files(tmp_path):
    """The whole command over folders whose records and scores are odd."""
    for k, text in enumerate(odd_records(RECORD, 10, seed=3)):
        write_representation(tmp_path / f"runs/{k:02}/representation.h5", *good_arrays(k))
        (tmp_path / f"runs/{k:02}/run.json").write_bytes(text)
    write_good(tmp_path)
    evaluate(tmp_path)
    original = json.loads((tmp_path / "a-good.scores/mig.json").read_text())
    for k, text in enumerate(odd_records(original, 10, seed=4)):
        (tmp_path / f"runs/{k:02}/scores/mig.json").write_bytes(text)
        (tmp_path / f"runs/{k:02}/scores/mine.other.json").write_bytes(text)
    (tmp_path / "runs/00/scores/folder.json").mkdir()
    os.mkfifo(tmp_path / "runs/00/scores/pipe.json")
    evaluate(tmp_path)
    check_good(tmp_path)


PLUGINS = {
    "raises": "raise {error}('\\x1b[31mred\\n' * 1000)",
    "exits": "import sys; sys.exit(0)",
    "shouts": "print('\\x1b[31m' * 1000); metric = 3",
    "syntax": "def metric(:",
    "nothing": "",
    "null": "metric = None",
    "lying": "class Metric:\n  def __getattr__(self, name): raise SystemExit\nmetric = Metric()",
}
ERRORS = ("ValueError", "KeyboardInterrupt", "MemoryError", "RecursionError", "BaseException")


@pytest.mark.parametrize("name", [*PLUGINS, *ERRORS])
def test_plugins(tmp_path, capfd, name):
    from click.testing import CliRunner

    from disentanglement_bench.benchmark.commands.evaluate import command
    from disentanglement_bench.benchmark.errors import BenchError

    text = PLUGINS.get(name, PLUGINS["raises"].format(error=name))
    (tmp_path / "plugin.py").write_text(text)
    write_representation(tmp_path / "a.h5", *good_arrays())
    arguments = [str(tmp_path / "a.h5"), "--metrics", f"mig,{tmp_path}/plugin.py:metric"]
    result = CliRunner().invoke(command, arguments)
    if name == "KeyboardInterrupt":
        assert result.exit_code != 0
        return
    assert isinstance(result.exception, BenchError)
    assert str(result.exception).isprintable()
    assert len(str(result.exception)) < 400
    assert "\x1b" not in result.output + "".join(capfd.readouterr())
