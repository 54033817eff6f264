"""What a person reads of a judgement."""

import numpy as np
import pytest

from stages.statistic.judge import Judgement, judge
from stages.statistic.sentences import LACKS, sentence
from stages.statistic.shapes import Floats

WIDTHS = [1, 2, 4, 8, 16, 32]
PEAK = np.array([0.5, 0.3, 0.2, 0.4, 0.3, 0.2])


def noisy(curve: Floats, runs: int, spread: float = 0.01) -> Floats:
    return curve + spread * np.random.default_rng(0).standard_normal((runs, len(curve)))


def said(found: Judgement) -> str:
    return sentence(found, "width", WIDTHS, list(range(found.runs)))


def lacking() -> dict[str, Floats]:
    """A table for every reason why there is no interval."""
    thin, apart = noisy(PEAK, 4), noisy(PEAK, 6)
    thin[2:, :4] = np.nan
    apart[:3, 3:] = np.nan
    apart[3:, :3] = np.nan
    return {
        "points": noisy(PEAK[:2], 5),
        "runs": noisy(PEAK, 2),
        "thin": thin,
        "apart": apart,
        "alike": np.tile(PEAK, (4, 1)),
    }


@pytest.mark.parametrize("lack", LACKS)
def test_where_there_is_no_interval_the_sentence_says_why_and_what_is_needed(lack: str) -> None:
    found = judge(lacking()[lack])
    assert found.lacks == lack
    _, why, needed = LACKS[lack]
    assert said(found).startswith(f"Undecided: {why}. ")
    assert said(found).endswith(f" {needed}")


def unsure(d: float, peak: int | None) -> Judgement:
    found = judge(noisy(PEAK, 5))
    left, right = (None, None) if peak is None else (peak - 1, peak + 1)
    return found._replace(
        answer="undecided", d=d, low=0.0, high=0.097, p_holm=0.2, peak=peak, left=left, right=right, needed=9
    )


def test_an_undecided_answer_names_the_largest_peak_that_fits_and_the_best_estimate() -> None:
    start = (
        "Undecided: a peak of 9.7 points fits these 5 runs, but so does one of less than 1 point, which does not count "
        "(95 % interval of its height 0.0 to 9.7 points; "
    )
    assert said(unsure(0.05, 3)).startswith(f"{start}the best estimate is 5.0 points, at width 8). About 9 runs ")
    assert said(unsure(0.0, None)).startswith(f"{start}the best estimate is that there is no peak). About 9 runs ")


def test_where_the_fitted_curve_has_no_peak_and_d_is_not_zero_the_sentence_says_what_d_is() -> None:
    assert "; the fitted curve has no peak, but chance hides a true one of D = 5.0 points every second time). " in said(
        unsure(0.05, None)
    )
