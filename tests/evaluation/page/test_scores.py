from disentanglement_bench.evaluation.page.scores import explain_scores


def test_every_open_score_is_explained_with_its_exact_form(summary_of, sweep, add_metric, tmp_path):
    rows = add_metric(sweep(seeds=2), "mine", lambda row: row["mig"])
    found = explain_scores(summary_of(tmp_path, rows), "dsprites", "paper")
    labels = [row["label"] for row in found]
    assert labels[:2] == ["MIG", "SAP"]
    assert labels[-3:] == ["mine", "NLL", "KL"]
    by_label = {row["label"]: row for row in found}
    assert by_label["MIG"]["range"] == "0 to 1"
    assert by_label["MIG"]["variant"] == "mig[hist20,plugin,mean]"
    assert by_label["I_m (sampled codes)"]["range"] == "0 or more nats"
    assert by_label["NLL"]["better"] == "lower"
    assert by_label["mine"]["text"] == "Nothing is declared about it."
    assert all(row["text"].endswith(".") for row in found)


def test_scores_that_were_not_computed_are_not_explained(summary_of, tmp_path):
    found = explain_scores(
        summary_of(tmp_path, [{"path": "a.h5", "irs": 0.1}]), "unknown", "unstated"
    )
    assert [row["label"] for row in found] == ["IRS"]
    assert found[0]["text"] != "Nothing is declared about it."
