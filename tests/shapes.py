"""The type checker that watches every annotated function of the rooms with samples in tests.

`wire` has bytes, not shapes, and loops over single bits: watching it would take longer than testing it.
"""

from beartype import BeartypeConf, beartype

# An int is a fine float here, as PEP 484 has it.
checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
