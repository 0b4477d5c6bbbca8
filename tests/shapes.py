"""The type checker that watches every annotated function of the package while tests run."""

from beartype import BeartypeConf, beartype

# An int is a fine float here, as PEP 484 has it.
checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
