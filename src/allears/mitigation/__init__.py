"""From a gap to a better model: what narrows it, and what keeps the others from paying for it."""
