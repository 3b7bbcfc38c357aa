from disentanglement_bench.benchmark.reporting import scores
from disentanglement_bench.benchmark.reporting.scores import show_scores


def test_long_tables_are_cut(monkeypatch):
    rows = [{"path": f"{name}.h5", "mig": 0.25, "sap": 0.5, "modularity": 1.0} for name in "ab"]
    names = ("mig", "sap", "modularity", "explicitness")
    monkeypatch.setattr(scores, "SHOWN_ROWS", 1)
    assert show_scores(rows, ("mig",)).endswith("\nRepresentations not shown: 1.")
    monkeypatch.setattr(scores, "SHOWN_ROWS", 2)
    monkeypatch.setattr(scores, "SHOWN_COLUMNS", 2)
    shown = show_scores(rows, names)
    assert shown.endswith("\nScores of each not shown: 1.")
    assert "modularity" not in shown
    assert "modularity" in show_scores(rows[:1], names)


def test_wide_tables_are_broken_into_blocks(monkeypatch):
    names = ("mig", "sap", "modularity", "irs", "mcc")
    rows = [{"path": "a.h5", **dict.fromkeys(names, 0.5)}]
    monkeypatch.setattr(scores, "SHOWN_COLUMNS", 3)
    lines = show_scores(rows, names).splitlines()
    assert lines[0].split() == ["representation", *names[:3]]
    assert lines[4].split() == ["representation", *names[3:]]
    assert lines[6].split() == ["a.h5", "0.500", "0.500"]
