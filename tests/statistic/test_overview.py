"""All studies together: one sentence, and a line a study."""

import pandas as pd

from stages.statistic.overview import lines, sentence, sentence_of_grid, summary


def found(answer: str, d: float) -> dict[str, object]:
    return {"answer": answer, "D": d, "D_low": d / 2, "D_high": 2 * d, "p_holm": 0.001, "guards": {}}


STUDIES = {
    "noisy": {"width 5": found("yes", 0.02), "width 9": found("yes", 0.04), "width 7": found("no", 0.002)},
    "clean": {"all": found("no", 0.001)},
    "few": {"all": found("undecided", 0.01)},
}


def test_a_study_counts_once_and_any_yes_of_its_groups_makes_it_one() -> None:
    over = {"noisy": "alpha", "clean": "width", "few": "epoch"}
    rest = "there is none in 1, and in {} it is undecided."
    real = "A double descent is real in 1 of 3 studies beside the paper's grid, over the strength of a penalty; "
    assert sentence(STUDIES, over) == real + rest.format(1)
    alone = {"clean": STUDIES["clean"]}
    assert sentence(
        alone, over
    ) == "A double descent is real in none of 1 studies beside the paper's grid; " + rest.format(0)


def test_an_answer_has_its_groups_and_the_highest_d_of_them() -> None:
    yes, no = lines(STUDIES["noisy"])
    assert (yes.answer, yes.groups, yes.height) == ("yes", "widths 5 and 9", "4.0 [2.0, 8.0]")
    assert (no.answer, no.groups, no.height) == ("no", "width 7", "0.2 [0.1, 0.4]")
    assert no.ends == (0.001, 0.002, 0.004)


def test_groups_with_long_names_are_counted() -> None:
    many = {
        "many": {f"penalty group_l1, width {width}, rule momentum {width}": found("no", 0.001) for width in range(9)}
    }
    asks = {"noisy": "A peak?", "many": "Many peaks?"}
    table = summary(asks, {"noisy": STUDIES["noisy"], **many})
    assert table.question.tolist() == ["[A peak?](RESULTS.md#noisy) `noisy`", "[Many peaks?](RESULTS.md#many) `many`"]
    assert table.answer.tolist() == ["**yes**: widths 5 and 9; **no**: width 7", "**no**: 9 of 9"]


def test_a_peak_that_does_not_count_is_told_with_its_reason() -> None:
    verdict = found("no", 0.5) | {"guards": {"sparse": "no"}}
    assert summary({"one": "A peak?"}, {"one": {"all": verdict}}).answer.tolist() == ["**no** (not sparse)"]


def test_what_an_answer_is_due_to_is_told_with_the_groups_of_which_it_is_true() -> None:
    unsure = {"answer": "undecided", "D": 0.01, "D_low": 0.0, "D_high": 0.02, "p_holm": 0.2}
    whole = {"width 5": unsure | {"runs_needed": 1500}, "width 7": unsure | {"runs_needed": 15}}
    assert lines(whole)[0].why == "about 15 to 1,500 runs would probably decide each"
    assert lines({"width 5": whole["width 5"]})[0].why == "about 1,500 runs would probably decide it"
    (some,) = lines(whole | {"width 9": unsure})
    assert some.why == (
        "about 15 to 1,500 runs would probably decide 2 of 3; 1 of 3: no affordable number of runs would decide it"
    )
    guarded = {
        "width 5": found("no", 0.5) | {"guards": {"sparse": "no", "above_chance": "no"}},
        "width 7": found("no", 0.3) | {"guards": {"sparse": "no"}},
    }
    assert lines(guarded)[0].why == "not sparse; 1 of 2: at chance"
    assert lines(STUDIES["noisy"])[0].why == ""


def test_the_papers_grid_is_told_with_and_without_the_papers_numbers() -> None:
    paper = pd.DataFrame({"difference": [0.5, 9.0, -9.0], "difference_in_sd": [0.1, 1.0, -3.0]})
    not_sparse = found("no", 0.5) | {"guards": {"sparse": "no"}}
    said = sentence_of_grid({"width 5": not_sparse}, paper)
    assert said.startswith("Of its 3 numbers 2 lie within 2 points or 2 standard deviations of ours.")
    assert said.endswith("A sparse double descent over alpha? No at width 5 (not sparse).")
    assert sentence_of_grid({}, paper[:0]) == ""
