"""What a judgement must say of curves whose truth is known. How often it does is measured in tests/benchmarks."""

import itertools

import numpy as np
import pytest
from scipy.stats import norm

from stages.statistic.judge import (
    NO,
    UNDECIDED,
    YES,
    Judgement,
    Scale,
    holm,
    judge,
    judge_all,
    runs_for_p,
    runs_needed,
    statistic,
    widths,
)
from stages.statistic.runs import failed, mean_curve, noise_of_mean, smooth_curve
from stages.statistic.shapes import Floats

M = 13
PLACE = np.arange(M, dtype=np.float64)
HUMP = np.exp(-(((PLACE - 6) / 2) ** 2))
PEAK = 0.3 - 0.01 * PLACE + 0.15 * HUMP
TRUE_HEIGHT = float(PEAK[2:].max() - PEAK[:5].min())
VALLEY_SHAPED = {
    "flat": np.full(M, 0.3),
    "rising": 0.1 + 0.06 * PLACE,
    "falling": 0.9 - 0.06 * PLACE,
    "one step up": np.where(PLACE < 6, 0.14, 0.9),
    "U": 0.2 + 0.01 * (PLACE - 6) ** 2,
}


def noisy(curve: Floats, spread: float, runs: int = 10, seed: int = 0) -> Floats:
    """Errors of runs that share the curve; each run is shifted as a whole, and has noise at every point."""
    rng = np.random.default_rng(seed)
    return curve + spread * rng.standard_normal((runs, len(curve))) + spread * rng.standard_normal((runs, 1))


def ends(found: Judgement) -> tuple[float, float]:
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


@pytest.mark.parametrize("runs", [3, 5, 10])
def test_a_clear_peak_is_found_at_its_place_and_with_its_height(runs: int) -> None:
    found = judge(noisy(PEAK, 0.005, runs))
    low, high = ends(found)
    assert found.answer == YES
    assert low <= TRUE_HEIGHT <= high
    assert found.peak in (5, 6)
    assert found.left is not None
    assert found.left < 5
    assert found.right == M - 1


@pytest.mark.parametrize("name", VALLEY_SHAPED)
def test_a_curve_without_a_peak_inside_is_not_called_one(name: str) -> None:
    answers = [judge(noisy(VALLEY_SHAPED[name], 0.03, 5, seed)).answer for seed in range(15)]
    assert answers.count(YES) <= 1


@pytest.mark.parametrize("name", VALLEY_SHAPED)
def test_little_noise_and_no_peak_is_a_no(name: str) -> None:
    found = judge(noisy(VALLEY_SHAPED[name], 0.001))
    assert found.answer == NO
    assert ends(found)[1] < 0.01


def test_a_peak_under_one_point_is_a_no() -> None:
    found = judge(noisy(0.2 + 0.004 * HUMP, 0.0005))
    assert found.answer == NO
    assert ends(found)[0] > 0  # it is there, but it does not count


def test_much_noise_leaves_it_undecided_and_says_how_many_runs_would_decide() -> None:
    few = judge(noisy(PEAK, 0.15, 5))
    assert few.answer == UNDECIDED
    assert few.needed is not None
    assert few.needed > 5
    assert judge(noisy(PEAK, 0.15, 2 * few.needed)).answer == YES


def test_the_interval_narrows_with_the_runs() -> None:
    wide, narrow = (ends(judge(noisy(PEAK, 0.02, runs))) for runs in (4, 40))
    assert narrow[1] - narrow[0] < (wide[1] - wide[0]) / 2


def test_a_shift_of_a_whole_run_changes_nothing() -> None:
    errors = noisy(PEAK, 0.02)
    shifted = judge(errors + np.linspace(-0.1, 0.2, 10)[:, None])
    assert shifted.d == pytest.approx(judge(errors).d)
    assert shifted.p == judge(errors).p


def test_twice_the_errors_make_twice_the_height() -> None:
    errors = noisy(PEAK, 0.01)
    once, twice = judge(errors), judge(2 * errors)
    assert [twice.d, *ends(twice)] == pytest.approx([2 * once.d, *(2 * end for end in ends(once))], rel=0.02)


def test_the_same_table_gives_the_same_numbers() -> None:
    errors = noisy(PEAK, 0.05)
    assert judge(errors)[:8] == judge(errors)[:8]


def test_read_backwards_it_is_the_same_peak() -> None:
    forwards, backwards = judge(noisy(PEAK, 0.01)), judge(noisy(PEAK, 0.01)[:, ::-1])
    assert backwards.d == pytest.approx(forwards.d, abs=0.003)
    assert forwards.peak is not None
    assert backwards.peak == M - 1 - forwards.peak


def test_a_p_value_may_be_smaller_than_one_in_the_number_of_draws() -> None:
    found = judge(noisy(PEAK, 0.005), draws=100)
    assert found.p is not None
    assert found.p < 1 / 101


@pytest.mark.parametrize("runs", [1, 2])
def test_with_one_or_two_runs_there_is_a_height_but_no_interval(runs: int) -> None:
    found = judge(noisy(PEAK, 0.001, runs))
    assert found.answer == UNDECIDED
    assert found.d == pytest.approx(TRUE_HEIGHT, abs=0.01)
    assert found[2:5] == (None, None, None)
    assert found.needed == 3


def test_copies_of_one_run_are_no_runs() -> None:
    found = judge(np.tile(PEAK, (5, 1)))
    assert found.answer == UNDECIDED
    assert found.low is None


def test_a_run_that_never_learned_is_named_and_does_not_make_a_peak() -> None:
    errors = noisy(VALLEY_SHAPED["falling"], 0.002, 5)
    errors[3, 8] = 0.9
    found = judge(errors)
    assert found.failed == [(3, 8)]
    assert found.answer == NO
    assert found.d_with_failed is not None
    assert found.runs == 5


def test_a_run_that_failed_beside_a_peak_does_not_hide_it() -> None:
    errors = noisy(PEAK, 0.005, 5)
    errors[1, 2] = 0.9
    found = judge(errors)
    assert found.answer == YES
    assert ends(found)[0] <= TRUE_HEIGHT <= ends(found)[1]


def test_when_half_of_the_runs_are_high_nobody_failed() -> None:
    errors = noisy(np.full(M, 0.2), 0.005, 6)
    errors[:3, 6] = 0.9
    assert failed(errors) == []


def test_missing_values_and_unequal_runs_are_no_obstacle() -> None:
    errors = noisy(PEAK, 0.005, 8)
    errors[np.random.default_rng(1).random(errors.shape) < 0.2] = np.nan
    errors[0, 4:] = np.nan
    found = judge(errors)
    assert found.answer == YES
    assert ends(found)[0] <= TRUE_HEIGHT <= ends(found)[1]


def test_a_run_that_is_missing_somewhere_does_not_bend_the_curve() -> None:
    truth, shifts = PEAK, np.array([0.0, 0.1, -0.1, 0.3])
    errors = truth + shifts[:, None]
    errors[3, 5:] = np.nan
    curve, noise = mean_curve(errors)
    assert curve - curve[0] == pytest.approx(truth - truth[0], abs=1e-6)
    assert np.abs(noise).max() < 1e-6


def test_two_points_have_no_peak_and_no_values_no_judgement() -> None:
    assert judge(np.ones((5, 2)))[:3] == (UNDECIDED, 0.0, None)
    with pytest.raises(ValueError, match="no value"):
        judge(np.full((3, 4), np.nan))


def test_a_point_at_which_all_runs_agree_is_no_division_by_zero() -> None:
    errors = noisy(VALLEY_SHAPED["one step up"], 0.01, 5)
    errors[:, 7:] = 0.9
    found = judge(errors)
    assert found.answer != YES
    assert np.isfinite([found.d, *ends(found)]).all()


def test_the_statistic_is_the_best_of_all_triples_of_windows() -> None:
    rng = np.random.default_rng(0)
    curve, variances = rng.random(9), rng.random(9) / 1000
    windows = [(a, a + width) for width in widths(9) for a in range(9 - width + 1)]

    def moved(window: tuple[int, int], sign: int) -> float:
        part = slice(*window)
        return float(curve[part].mean() + sign * 5 * variances[part].sum() ** 0.5 / (window[1] - window[0]))

    best = max(
        min(moved(middle, -1) - moved(left, 1), moved(middle, -1) - moved(right, 1))
        for left, middle, right in itertools.product(windows, repeat=3)
        if left[1] <= middle[0] and middle[1] <= right[0]
    )
    assert statistic(curve, variances) == pytest.approx(best)


def test_chance_is_as_large_as_the_runs_say_and_goes_along_with_them() -> None:
    rng = np.random.default_rng(0)
    runs = 400
    along = np.repeat(rng.standard_normal((runs, 4)), 3, axis=1) * np.repeat([1.0, 2.0, 3.0, 4.0], 3)
    _curve, noise = mean_curve(along)
    drawn = noise_of_mean(noise, np.full(12, float(runs)), 20_000, rng).draws
    assert np.cov(drawn.T) == pytest.approx(np.cov(noise.T) / runs, abs=0.06 * 16 / runs)


def variances_of(noise: Floats) -> Floats:
    runs, points = noise.shape
    drawn = noise_of_mean(mean_curve(noise)[1], np.full(points, float(runs)), 2, np.random.default_rng(0))
    found: Floats = runs * drawn.variances
    return found


def test_variances_are_made_one_only_where_the_points_are_alike() -> None:
    noise = np.random.default_rng(0).standard_normal((10, 30))
    own = noise.var(0, ddof=1)
    alike = variances_of(noise)
    assert np.log(alike).std() < np.log(own).std() / 2
    assert alike.mean() == pytest.approx(1, abs=0.2)
    step = np.repeat([1.0, 10.0], 15)
    apart = variances_of(noise * step)
    assert apart[20:].mean() / apart[:10].mean() > 10


def test_draws_are_surer_of_the_variance_when_points_are_alike() -> None:
    noise = mean_curve(np.random.default_rng(0).standard_normal((5, 30)))[1]
    counts, step = np.full(30, 5.0), np.repeat([1.0, 10.0], 15)

    def tail(noise: Floats) -> float:
        found = noise_of_mean(noise, counts, 20_000, np.random.default_rng(1))
        scaled = found.draws / np.sqrt(found.variances)
        return float((scaled**4).mean() / (scaled**2).mean() ** 2)  # 3 for normal numbers

    assert tail(noise) < tail(noise * step) - 0.2


def test_correlations_that_neighbours_do_not_explain_are_drawn_as_the_runs_have_them() -> None:
    rng = np.random.default_rng(0)
    runs, halves = 40, np.repeat([1.0, -1.0], 10)
    noise = rng.standard_normal((runs, 1)) * np.where(np.arange(20) % 2, 1.0, -1.0) * halves
    noise = mean_curve(noise + 0.5 * rng.standard_normal((runs, 20)))[1]
    drawn = noise_of_mean(noise, np.full(20, float(runs)), 5000, rng).draws
    ends = [float((table[:, 0] * table[:, 19]).mean() / (table[:, 0] ** 2).mean()) for table in (noise, drawn)]
    assert ends[1] == pytest.approx(ends[0], abs=0.35)
    assert abs(ends[1]) > 0.5


def test_the_smooth_curve_keeps_a_sharp_peak_and_takes_noise_away() -> None:
    spike = np.where(PLACE == 6, 0.5, 0.2)
    sharp = noisy(spike, 0.001)
    assert smooth_curve(sharp, sharp.mean(0)) == pytest.approx(spike, abs=0.002)
    rough = noisy(np.full(60, 0.2), 0.05)
    rough -= rough.mean(1, keepdims=True)
    assert smooth_curve(rough, rough.mean(0)).std() < rough.mean(0).std() / 2


def test_more_runs_are_needed_the_wider_the_interval_and_the_nearer_one_point() -> None:
    near, far = runs_needed(5, 0.03, 0.0, 0.06), runs_needed(5, 0.05, 0.0, 0.1)
    assert near is not None
    assert far is not None
    assert near > far > 5
    assert runs_needed(5, 0.0101, 0.0, 0.5) is None


def test_holms_correction_of_four_numbers_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_tables_judged_together_have_their_own_heights_and_a_common_p() -> None:
    peak, flat = noisy(PEAK, 0.01), noisy(VALLEY_SHAPED["flat"], 0.01)
    alone = [judge(peak), judge(flat)]
    together = judge_all([peak, flat])
    assert [found.d for found in together] == [found.d for found in alone]
    assert [found.p_holm for found in together] == holm([found.p or 0.0 for found in alone])


def test_a_peak_of_moderate_p_among_many_tables_is_undecided() -> None:
    errors = noisy(PEAK, 0.07, 5)
    found = judge(errors)
    assert found.answer == YES
    assert found.p is not None
    assert found.p > 0.001
    assert judge_all([errors] * 100)[0].answer == UNDECIDED


def test_a_clear_peak_is_a_yes_among_any_number_of_tables() -> None:
    clear = noisy(PEAK, 0.0005, 10)[:, [2, 6, 12]]
    assert {found.answer for found in judge_all([clear] * 250, draws=20)} == {YES}


def test_in_other_units_another_height_counts() -> None:
    logs = 100 * noisy(PEAK, 0.005)
    assert judge(logs, scale=Scale(smallest=10.0, far=np.inf)).answer == YES
    assert judge(logs, scale=Scale(smallest=20.0, far=np.inf)).answer == NO


def test_more_runs_at_the_peak_and_its_valleys_decide_most_of_what_more_runs_everywhere_decide() -> None:
    low = 0.3 - 0.01 * PLACE + 0.08 * HUMP
    decided = {"everywhere": 0, "there": 0, "elsewhere": 0}
    for seed in range(30):
        errors = low + 0.03 * np.random.default_rng(seed).standard_normal((60, M))
        found = judge(errors[:4])
        if found.needed is None or found.peak is None:
            continue
        there = np.zeros(M, dtype=bool)
        for place in (found.left, found.peak, found.right):
            assert place is not None
            there[max(0, place - 1) : place + 2] = True
        for name, more in (("everywhere", there | True), ("there", there), ("elsewhere", ~there)):
            unequal = errors[: found.needed].copy()
            unequal[4:, ~more] = np.nan
            decided[name] += judge(unequal).answer != UNDECIDED
    assert decided["there"] > 0.6 * decided["everywhere"]
    assert decided["elsewhere"] < decided["there"] / 2


@pytest.mark.parametrize(("runs", "rate"), [(3, 0.2), (10, 0.2), (20, 0.1), (20, 0.2)])
def test_where_failing_is_no_exception_it_makes_no_peak(runs: int, rate: float) -> None:
    yes = 0
    for seed in range(40):
        rng = np.random.default_rng([seed, runs])
        errors = 0.2 + 0.03 * rng.standard_normal((runs, M))
        errors[rng.random(errors.shape) < rate] = 0.9
        yes += judge(errors).answer == YES
    assert yes <= 8


def test_runs_that_share_no_point_are_undecided() -> None:
    errors = np.concatenate([noisy(PEAK, 0.01, 5), noisy(PEAK, 0.01, 5, seed=1)])
    errors[:5, ::2] = errors[5:, 1::2] = np.nan
    assert (judge(errors).answer, judge(errors).lacks) == (UNDECIDED, "apart")
    joined = np.concatenate([errors, noisy(PEAK, 0.01, 1, seed=2)])
    assert judge(joined).low is not None


def test_a_p_that_many_tables_spoil_takes_more_runs() -> None:
    assert runs_for_p(10, 0.01, 0.02) == 11
    assert runs_for_p(10, 0.01, 1.0) == int(np.ceil(10 * (norm.isf(0.0005) / norm.isf(0.01)) ** 2))
    assert runs_for_p(10, 0.6, 1.0) is None
