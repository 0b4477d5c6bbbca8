"""What hears conversations and ships: the whole separator-transducer-segmenter, judged on speakers set aside.

python -m recipes.sts.recipe --data DATA --only penalty-0
python -m recipes.sts.ship --data DATA
"""

import argparse
from pathlib import Path

from allears.asr.bundle import FLOAT16, INT8
from allears.asr.training import CHECKPOINT
from allears.outputs import write_whole
from allears.parties.finish import finish
from allears.parties.opening import SHIPPED_FILE
from recipes.recognition.material import development
from recipes.sts.recipe import AN4, aside

TEXT = "two at once who spell, say digits, numbers and commands in English; not free sentences"


def main() -> None:
    """Write the file, and say how well each form of it hears."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="where the corpora's folders are")
    parser.add_argument("--packs", type=Path, default=Path("runs/recognition/packs"))
    parser.add_argument(
        "--checkpoint", type=Path, default=Path("runs/sts/penalty-0") / CHECKPOINT, help="of an arm"
    )
    parser.add_argument("--to", type=Path, default=SHIPPED_FILE, help="the file to write")
    wish = parser.parse_args()
    sessions = aside(development(wish.data, AN4, wish.packs)["an4"])
    finished = finish(wish.checkpoint, sessions, smaller=(INT8, FLOAT16), text=TEXT)
    write_whole(wish.to, finished.data)
    for form, size in finished.sizes.items():
        judged = finished.judged[form]
        print(
            f"{form}: {size:,} bytes, ORC-WER {judged.words.rate:.1%}, turns right {judged.turns.rate:.1%}"
        )
    print(f"{wish.to}: {finished.bundle.about}")


if __name__ == "__main__":
    main()
