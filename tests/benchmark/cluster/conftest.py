"""Programs of SLURM that answer from a text, for what needs no cluster."""

import stat
import sys

import pytest


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Make a program that is found before any other; it runs Python code."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")

    def make(name, code):
        path = folder / name
        path.write_text(f"#!{sys.executable} -S\nimport os, sys\n{code}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    return make


@pytest.fixture
def fake_slurm(program, tmp_path):
    """A SLURM that numbers what it is given and runs nothing; arrays have at most 3 tasks there.

    Gives a function that returns the scripts it was given, in order.
    """
    given = tmp_path / "given"
    given.mkdir()
    program("scontrol", "print('MaxArraySize            = 1001'); print('x=1,max_array_tasks=3')")
    program("srun", "")
    program(
        "sbatch",
        f"folder = {str(given)!r}\n"
        "number = len(os.listdir(folder)) + 1\n"
        "open(f'{folder}/{number}', 'w').write(open(sys.argv[1]).read())\n"
        "print('Submitted batch job', number)",
    )
    return lambda: [path.read_text() for path in sorted(given.iterdir())]
