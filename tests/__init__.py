"""Tests, in the same rooms as the source. The shapes they check by are loaded with them."""

from tests import shapes as shapes
