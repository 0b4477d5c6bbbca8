"""Counts that add: a rate comes from sums over sessions, so that nobody averages rates by mistake."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from math import nan
from typing import TypeVar

Kind = TypeVar("Kind", bound="Counts")


@dataclass(frozen=True, slots=True)
class Counts(ABC):
    """Base of counts; each field is a whole number or counts again, 0 where it is not given.

    `sum(several, Kind())` adds those of one kind; whole numbers come to the same in any order.
    """

    def __add__(self: Kind, other: Kind) -> Kind:
        if type(other) is not type(self):
            return NotImplemented
        names = (each.name for each in fields(self))
        return type(self)(*(getattr(self, name) + getattr(other, name) for name in names))

    @property
    @abstractmethod
    def fraction(self) -> tuple[int, int]:
        """What the rate is made of: two columns that a bootstrap can add over sessions."""

    @property
    def rate(self) -> float:
        """The fraction as a number; NaN where nothing was counted."""
        above, below = self.fraction
        return above / below if below else nan
