"""Options of the recipes that mend a recogniser."""

import argparse
from pathlib import Path

from recipes.ewc.base import FULL, LAPTOP, Size

RUNS = Path("runs/mitigation")
SEEDS = 3


def wishes(about: str, to: Path) -> argparse.ArgumentParser:
    """What both are asked for; the table goes to `to`."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of an4 and geo")
    parser.add_argument(
        "--recordings", type=Path, help="a folder with utterances.csv instead of an4 in DATA"
    )
    parser.add_argument(
        "--census", type=Path, help="a table of zip codes. Default: geo/zcta.csv in DATA"
    )
    parser.add_argument("--runs", type=Path, default=RUNS, help="what is kept between calls")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many")
    parser.add_argument("--only", metavar="NAME", help="one arm of every seed, for example plain")
    parser.add_argument("--hours", type=float, default=float("inf"), help="stop after so many")
    parser.add_argument("--table", action="store_true", help="write what is there, train nothing")
    parser.add_argument("--steps", type=int, help="of an adaptation, for a trial")
    parser.add_argument("--base-steps", type=int, help="of a base, for a trial")
    parser.add_argument("--full", action="store_true", help="a large model for long, on a GPU")
    parser.add_argument("--to", type=Path, default=to, help="the table to write")
    return parser


def sized(wish: argparse.Namespace) -> Size:
    """How large everything is."""
    return FULL if wish.full else LAPTOP
