"""Reliability and risk-coverage curves by hand."""

import numpy as np
import pytest

from fastqa.calibration import reliability, risk_coverage


def test_reliability_by_hand() -> None:
    curve = reliability([0.1, 0.1, 0.95, 0.85, 1.0], [0, 1, 1, 0, 1], bins=2)
    assert curve.questions.tolist() == [2, 3]
    assert curve.confidence == pytest.approx([0.1, (0.95 + 0.85 + 1.0) / 3])
    assert curve.accuracy == pytest.approx([0.5, 2 / 3])
    assert curve.ece == pytest.approx((2 * 0.4 + 3 * abs(2.8 / 3 - 2 / 3)) / 5)


def test_a_calibrated_reader_has_almost_no_error() -> None:
    generator = np.random.default_rng(2)
    probabilities = generator.random(200_000)
    curve = reliability(probabilities, generator.random(200_000) < probabilities)
    assert curve.ece < 0.006
    assert np.isnan(reliability([0.05], [1]).accuracy[5])


def test_risk_and_coverage_by_hand() -> None:
    curve = risk_coverage([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 1])
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert curve.risk == pytest.approx([0, 1 / 2, 1 / 3, 1 / 4])
    assert curve.aurc == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert curve.oracle_aurc == pytest.approx((1 / 4) / 4)
    assert curve.threshold.tolist() == [0.9, 0.8, 0.7, 0.6]


def test_answers_of_one_confidence_stay_together() -> None:
    one = risk_coverage([0.5, 0.5, 0.5, 0.1], [1, 0, 1, 0])
    other = risk_coverage([0.5, 0.5, 0.5, 0.1], [0, 1, 1, 0])
    assert one.coverage.tolist() == [0.75, 1.0]
    assert one.aurc == other.aurc


def test_what_cannot_be_drawn_says_why() -> None:
    with pytest.raises(ValueError, match="from -1 to 3, expected 0 to 1; null odds"):
        reliability([-1, 3], [1, 0])
    with pytest.raises(ValueError, match=r"got shapes \(1,\) and \(2,\)"):
        risk_coverage([0.5], [1, 0])
    with pytest.raises(ValueError, match="a value is NaN"):
        risk_coverage([np.nan], [1])
