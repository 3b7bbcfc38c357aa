import pytest
from pandas import DataFrame, isna

from disentanglement_bench.evaluation.files import write_json
from disentanglement_bench.evaluation.metrics import METRICS
from disentanglement_bench.evaluation.scoring.score_files import scores_folder
from disentanglement_bench.evaluation.statistics.reference_values import (
    add_identifiable,
    reference_notes,
)
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


ABOUT = {"factor_names": ["shape", "angle"], "factor_kinds": ["nominal", "continuous"]}


def write_reference(folder, metric, reference, about=ABOUT):
    """A representation of which one score file has reference values."""
    file = folder / "a.h5"
    record = {"schema_version": 1, "metric": metric, "variant": f"{metric}[x]", "status": "done"}
    values = {key.name: 0.1 for key in METRICS[metric].keys}
    record |= {"values": values, "reasons": {}, "request": {}, "source": {}}
    record |= {"representation": about, "reference": reference}
    write_json(scores_folder(file) / f"{metric}.json", record)
    return [str(file)]


@pytest.mark.parametrize(
    ("key", "metric", "reference", "text"),
    [
        ("irs", "irs", {"noise": 0.41}, "IRS: 0.41 by chance (factors shuffled, one run)."),
        ("irs_active", "irs", {}, "IRS: On known codes noise scores 0.35"),
        (
            "infom",
            "infomec",
            {"noise_infom": 0.6, "noise_infoc": 0.5},
            "InfoM 0.60 and InfoC 0.50 by chance (factors shuffled, mean of five).",
        ),
        ("infoc_sampled", "infomec", {}, "InfoM was 0.59 and InfoC 0.48 on known codes."),
        ("betavae_score", "factorvae_score", {"chance": 0.2}, "score: 0.20 by chance"),
        (
            "mcc",
            "mcc",
            {"ceiling_best": 1.0, "ceiling_worst": 0.83},
            "lies between 0.83 and 1.00",
        ),
        ("mi_knn_matched", "mi_knn", {"noise": 0.05}, "I_m (kNN): 0.05 nats by chance"),
        ("downstream_gbt_10", "downstream_logreg", {"majority_test": [0.5, None]}, "shape 0.50."),
    ],
)
def test_what_a_score_is_by_chance_stands_below_it(tmp_path, key, metric, reference, text):
    notes = reference_notes(write_reference(tmp_path, metric, reference), [key])
    assert text in "\n".join(notes)
    assert not any("IRS" in note for note in reference_notes([], ["mig", "infoe", "nll"]))


def test_plug_in_and_nearest_neighbour_information_have_notes_of_their_own(tmp_path):
    files = write_reference(tmp_path, "mi_knn", {"noise": 0.05})
    assert not any("plug-in" in note for note in reference_notes(files, ["mi_knn_matched"]))


def test_continuous_factors_are_named_once(tmp_path):
    files = write_reference(tmp_path, "mcc", {})
    notes = reference_notes(files, ["mcc", "mig"])
    assert sum("Continuous factors: angle." in note for note in notes) == 1
    broken = write_reference(tmp_path, "mcc", {}, {"factor_names": 3, "factor_kinds": "x"})
    assert not any("Continuous" in note for note in reference_notes(broken, ["mcc"]))


def test_a_value_of_a_continuous_factor_is_marked(tmp_path):
    files = write_reference(tmp_path, "downstream_logreg", {"majority_test": [0.5, 0.25]})
    (text,) = [n for n in reference_notes(files, ["downstream_logreg_10"]) if "guess" in n]
    assert text.endswith("shape 0.50, angle (continuous) 0.25.")


def test_explicitness_is_told_to_be_one_on_noise():
    (text,) = reference_notes([], ["dci_es_e"])
    assert "pure noise has 1.00" in text
    assert reference_notes([], ["dci_es_s"]) == []
