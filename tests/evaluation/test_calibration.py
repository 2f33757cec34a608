import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.calibration import Calibration, bin_calibration, correct_prior, fit_calibration, sigmoid
from features.ranking import JudgedRows


def draw_labels(margin: np.ndarray, slope: float, offset: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random(len(margin)) < sigmoid(slope * margin + offset)


def test_fitted_risks_are_the_shares_that_fail() -> None:
    margin = np.random.default_rng(1).normal(-3, 1.5, 200_000)
    fails = draw_labels(margin, slope=0.6, offset=-1.0, seed=2)
    fitted = fit_calibration(margin, fails, prior_offset=-0.7)
    assert fitted.slope == pytest.approx(0.6, abs=0.03)
    risk = fitted.calibrate(margin)
    for part in bin_calibration(
        JudgedRows(is_judged=np.ones(len(risk), bool), fails_in_horizon=fails, risk=risk)
    ):
        # Four standard errors of a tenth of the rows.
        error = 4 * np.sqrt(part.observed_share * (1 - part.observed_share) / part.n_component_days)
        assert part.mean_risk == pytest.approx(part.observed_share, abs=error + 1e-3)


def test_the_correction_of_the_prior_alone_undoes_the_sampling() -> None:
    # Fitted on 1 in 50 healthy and 1 in 5 failing rows, the odds are 10 times too high.
    offset = correct_prior(negative_share=0.02, positive_share=0.2)
    true_odds = 0.01
    margin = np.array([np.log(true_odds * 10)])
    risk = Calibration(prior_offset=offset, slope=1.0, offset=0.0).calibrate(margin)
    assert risk[0] / (1 - risk[0]) == pytest.approx(true_odds)


@given(
    margin=st.lists(st.floats(-20, 20, width=32), min_size=2, max_size=50, unique=True),
    slope=st.floats(0.05, 20 / 20),
    offset=st.floats(-5, 5),
)
@settings(max_examples=200, deadline=None)
def test_calibration_never_changes_an_order_nor_makes_a_tie(
    margin: list[float], slope: float, offset: float
) -> None:
    ordered = np.sort(np.array(margin, dtype=np.float32))
    ordered = ordered[np.r_[True, np.diff(ordered) > 1e-5]]
    risk = Calibration(prior_offset=-2.0, slope=slope, offset=offset).calibrate(ordered.astype(np.float64))
    assert np.all(np.diff(risk) > 0)


def test_a_model_that_orders_backwards_keeps_its_order_and_becomes_nearly_flat() -> None:
    margin = np.random.default_rng(3).normal(size=5_000)
    fitted = fit_calibration(margin, draw_labels(-margin, 1.0, -2.0, 4), prior_offset=0.0)
    assert fitted.slope == pytest.approx(0.05)


def test_too_few_failing_rows_leave_only_the_correction_of_the_prior() -> None:
    fails = np.zeros(1_000, dtype=bool)
    fails[:9] = True
    fitted = fit_calibration(np.linspace(3, -3, 1_000), fails, prior_offset=-1.5)
    assert fitted == Calibration(prior_offset=-1.5, slope=1.0, offset=0.0)


def test_perfectly_separable_days_give_finite_risks() -> None:
    margin = np.r_[np.full(100, -1.0), np.full(100, 1.0)]
    risk = fit_calibration(margin, margin > 0, prior_offset=0.0).calibrate(margin)
    assert 0 < risk[0] < 0.05
    assert 0.95 < risk[-1] < 1


def test_a_slope_that_is_not_positive_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        Calibration(prior_offset=0.0, slope=0.0, offset=0.0)


@pytest.mark.parametrize("share", [0.0, 1.5])
def test_a_sampling_share_outside_of_zero_to_one_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        correct_prior(negative_share=share, positive_share=1.0)
