import pandas as pd

from disentanglement_bench.benchmark.reporting.reproduction import _read_records


def test_rows_whose_folder_is_unknown_have_no_record():
    # As of a scores.csv in which files from elsewhere have a status of training.
    runs = pd.DataFrame({"run_status": ["done", "done"], "folder": [float("nan"), None]})
    assert _read_records(runs) == []
