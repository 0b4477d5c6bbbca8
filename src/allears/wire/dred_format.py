"""Whose deep redundancy (DRED) an extension carries: the standard's, or that of a model of ours.

A body can be read only with the entropy tables and the decoder of the model that it was made with.
libopus sends under extension 126 what the standard's weights make, and nothing else may be sent so.
What weights of our own make goes under 125, and names them: 'A', version 1, four bytes of their hash.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from allears.wire.dred import EXTENSION_ID, VERSION_TAG
from allears.wire.extensions import Extension

OWN_EXTENSION_ID = 125
"""The experimental extension that bodies of our own models travel under."""

OWN_TAG = b"A\x01"
HASH_SIZE = 4


@dataclass(frozen=True, slots=True)
class DredFormat:
    """What stands before a body: the `extension_id` that it is sent under, and a `prefix`."""

    extension_id: int
    prefix: bytes

    @classmethod
    def own(cls, model_hash: bytes) -> "DredFormat":
        """Of the model with this hash, of which the first four bytes are sent."""
        if len(model_hash) < HASH_SIZE:
            raise ValueError(f"a hash of {len(model_hash)} bytes, fewer than {HASH_SIZE}")
        return cls(OWN_EXTENSION_ID, OWN_TAG + model_hash[:HASH_SIZE])

    @property
    def model_hash(self) -> bytes | None:
        """The four bytes that name a model of ours; None for the standard's."""
        return None if self == OPUS_DRED else self.prefix[len(OWN_TAG) :]

    def wrap(self, body: bytes, frame: int = 0) -> Extension:
        """The extension that carries `body` on a frame of a packet."""
        return Extension(self.extension_id, frame, self.prefix + body)

    def unwrap(self, extension: Extension) -> bytes | None:
        """The body in an extension; None where it is not of this format."""
        if extension.id != self.extension_id or not extension.data.startswith(self.prefix):
            return None
        return extension.data[len(self.prefix) :]


OPUS_DRED = DredFormat(EXTENSION_ID, VERSION_TAG)
"""What libopus 1.6 sends: 'D', version 12."""


def find(
    extensions: Iterable[Extension], formats: Iterable[DredFormat]
) -> tuple[DredFormat, bytes, int] | None:
    """The first DRED on a packet in one of the `formats`: format, body, and frame of the packet.

    What is in none of them, such as what a model made that is not here, is passed over: no decoder
    must ever be fed what is not its own.
    """
    known = tuple(formats)
    for extension in extensions:
        for each in known:
            body = each.unwrap(extension)
            if body is not None:
                return each, body, extension.frame
    return None


def recognise(extension: Extension) -> DredFormat | None:
    """The format of any DRED, be its model known or not; None for other extensions."""
    if OPUS_DRED.unwrap(extension) is not None:
        return OPUS_DRED
    named = extension.data[len(OWN_TAG) :]
    if len(named) < HASH_SIZE or DredFormat.own(named).unwrap(extension) is None:
        return None
    return DredFormat.own(named)
