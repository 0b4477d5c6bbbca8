"""United States zip codes, however a table has mangled them."""

import re

_SHAPE = re.compile(r"(?P<digits>\d{3,9})(?:\.0+)?|(?P<five>\d{3,5})-\d{4}", re.ASCII)


def zip_code(text: str) -> str | None:
    """Five digits, or None for what is no zip code.

    Zeros in front that were lost to a number (`2139`, `2139.0`) come back; the four digits of ZIP+4 go.
    """
    found = _SHAPE.fullmatch(text.strip())
    if found is None:
        return None
    digits: str = found["five"] or found["digits"]
    if len(digits) > 5:
        # Nine digits without the dash, up to two zeros lost.
        digits = digits.zfill(9)[:5] if len(digits) >= 7 else ""
    return digits.zfill(5) if digits else None
