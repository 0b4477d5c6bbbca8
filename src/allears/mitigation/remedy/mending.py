"""From an audit to a better model, and the same audit again, in one call."""

import math

from allears.mitigation.refusal import MitigationError
from allears.mitigation.remedy import outcome
from allears.mitigation.remedy.material import gathered
from allears.mitigation.remedy.outcome import Outcome
from allears.mitigation.remedy.wish import METHODS, Show, Stopped, Wish, begun
from allears.outputs import write_whole

SUMMARY = "summary.json"


def mitigate(wish: Wish, show: Show, *, until: float = math.inf) -> Outcome | None:
    """What became of everybody, None where `time.monotonic()` passed `until`; the same wish goes on.

    In `wish.to`: model.safetensors, before and after as JSON and as pages, summary.json. Raises an AllearsError,
    with nothing written, for what nothing can be mended with.
    """
    if wish.method not in METHODS[wish.task]:
        raise MitigationError(
            f"--method {wish.method}: is not for --task {wish.task}; choose {', '.join(METHODS[wish.task])}"
        )
    material = gathered(wish)
    # Imported here so that a wish is refused before torch is waited for.
    from allears.mitigation.remedy import recognition, verification

    work = verification if wish.task == "verify" else recognition
    work.check(wish, material)
    begun(wish, material.utterances, str(material.cohort))
    try:
        found: Outcome = work.mended(wish, material, show, until)
    except Stopped:
        return None
    write_whole(wish.to / SUMMARY, (outcome.as_json(found) + "\n").encode())
    return found
