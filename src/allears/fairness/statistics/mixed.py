"""Poisson regression with a random intercept for each speaker, by maximum marginal likelihood.

errors ~ Poisson(words · exp(x β + σ u)), u ~ N(0, 1) of each speaker (Liu et al., "Model-based approach for
measuring the fairness in ASR", arXiv 2109.09061). A speaker's part of the likelihood is one integral over u, by
adaptive Gauss–Hermite quadrature (Pinheiro and Bates, "Approximations to the log-likelihood function in the
nonlinear mixed-effects model", 1995) around the mode. Newton's steps over β and log σ, gradient and curvature
by the identities of Fisher and Louis, which take the integral for exact (so 5 nodes at least), all speakers at
once.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from scipy import sparse, special

NODES = 9
STEPS = 60
LEAST, MOST = np.log(1e-3), np.log(10.0)
"""Of log σ: less than this is no difference between speakers."""
CLOSE = 1e-9
"""When a step gains less likelihood than this, relative to what there is, it was the last."""


@dataclass(frozen=True, slots=True)
class Data:
    """`design` by rows; `words` over 0, `errors` at least 0, `speaker` from 0 to `people` − 1."""

    design: sparse.csr_array
    words: Float64[np.ndarray, " rows"]
    errors: Float64[np.ndarray, " rows"]
    speaker: Int64[np.ndarray, " rows"]
    people: int


@dataclass(frozen=True, slots=True)
class Fit:
    """`coefficients` β and their covariance, the spread σ of speakers' logarithms, the log-likelihood."""

    coefficients: Float64[np.ndarray, " columns"]
    covariance: Float64[np.ndarray, "columns columns"]
    spread: float
    likelihood: float


@dataclass(frozen=True, slots=True)
class _Integrals:
    """At some parameters (β, log σ): the log-likelihood, its gradient, minus its second derivatives."""

    likelihood: float
    gradient: Float64[np.ndarray, " parameters"]
    curvature: Float64[np.ndarray, "parameters parameters"]


def fit(data: Data, start: Float64[np.ndarray, " columns"], nodes: int = NODES) -> Fit:
    """The most likely β and σ, from a first guess of β.

    A speaker's rows may be of several groups. σ that would be under 0.001 is 0.001.
    """
    at = np.append(start, np.log(0.5))
    found = _integrals(data, at, nodes)
    for _ in range(STEPS):
        free = _free(at, found.gradient)
        step = np.zeros_like(at)
        step[free] = _ascent(found.curvature[np.ix_(free, free)], found.gradient[free])
        at, better, gain = _line(data, at, step, found, nodes)
        found = better
        if gain <= CLOSE * (1 + abs(found.likelihood)):
            break
    free = _free(at, found.gradient)
    covariance = np.zeros_like(found.curvature)
    covariance[np.ix_(free, free)] = np.linalg.pinv(found.curvature[np.ix_(free, free)])
    return Fit(at[:-1], covariance[:-1, :-1], float(np.exp(at[-1])), found.likelihood)


def likelihood(
    data: Data, coefficients: Float64[np.ndarray, " columns"], spread: float, nodes: int = NODES
) -> float:
    """log of the probability of these very errors."""
    return _integrals(data, np.append(coefficients, np.log(spread)), nodes).likelihood


def _free(
    at: Float64[np.ndarray, " parameters"], gradient: Float64[np.ndarray, " parameters"]
) -> Int64[np.ndarray, " free"]:
    """All parameters, but σ where it is at its least and would be less."""
    held = at[-1] <= LEAST and gradient[-1] <= 1e-6
    return np.arange(len(at) - int(held))


def _ascent(
    curvature: Float64[np.ndarray, "free free"], gradient: Float64[np.ndarray, " free"]
) -> Float64[np.ndarray, " free"]:
    """Newton's step; where the likelihood is not concave, curvature is added until it is."""
    size = np.abs(np.diag(curvature)) + 1e-8
    for damping in (0.0, 1e-4, 1e-2, 0.1, 1.0, 10.0, 100.0):
        try:
            np.linalg.cholesky(curvature + damping * np.diag(size))
        except np.linalg.LinAlgError:
            continue
        break
    step = np.linalg.solve(curvature + damping * np.diag(size), gradient)
    return np.asarray(step * min(1.0, 2.0 / max(1e-9, float(np.abs(step).max()))))


def _line(
    data: Data,
    at: Float64[np.ndarray, " parameters"],
    step: Float64[np.ndarray, " parameters"],
    before: _Integrals,
    nodes: int,
) -> tuple[Float64[np.ndarray, " parameters"], _Integrals, float]:
    """As far along the step as it gains, and the gain."""
    for part in (1.0, 0.5, 0.25, 0.1, 0.02):
        to = at + part * step
        to[-1] = np.clip(to[-1], LEAST, MOST)
        after = _integrals(data, to, nodes)
        if after.likelihood >= before.likelihood:
            return to, after, after.likelihood - before.likelihood
    return at, before, 0.0


def _integrals(data: Data, at: Float64[np.ndarray, " parameters"], nodes: int) -> _Integrals:
    spread = float(np.exp(at[-1]))
    mean = data.words * np.exp(data.design @ at[:-1])
    mode, width = _modes(data, mean, spread)
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    u = mode[:, None] + width[:, None] * points
    log_mean = np.log(mean)[:, None] + spread * u[data.speaker]
    rows = (
        data.errors[:, None] * log_mean
        - np.exp(log_mean)
        - special.gammaln(data.errors + 1)[:, None]
    )
    joint = _by_speaker(data, rows) - u**2 / 2 + np.log(weights) + points**2 / 2
    joint += np.log(width)[:, None] - np.log(2 * np.pi) / 2
    total = special.logsumexp(joint, axis=1)
    chance = np.exp(joint - total[:, None])
    return _moments(data, float(total.sum()), chance, u, np.exp(log_mean), spread)


def _moments(
    data: Data,
    likelihood: float,
    chance: Float64[np.ndarray, "people nodes"],
    u: Float64[np.ndarray, "people nodes"],
    mean: Float64[np.ndarray, "rows nodes"],
    spread: float,
) -> _Integrals:
    """Scores and curvature, averaged over what u may be of each speaker."""
    posterior = chance[data.speaker]
    score = data.errors[:, None] - mean
    by_u = spread * u[data.speaker]
    expected = (posterior * score).sum(1)
    columns = data.design.shape[1]
    curvature = np.zeros((columns + 1, columns + 1))
    expected_mean = (posterior * mean).sum(1)
    curvature[:-1, :-1] = (data.design.T @ (data.design * expected_mean[:, None])).toarray()
    curvature[:-1, -1] = data.design.T @ (posterior * mean * by_u).sum(1)
    slope = _by_speaker(data, score * by_u)
    own = _by_speaker(data, mean * by_u**2) - slope
    gradient = np.append(data.design.T @ expected, (chance * slope).sum())
    curvature[-1, -1] = (chance * own).sum()
    averages = (chance * slope).sum(1)
    curvature[-1, -1] -= (chance * slope**2).sum() - (averages**2).sum()
    shared = (posterior * score * slope[data.speaker]).sum(1) - expected * averages[data.speaker]
    curvature[:-1, -1] -= data.design.T @ shared
    curvature[:-1, :-1] -= _covariance(data, score, chance, expected)
    curvature[-1, :-1] = curvature[:-1, -1]
    return _Integrals(likelihood, gradient, curvature)


def _covariance(
    data: Data,
    score: Float64[np.ndarray, "rows nodes"],
    chance: Float64[np.ndarray, "people nodes"],
    expected: Float64[np.ndarray, " rows"],
) -> Float64[np.ndarray, "columns columns"]:
    """Of the coefficients' scores, each speaker's rows together, summed over speakers."""
    several = np.bincount(data.speaker, minlength=data.people)[data.speaker] > 1
    own = (chance[data.speaker] * score**2).sum(1) - expected**2
    design = data.design * np.where(several, 0.0, own)[:, None]
    found = (data.design.T @ design).toarray()
    if several.any():
        found += _shared(data, score, chance, expected, np.flatnonzero(several))
    return np.asarray(found)


def _shared(
    data: Data,
    score: Float64[np.ndarray, "rows nodes"],
    chance: Float64[np.ndarray, "people nodes"],
    expected: Float64[np.ndarray, " rows"],
    rows: Int64[np.ndarray, " some"],
) -> Float64[np.ndarray, "columns columns"]:
    """The same of speakers who have several rows."""
    whose = (np.ones(len(rows)), (data.speaker[rows], np.arange(len(rows))))
    which = sparse.csr_array(whose, shape=(data.people, len(rows)))
    design = data.design[rows]

    def outer(
        rows_score: Float64[np.ndarray, " some"], scale: Float64[np.ndarray, " people"]
    ) -> sparse.sparray:
        total = which @ (design * rows_score[:, None])
        return total.T @ (total * scale[:, None])

    found = -outer(expected[rows], np.ones(data.people))
    for node in range(score.shape[1]):
        found = found + outer(score[rows, node], chance[:, node])
    return np.asarray(found.toarray())


def _modes(
    data: Data, mean: Float64[np.ndarray, " rows"], spread: float
) -> tuple[Float64[np.ndarray, " people"], Float64[np.ndarray, " people"]]:
    """Where each speaker's u is most likely, and how wide around it; Newton's steps on a concave function."""
    errors = np.bincount(data.speaker, data.errors, data.people)
    means = np.bincount(data.speaker, mean, data.people)
    u = np.zeros(data.people)
    for _ in range(100):
        now = means * np.exp(spread * u)
        step = (spread * (errors - now) - u) / (spread**2 * now + 1)
        step = np.clip(step, -1 / spread, 1 / spread)
        u += step
        if np.abs(step).max(initial=0.0) < 1e-10:
            break
    return u, 1 / np.sqrt(spread**2 * means * np.exp(spread * u) + 1)


def _by_speaker(
    data: Data, rows: Float64[np.ndarray, "rows nodes"]
) -> Float64[np.ndarray, "people nodes"]:
    found = np.empty((data.people, rows.shape[1]))
    for node in range(rows.shape[1]):
        found[:, node] = np.bincount(data.speaker, rows[:, node], data.people)
    return found
