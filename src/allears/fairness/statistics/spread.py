"""How far a group's rate would be from this one, had other speakers come.

A rate is Σ errors / Σ words over speakers. Its logarithm varies by Σ d² / (1 − a) / (Σ errors)², where a speaker's
d = errors − rate · words and a is their part of the words: the linearised, cluster-robust variance with the
correction CR2 for leverage, compared with Student's t whose degrees of freedom are Bell and McCaffrey's ("Bias
reduction in standard errors for linear regression with multi-stage samples", Survey Methodology 28, 2002), here
under variances of rate · words + (spread · words)² by speaker, the spread by moments. It is never taken for less
than the variance of Poisson counts, 1 / Σ errors.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float64, Int64

from allears.fairness.sums import ERRORS, WORDS, Groups

Column = Float64[np.ndarray, " rows"]
ByGroup = Float64[np.ndarray, " groups"]


@dataclass(frozen=True, slots=True)
class Spread:
    """Of each group: its rate, the variance of the rate's logarithm, and the degrees of freedom of that.

    `influence` is what each row has to do with its group's logarithm: its squares add up to the variance, and of
    groups that share speakers its products to the covariance. NaN for what fewer than two speakers said, or where
    there are no errors.
    """

    rate: ByGroup
    variance: ByGroup
    freedom: ByGroup
    influence: Column


def spread(groups: Groups, weights: Column | None = None) -> Spread:
    """Of each group of `groups`; `weights` by row, for those who count less."""
    errors, words = groups.counts[:, ERRORS].astype(float), groups.counts[:, WORDS].astype(float)
    return spread_of(groups.group, errors, words, len(groups.names), weights)


def spread_of(
    group: Int64[np.ndarray, " rows"],
    errors: Column,
    words: Column,
    count: int,
    weights: Column | None = None,
) -> Spread:
    """Of `count` groups; a row is a speaker of a group."""
    scale = np.ones(len(group)) if weights is None else weights
    total = partial(_total, group, count)

    with np.errstate(divide="ignore", invalid="ignore"):
        all_errors, all_words = total(scale * errors), total(scale * words)
        rate = all_errors / all_words
        off = scale * (errors - rate[group] * words)
        part = scale * words / all_words[group]
        known = (total((words > 0).astype(float)) >= 2) & (all_errors > 0)
        beyond = total(off**2) - total(scale**2 * errors)
        wide = np.maximum(0.0, beyond / total(scale**2 * words**2))
        variances = scale**2 * (rate[group] * words + wide[group] * words**2)
        freedom = freedoms(group, part, variances, count)
        influence = off / np.sqrt(1 - part) / all_errors[group]
        least = total(scale**2 * errors) / all_errors**2
        variance = np.maximum(total(influence**2), least)
        influence[~known[group]] = np.nan
    return Spread(
        rate, np.where(known, variance, np.nan), np.where(known, freedom, np.nan), influence
    )


def freedoms(
    group: Int64[np.ndarray, " rows"], part: Column, variances: Column, count: int
) -> ByGroup:
    """2 · mean² / variance of Σ c d², a quadratic form of independent rows; c = 1 / (1 − part).

    With d = (1 − part · 1ᵀ) e the form's matrix is diag(c) − b 1ᵀ − 1 bᵀ + s, b = c · part and s = Σ c · part², so
    that tr(M V) and tr(M V M V) are sums over rows.
    """
    total = partial(_total, group, count)
    scale = 1 / (1 - part)
    beside = scale * part
    common = total(scale * part**2)
    own = common[group] - 2 * beside
    first = total(variances * (scale + own))
    zeroth, once, twice = (total(variances * beside**power) for power in range(3))
    second = (
        common**2 * zeroth**2
        + 2 * zeroth * twice
        - 4 * common * zeroth * once
        + 2 * once**2
        + total(variances**2 * ((scale + own) ** 2 - own**2))
    )
    found: ByGroup = first**2 / second
    return found


def _total(group: Int64[np.ndarray, " rows"], count: int, column: Column) -> ByGroup:
    """Sums by group, faster where there is only one."""
    return np.array([column.sum()]) if count == 1 else np.bincount(group, column, count)


def heterogeneity(groups: Groups) -> float:
    """How much speakers of one group differ: the squared coefficient of variation of their rates, by moments."""
    errors, words = groups.counts[:, ERRORS], groups.counts[:, WORDS]
    totals = groups.totals().astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = totals[:, ERRORS] / totals[:, WORDS]
    expected = rate[groups.group] * words
    part = words / np.maximum(totals[:, WORDS], 1)[groups.group]
    beyond = ((errors - expected) ** 2 / np.maximum(1 - part, 0.5)).sum() - errors.sum()
    return float(max(0.0, beyond / max(1.0, (expected**2).sum())))


def even_weights(groups: Groups, differ: float | None = None) -> Column:
    """1 / (1 + differ · expected errors), by row: who said much counts less than all that they said.

    The weights of a mixed Poisson model's score; `differ` is `heterogeneity` where it is not known.
    """
    differ = heterogeneity(groups) if differ is None else differ
    totals = groups.totals().sum(0)
    rate = totals[ERRORS] / max(1, totals[WORDS])
    found: Column = 1 / (1 + differ * rate * groups.counts[:, WORDS])
    return found
