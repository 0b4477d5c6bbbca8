"""What came out, as a page whose sentences follow from its figures."""

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from allears.outputs import write_whole
from recipes.arw import compare, figures
from recipes.arw.arms import PLAIN, RATES, Arm, Size
from recipes.arw.compare import percent, quantity, relative
from recipes.arw.figures import Key, Row
from recipes.arw.judging import JOINED
from recipes.arw.material import Material
from recipes.arw.outcomes import Outcome

LANGUAGES = "accent", "native_language"
_RATE = "EER"


def write(
    found: Sequence[Outcome], size: Size, steps: int, given: Material, errors: Mapping[Arm, float], path: Path
) -> None:  # fmt: skip
    """All of it, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, page(found, size, steps, given, errors).encode())


def page(
    found: Sequence[Outcome], size: Size, steps: int, given: Material, errors: Mapping[Arm, float]
) -> str:
    """As Markdown."""
    lines = [
        "# Adversarial reweighting for speaker verification",
        "",
        *_head(found, size, steps, given),
    ]
    lines += ["", *_training(found, errors)]
    for name in given.test:
        lines += ["", f"## {name}", "", languages(name, given), "", *_errors(found, name)]
        lines += ["", *_threshold(found, name)]
        if len(found) > 1 and found[0].arm.name == PLAIN:
            lines += ["", *_changes(found, name)]
    lines += ["", *compare.with_paper(found, largest(given))]
    return "\n".join([*lines, ""])


def largest(given: Material) -> str:
    """The set with the most speakers, the first of equals."""
    return max(
        given.test, key=lambda each: len({one.speaker for one in given.test[each].utterances})
    )


def languages(name: str, given: Material) -> str:
    """How many first languages a set knows of."""
    people = {each.speaker: each.attributes for each in given.test[name].utterances}
    known = {about[by] for about in people.values() for by in LANGUAGES if about.get(by)}
    if not known:
        said = "Nothing is known of first languages"
    elif len(known) == 1:
        said = f"All whose first language is known have the same, {known.pop()}: no gap between languages"
    else:
        said = f"First languages are {', '.join(sorted(known))}"
    return f"{len(people)} speakers. {said}."


def _head(found: Sequence[Outcome], size: Size, steps: int, given: Material) -> list[str]:
    config, seeds = size.config, {each.arm.name: len(each.seeds) for each in found}
    people = len({each.speaker for each in given.training.utterances})
    return [
        f"Written by `python -m recipes.arw.recipe` on {datetime.now(tz=UTC).date()}, {platform.machine()}, torch "
        f"{torch.__version__}. ECAPA-TDNN of {config.width} channels, {config.size} numbers a voice, angular "
        f"prototypical loss, {steps} steps of {size.speakers} speakers with two crops each, {people} speakers to "
        f"learn from. Trainings at their end: {', '.join(f'{each} {count}' for each, count in seeds.items())}. "
        "All arms of a seed begin as the same network and hear the same batches. One clip of 2 to 4 s of every "
        "utterance, every clip with every other, cosines. Rates are in per cent, means over seeds; in brackets "
        "95 % intervals, speakers drawn anew with all seeds. Groups are of trials whose speakers both are in "
        "them. "
        "Test speakers decided nothing.",
    ]  # fmt: skip


def _training(found: Sequence[Outcome], errors: Mapping[Arm, float]) -> list[str]:
    """What was chosen by whom, and how far weights went."""
    rows = []
    for each in found:
        tried = [arm for arm in errors if arm.form == each.arm.form]
        rows.append([
            each.arm.name,
            ", ".join(f"{100 * errors[arm]:.2f}{f' ({arm.rate})' if arm.rate else ''}" for arm in tried),
            _known(each.logged("effective"), 3),
            _known(each.logged("heaviest"), 2),
            _known(100 * each.logged("right"), 1),
        ])  # fmt: skip
    rates = ", ".join(f"{name} {rate:g}" for name, rate in RATES.items())
    return [
        f"How quickly the adversary learns ({rates}) was chosen by the equal error rate of development speakers "
        "after the first seed. Effective sample size (Kish) as a share of the batch, heaviest weight through the "
        "mean, and crops whose nearest is of the same speaker, at the end of training:",
        "",
        *_table(["arm", "development EER", "effective", "heaviest", "right, %"], rows),
    ]  # fmt: skip


def _errors(found: Sequence[Outcome], name: str) -> list[str]:
    """Equal error rates, each at its own threshold; detection cost; gaps and deviations."""
    means = [each.over(name, each.seeds) for each in found]
    rows = [
        [_title(part), *(percent(each[_RATE, *part]) for each in means)] for part in _parts(means)
    ]
    rows.append(["minDCF", *(quantity(each["minDCF", *figures.ALL], 3) for each in means)])
    for by in _groupings(means):
        rows.append([f"gap, {_named(by)}", *(percent(figures.gap(each, by)) for each in means)])
        rows.append(
            [f"deviation, {_named(by)}", *(percent(figures.deviation(each, by)) for each in means)]
        )
    return [
        "Equal error rate (convex hull), each group at its own threshold; the least detection cost at a prior of "
        f"{figures.PRIOR}; highest less lowest group, and the population's deviation over groups. A gap is never "
        "below 0, so its interval tends upwards:",
        "",
        *_table([_RATE, *(each.arm.name for each in found)], rows),
    ]  # fmt: skip


def _threshold(found: Sequence[Outcome], name: str) -> list[str]:
    """Both errors of each group at one threshold."""
    means = [each.over(name, each.seeds) for each in found]
    rows = [
        [_title(part), *(f"{percent(each['FNMR', *part])} / {percent(each['FMR', *part])}" for each in means)]
        for part in _parts(means)
    ]  # fmt: skip
    for by in _groupings(means):
        gaps = (
            " / ".join(percent(figures.gap(each, by, kind)) for kind in ("FNMR", "FMR")) for each in means
        )  # fmt: skip
        rows.append([f"gap, {_named(by)}", *gaps])
    return [
        "Refused / let in (FNMR / FMR) at one threshold for all, where both are equal over all trials of a model:",
        "",
        *_table(["group", *(each.arm.name for each in found)], rows),
    ]


def _changes(found: Sequence[Outcome], name: str) -> list[str]:
    """Against plain training of the same seeds."""
    plain, *others = found
    rows = []
    for title, row in compare.asked(plain.over(name, plain.seeds)):
        cells = []
        for each in others:
            both = compare.paired(plain, each)
            alone = [compare.changed(plain, each, name, row, [seed]) for seed in both]
            seeds = ", ".join(map(compare.point, alone))
            cells.append(
                f"{relative(compare.changed(plain, each, name, row, both))}; seeds {seeds}"
                if both
                else "–"
            )
        rows.append([title, *cells])
    return [
        f"Relative change against {PLAIN}, seeds and drawn speakers paired, in per cent; then seed by seed:",
        "",
        *_table(["change", *(each.arm.name for each in others)], rows),
    ]


def _parts(means: Sequence[Mapping[Key, Row]]) -> list[tuple[str, str]]:
    return [(by, group) for figure, by, group in means[0] if figure == _RATE]


def _groupings(means: Sequence[Mapping[Key, Row]]) -> list[str]:
    return list(dict.fromkeys(by for by, _ in _parts(means) if by))


def _title(part: tuple[str, str]) -> str:
    return part[1] or "all trials"


def _named(by: str) -> str:
    return by.replace("_", " ") if JOINED not in by else "both"


def _known(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else "–"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(each) + " |" for each in (head, ["---"] * len(head), *rows)]
