"""The demonstration: real speech over a bad network, as one page."""

from pathlib import Path

CLIPS = Path(__file__).parent / "clips"
"""Recorded speech that ships with the package, 16 kHz; `clips/README.md` says whose it is."""
