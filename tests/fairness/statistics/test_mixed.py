"""Mixed Poisson: against quadrature by scipy, statsmodels without a spread, and what was put in."""

from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import integrate, sparse, special, stats
from statsmodels import genmod

from allears.fairness.statistics import mixed, poisson
from allears.fairness.sums import Groups, summed
from tests.fairness.statistics.speakers import of, people

SEIZURES = Path(genmod.__file__).parent / "tests" / "results" / "epil.csv"


def by_quadrature(data: mixed.Data, coefficients: np.ndarray, spread: float) -> float:
    """The log-likelihood, speaker by speaker, by Simpson's rule on a grid that is fine and wide enough for any."""
    mean = data.words * np.exp(data.design @ coefficients)
    u = np.linspace(-12, 12, 20_001)
    total = 0.0
    for each in range(data.people):
        errors, means = data.errors[data.speaker == each, None], mean[data.speaker == each, None]
        rates = np.log(means) + spread * u
        log = (errors * rates - np.exp(rates) - special.gammaln(errors + 1)).sum(0)
        log += stats.norm.logpdf(u)
        total += log.max() + np.log(integrate.simpson(np.exp(log - log.max()), x=u))
    return float(total)


def crossed() -> Groups:
    """Three groups; the same twelve speakers in two of them, ten more in the third."""
    random = np.random.default_rng(8)
    speaker = np.concatenate([np.tile(np.arange(12), 2), np.arange(12, 22)])
    group = np.repeat([0, 1, 2], [12, 12, 10])
    words = random.integers(5, 300, 34)
    own = np.exp(random.normal(0, 0.6, 22))[speaker]
    errors = random.poisson(words * own * np.array([0.1, 0.15, 0.1])[group])
    return summed(("a", "b", "c"), 22, speaker, group, np.stack([errors, words, words], 1))


def test_likelihood_is_that_of_quadrature() -> None:
    data = poisson.data(crossed())
    for coefficients, spread in ((np.log([0.1, 0.15, 0.1]), 0.6), (np.log([0.2, 0.1, 0.05]), 1.5)):
        expected = by_quadrature(data, coefficients, spread)
        assert mixed.likelihood(data, coefficients, spread) == pytest.approx(expected, abs=1e-3)
        assert mixed.likelihood(data, coefficients, spread, 25) == pytest.approx(expected, abs=1e-7)


def test_the_fit_is_the_maximum_and_its_covariance_the_curvature() -> None:
    data = poisson.data(crossed())
    found = mixed.fit(data, np.log([0.1, 0.1, 0.1]), 25)
    at = np.append(found.coefficients, np.log(found.spread))

    def value(*steps: np.ndarray) -> float:
        to = at + np.sum(steps, 0)
        return mixed.likelihood(data, to[:-1], float(np.exp(to[-1])), 25)

    axes = 1e-3 * np.eye(4)
    slopes = [(value(a) - value(-a)) / 2e-3 for a in axes]
    assert slopes == pytest.approx(np.zeros(4), abs=1e-3)
    curvature = [
        [(value(a, b) - value(a, -b) - value(-a, b) + value(-a, -b)) / -4e-6 for a in axes]
        for b in axes
    ]
    assert found.covariance == pytest.approx(np.linalg.inv(curvature)[:3, :3], rel=1e-3, abs=1e-6)


def test_without_a_spread_it_is_the_generalised_linear_model_of_statsmodels() -> None:
    random = np.random.default_rng(2)
    group, words = np.repeat([0, 1, 2], [30, 40, 50]), random.integers(20, 400, 120)
    groups = of(group, np.round(words * np.array([0.1, 0.13, 0.08])[group]), words)
    data = poisson.data(groups)
    found = mixed.fit(data, poisson.first_guess(groups))
    design = data.design.toarray()
    model = sm.GLM(data.errors, design, sm.families.Poisson(), offset=np.log(data.words)).fit()
    assert found.spread == pytest.approx(1e-3)
    assert found.coefficients == pytest.approx(model.params, abs=1e-4)
    assert found.likelihood == pytest.approx(model.llf, abs=5e-3)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(model.bse, rel=1e-3)


def test_seizures_of_59_people() -> None:
    """Thall and Vail 1990, as statsmodels ships them: several rows of each, with covariates."""
    table = np.genfromtxt(SEIZURES, delimiter=",", names=True, dtype=None, encoding="utf-8")
    treated = (np.char.strip(table["trt"], '"') == "progabide").astype(float)
    base = np.log(table["base"] / 4)
    columns = [np.ones(236), treated, base, base * treated, np.log(table["age"]), table["V4"]]
    centred = [columns[0], columns[1], *(each - each.mean() for each in columns[2:5]), columns[5]]
    design = np.stack(centred, 1).astype(float)
    speaker = table["subject"].astype(np.int64) - 1
    data = mixed.Data(sparse.csr_array(design), np.ones(236), table["y"].astype(float), speaker, 59)
    found = mixed.fit(data, np.append(2.0, np.zeros(5)), 15)
    expected = by_quadrature(data, found.coefficients, found.spread)
    assert found.likelihood == pytest.approx(expected, abs=1e-4)
    conditional = np.log(
        table["y"][table["V4"] == 1].sum() / (table["y"][table["V4"] == 0].sum() / 3)
    )
    assert found.coefficients[-1] == pytest.approx(
        conditional, abs=1e-4
    )  # time is the same for all
    errors = np.sqrt(np.diag(found.covariance))
    assert found.coefficients[1] / errors[1] == pytest.approx(-2.33, abs=0.01)
    assert found.spread**2 == pytest.approx(0.2524, abs=2e-4)


def test_ratios_are_what_was_put_in() -> None:
    groups = people(6, (300, 300, 900), effects=(1.5, 1.0, 1.0))
    found = poisson.effects(groups)
    assert found.spread == pytest.approx(0.4, abs=0.03)
    value, low, high = found.ratios[0]
    assert low < 1.5 < high
    assert (low, high) == pytest.approx((1.5, 1.5), rel=0.12)
    assert value == pytest.approx(1.5, rel=0.07)


def test_a_group_alone_or_silent_has_no_ratio() -> None:
    one = poisson.effects(of(np.zeros(4, np.int64), np.array([1, 2, 3, 4]), np.full(4, 50)))
    assert np.isnan(one.ratios[0].value) and np.isnan(one.spread)
    some = poisson.effects(
        of(
            np.array([0, 0, 1, 1, 2, 3, 3]),
            np.array([5, 9, 2, 6, 3, 0, 0]),
            np.array([50, 60, 40, 70, 50, 0, 0]),
        )
    )
    assert some.ratios[0].bounded and some.ratios[1].bounded
    assert some.ratios[2].value > 0 and not some.ratios[2].bounded
    assert np.isnan(some.ratios[3].value)
