"""The cluster that is started by hand."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slurm, pytest.mark.slow]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def test_a_cluster_that_is_told_to_end_takes_its_daemons_along(cluster_module, number):
    call = [sys.executable, cluster_module.__file__]
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as process:
        export = process.stdout.readline()
        assert "Ctrl-C" in process.stdout.readline()
        folder = Path(export.strip().rpartition("=")[2]).parent
        daemons = [int(path.read_text()) for path in folder.glob("*.pid")]
        process.send_signal(number)
        # Somebody who waits for its end is impatient.
        process.send_signal(number)
        assert process.wait(60) == 0
    assert not folder.exists()
    assert len(daemons) >= 3
    assert not [pid for pid in daemons if Path(f"/proc/{pid}").exists()]
