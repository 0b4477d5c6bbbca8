"""What every error of ours has in common: one line that says what is wrong and how to mend it."""


class AllearsError(Exception):
    """Base of every error that bad input can cause; the command line turns it into exit code 2."""
