import numpy as np
import pytest

from stages.statistic.descent import Floats, descent, earlier, halves, heights, holm, measured, monotone_fit

M = 12
AXIS = np.arange(M, dtype=np.float64)


def noisy(curve: Floats, sd: float, seed: int, seeds: int = 10) -> Floats:
    """Errors of seeds that share the curve, each shifted as a whole and with noise at every point."""
    rng = np.random.default_rng(seed)
    return curve + sd * rng.standard_normal((seeds, M)) + sd * rng.standard_normal((seeds, 1))


def brute_force(errors: Floats) -> float:
    curve: list[float] = errors.tolist()
    m = len(curve)
    return max(
        min(curve[j] - curve[i], curve[j] - curve[k])
        for i in range(m)
        for j in range(i + 1, m)
        for k in range(j + 1, m)
    )


def test_the_height_is_the_best_of_all_triples() -> None:
    curves = np.random.default_rng(0).random((50, M))
    assert heights(curves, earlier(AXIS)).max(1) == pytest.approx([brute_force(curve) for curve in curves])


def test_a_peak_is_measured_from_the_higher_of_its_two_valleys() -> None:
    curve = np.array([[0.3, 0.1, 0.9, 0.4, 0.5]])
    assert heights(curve, earlier(np.arange(5.0))).max() == pytest.approx(0.5)


def test_a_monotone_curve_has_no_peak_and_a_point_without_neighbours_cannot_be_one() -> None:
    curve = np.linspace(0.1, 0.9, M)[None]
    found = heights(curve, earlier(AXIS))
    assert found.max() < 0
    assert found[0, 0] == found[0, -1] == -np.inf


def test_valleys_closer_than_the_gap_do_not_count() -> None:
    curve, axis = np.array([[0.1, 0.9, 0.1]]), np.array([0.0, 0.04, 1.0])
    assert heights(curve, earlier(axis)).max() == pytest.approx(0.8)
    assert heights(curve, earlier(axis, gap=0.05)).max() == -np.inf
    assert descent(np.tile(curve, (10, 1)), axis, gap=0.05) is None


def test_the_peak_is_chosen_on_one_half_and_measured_on_the_other() -> None:
    choose, measure = np.array([[0.0, 1.0, 0.0, 0.2]]), np.array([[0.5, 0.4, 0.1, 0.9]])
    assert measured(choose, measure, earlier(np.arange(4.0))) == pytest.approx([0.4 - 0.5])


def test_all_copies_of_a_seed_stay_on_one_side() -> None:
    counts = np.array([3, 0, 1, 2, 1, 0, 1])
    left, right = halves(np.tile(counts, (100, 1)), np.random.default_rng(0))
    assert not ((left > 0) & (right > 0)).any()
    assert ((left + right) > 0).all(0).tolist() == [count > 0 for count in counts]
    assert left.sum(1) == pytest.approx(1)
    assert (left[left[:, 0] > 0] / left[left[:, 0] > 0][:, :1]).max() == pytest.approx(1)  # seed 0 weighs most


def test_the_null_curve_is_the_better_of_rising_and_falling() -> None:
    falling = np.array([5.0, 4.0, 4.5, 1.0])
    assert monotone_fit(falling).tolist() == [5.0, 4.25, 4.25, 1.0]
    assert monotone_fit(-falling).tolist() == [-5.0, -4.25, -4.25, -1.0]


def test_a_planted_peak_is_found_at_its_height() -> None:
    curve = 0.2 + 0.3 * np.exp(-(((AXIS - 6) / 1.5) ** 2))
    found = descent(noisy(curve, 0.01, seed=0), AXIS, draws=200)
    assert found is not None
    assert found.low <= 0.3 <= found.high + 0.01
    assert found.p_value < 0.01


def test_the_same_numbers_come_out_every_time() -> None:
    errors = noisy(np.full(M, 0.3), 0.05, seed=3)
    assert descent(errors, AXIS, draws=20) == descent(errors, AXIS, draws=20)


def test_too_few_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 4 seeds, here are 3"):
        descent(np.zeros((3, M)), AXIS)


def test_holms_correction_of_four_numbers_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


@pytest.mark.slow
@pytest.mark.parametrize("sd", [0.003, 0.03, 0.1])
@pytest.mark.parametrize("shape", ["flat", "rising", "step", "falling", "saturating"])
def test_monotone_curves_are_called_double_descent_in_at_most_one_of_twenty(shape: str, sd: float) -> None:
    curve = {
        "flat": np.full(M, 0.2),
        "rising": 0.1 + 0.06 * AXIS,
        "step": np.where(AXIS < 6, 0.14, 0.9),
        "falling": 0.9 - 0.06 * AXIS,
        "saturating": 0.14 + 0.76 / (1 + np.exp(6 - AXIS)),
    }[shape]
    results = [descent(noisy(curve, sd, seed), AXIS, draws=100, splits=100, seed=seed) for seed in range(40)]
    positives = sum(r is not None and r.p_value < 0.05 and r.low >= 0.01 for r in results)
    assert positives <= 2


@pytest.mark.slow
@pytest.mark.parametrize(("height", "sd"), [(0.02, 0.003), (0.1, 0.02), (0.3, 0.05)])
def test_planted_peaks_are_found(height: float, sd: float) -> None:
    curve = 0.2 + height * np.exp(-(((AXIS - 6) / 1.5) ** 2))
    results = [descent(noisy(curve, sd, seed), AXIS, draws=100, splits=100, seed=seed) for seed in range(40)]
    found = sum(r is not None and r.p_value < 0.05 and r.low >= 0.01 for r in results)
    assert found >= 36


def test_halves_differ_by_one_seed_at_most() -> None:
    for present in (4, 5, 10, 11):
        left, right = halves(np.ones((200, present), dtype=np.int64), np.random.default_rng(0))
        assert set((left > 0).sum(1)) == {present // 2}
        assert set((right > 0).sum(1)) == {present - present // 2}


def test_four_seeds_are_enough_though_a_sample_of_one_seed_alone_cannot_be_split() -> None:
    curve = 0.2 + 0.3 * np.exp(-(((AXIS - 6) / 1.5) ** 2))
    found = descent(noisy(curve, 0.01, seed=0, seeds=4), AXIS, draws=400)  # one sample in 64 is of one seed
    assert found is not None
    assert 0.2 < found.low <= found.high < 0.4


def test_the_smallest_p_value_is_one_in_one_more_than_the_samples() -> None:
    curve = 0.2 + 0.3 * np.exp(-(((AXIS - 6) / 1.5) ** 2))
    peaked, flat = (descent(noisy(c, 0.01, seed=0), AXIS, draws=99) for c in (curve, np.linspace(0.2, 0.8, M)))
    assert peaked is not None
    assert flat is not None
    assert peaked.p_value == pytest.approx(0.01)
    assert 0.2 < flat.p_value <= 1


def test_the_null_is_as_noisy_as_the_errors() -> None:
    """On pure noise p-values are spread out: neither all small, as with too little noise, nor all large."""
    rng = np.random.default_rng(0)
    found = [descent(0.3 + 0.05 * rng.standard_normal((10, 5)), np.arange(5.0), draws=60, splits=40) for _ in range(60)]
    p_values = np.array([result.p_value for result in found if result])
    assert len(p_values) == 60
    assert 0.3 < np.median(p_values) < 0.85
    assert (p_values < 0.05).mean() < 0.12
