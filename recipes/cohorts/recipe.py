"""Who is served worse: by where people live, or by how they sound? And audits of real results.

    python -m recipes.cohorts.recipe --data DATA                       # speechocean762, heard by PocketSphinx
    python -m recipes.cohorts.recipe --data DATA --results RESULTS.csv --recordings FOLDER

RESULTS has the columns that `allears audit` knows; with `zip` the geography is theirs, with `embedding` the
voices, too. Stopped at any time, the same command goes on.
"""

import argparse
from pathlib import Path

from allears.fairness.audit import audit
from allears.fairness.cohorts.census import Census
from allears.fairness.columns import Columns
from allears.fairness.reading import read
from allears.fairness.wish import Wish
from recipes.cohorts import material, table

HERE = Path(__file__).parent
AUDITS = (
    ("artie_deepspeech-0.7.3.csv", None, ("gender", "age", "accent")),
    ("edacc_whisper-large-v3-turbo.csv", "edacc_parakeet-tdt-0.6b-v2.csv", ("accent",)),
)
"""Results, those of a second system on the same speech, and the groups named beforehand."""


def main() -> None:
    """Hear what is not heard yet, then write the table."""
    wish = _wish()
    recordings = wish.recordings or wish.data / "speechocean762"
    results = wish.results or material.heard(recordings, wish.runs, wish.each)
    census = Census.read(wish.census or wish.data / "geo/zcta.csv")
    found = read([results], Columns())
    sums, notes = material.completed(found.sums, found.columns.zip, census, recordings, wish.seed)
    rows = table.discoveries(sums, census, wish.seed)
    folder = wish.data / "audits"
    audits = [
        audit([folder / name], Wish(by=by, other=folder / other if other else None, seed=wish.seed))
        for name, other, by in AUDITS
        if (folder / name).exists()
    ]
    table.write(rows, audits, [f"Results: {results.name}.", *notes], wish.out)


def _wish() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of audits, geo, recordings"
    )
    parser.add_argument(
        "--results", type=Path, help="what was said and heard, instead of PocketSphinx"
    )
    parser.add_argument(
        "--recordings", type=Path, help="folder with the utterances.csv of the results"
    )
    parser.add_argument(
        "--census", type=Path, help="a table of zip codes. Default: geo/zcta.csv in DATA"
    )
    parser.add_argument(
        "--each", type=int, default=6, help="recordings of a speaker that are heard"
    )
    parser.add_argument("--seed", type=int, default=0, help="of halves, places and clusters")
    parser.add_argument("--runs", type=Path, default=Path("runs/recipe-cohorts"))
    parser.add_argument("--out", type=Path, default=HERE / "table.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
