import pytest

from disentanglement_bench.evaluation.contributions import verifying


@pytest.fixture
def show(archive, tmp_path):
    def call():
        verifying.verify(archive, output=tmp_path / "rows.csv")
        return (tmp_path / "rows.md").read_text()

    return call


def test_scores_as_found_and_training_as_stated(show):
    text = show()
    lines = text.splitlines()
    assert lines[0] == "# External rows of DB-1"
    assert "All stated scores hold." in lines[2]
    assert lines[4] == "| score | Mine (external), toy, 5 seeds |"
    assert lines[6].startswith("| MIG | 0.")
    assert " ± 0." in lines[6]
    assert "- Training: Not trained." in lines
    assert "- Steps: 0" in lines
    assert not any(line.startswith("- Contact") for line in lines)


def test_what_does_not_hold_is_said(rebuild, show):
    rebuild(lambda manifest: manifest["members"][0]["scores"].update(mig=1.0))
    text = show()
    assert "**1 stated score does not hold.**" in text
    assert "| MIG | 1" not in text


def test_foreign_text_is_text(rebuild, show):
    def change(manifest):
        (method,) = manifest["methods"]
        method["label"] = "<script>|*x*|[a](b)"
        method["description"] = "one\n# two ![x](http://e.example)"
        method["citation"] = "a\n```\n# loud\n"
        method["hyperparameters"] = {"a|b": True}

    rebuild(change)
    text = show()
    assert r"| score | \<script\>\|\*x\*\|\[a\](b) (external), toy, 5 seeds |" in text
    assert r"- Method: one # two !\[x\](http://e.example)" in text
    assert r"- Hyperparameters: a\|b = True" in text
    assert text.endswith("\n\n    a\n    ```\n    # loud\n")


def test_few_seeds_are_illustrative_and_have_no_spread(rebuild, show):
    def change(manifest):
        manifest["members"] = manifest["members"][:1]

    rebuild(
        change, members={f"representations/mine/toy/seed-{seed}.npz": None for seed in range(1, 5)}
    )
    text = show()
    assert "1 seed; illustrative, fewer than 5 |" in text
    assert " ± " not in text.split("## ")[0].split("|---")[1]
