"""Which branch tells which turn: decided by when turns begin and end, so that a model can learn it.

As in HEAT (Lu et al., "Streaming end-to-end multi-talker speech recognition", 2021) and lhotse's SURT data: in
order of their beginnings, each turn goes to the first branch that is free by then.
"""

from collections.abc import Sequence


def assigned(spans: Sequence[tuple[float, float]], branches: int) -> list[int]:
    """The branch of each turn, which goes from when to when; turns are sorted by when they begin.

    Where all branches are taken, the turn goes to that which is free first; it overlaps with what is told there.
    Raises ValueError where turns are not sorted, or end before they begin.
    """
    free = [-float("inf")] * branches
    found: list[int] = []
    last = -float("inf")
    for begin, end in spans:
        if not last <= begin <= end:
            raise ValueError(f"turns are not sorted: {begin:g} to {end:g} after one from {last:g}")
        last = begin
        branch = next((index for index, time in enumerate(free) if time <= begin), None)
        if branch is None:
            branch = min(range(branches), key=lambda index: free[index])
        free[branch] = max(free[branch], end)
        found.append(branch)
    return found
