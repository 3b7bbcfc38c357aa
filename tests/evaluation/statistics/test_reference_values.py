import pytest
from pandas import DataFrame, isna

from disentanglement_bench.evaluation.files import write_json
from disentanglement_bench.evaluation.scoring.score_files import scores_folder
from disentanglement_bench.evaluation.statistics.reference_values import add_identifiable
from disentanglement_bench.evaluation.statistics.run_table import run_table


def runs_of(folder, references):
    """Scored runs of one data set each, whose MIG has these reference values."""
    rows = []
    for i, reference in enumerate(references):
        file = folder / f"{i}.h5"
        rows.append({"path": file.name, "file": str(file), "folder": str(folder), "seed": i})
        record = {"schema_version": 1, "metric": "mig", "variant": "mig[x]", "status": "done"}
        record |= {"values": {"mig": 0.1}, "reasons": {}, "request": {}, "source": {}}
        record |= {"representation": {}, "reference": reference}
        write_json(scores_folder(file) / "mig.json", record)
    return run_table(DataFrame(rows).assign(dataset=[f"d{i}" for i in range(len(rows))]))


@pytest.mark.parametrize(
    "reference",
    [
        {"without_unidentifiable": {"factors": ["orientation"], "value": 0.3}},
        {"without_orientation": 0.3},
    ],
    ids=["declared", "of version 0.1.0"],
)
def test_mig_over_identifiable_factors_is_added_where_the_data_declare_others(tmp_path, reference):
    runs = add_identifiable(runs_of(tmp_path, [reference, {}]))
    assert runs["mig_identifiable"].tolist()[0] == 0.3
    assert isna(runs["mig_identifiable"].tolist()[1])
    assert runs.attrs["unidentifiable"] == {"d0": "orientation"}


@pytest.mark.parametrize(
    "reference", [{}, {"without_unidentifiable": 3}, {"without_unidentifiable": {"factors": "x"}}]
)
def test_nothing_is_added_elsewhere(tmp_path, reference):
    assert "mig_identifiable" not in add_identifiable(runs_of(tmp_path, [reference]))
