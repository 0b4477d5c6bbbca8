"""How much of the past a payload tells, and how finely."""

from dataclasses import dataclass

from allears.wire.dred import LATENT_MS, MAX_LATENTS


@dataclass(frozen=True, slots=True)
class RedundancyQuality:
    """How much of the past to send, and how finely: level `q0` (0 finest … 15) for the newest latent,
    rising by slope `dq` (0–7) to `qmax` at most."""

    milliseconds: int = 1040
    q0: int = 5
    dq: int = 6
    qmax: int = 15

    @property
    def latents(self) -> int:
        """How many latents of 40 ms reach so far back."""
        return min(MAX_LATENTS, -(-self.milliseconds // int(LATENT_MS)))
