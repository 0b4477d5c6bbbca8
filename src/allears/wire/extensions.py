"""Extensions in the padding of an Opus packet (draft-ietf-mlcodec-opus-extension).

Old decoders skip padding unread, so whatever stands there harms nobody: deep redundancy travels so.
Each extension opens with a byte `id << 1 | L` and belongs to one frame of the packet.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from allears.wire.errors import ParseError

PADDING, SEPARATOR, REPEAT = 0, 1, 2
"""Ids that carry nothing themselves: filling, "next frame", "these again for every later frame"."""

FIRST_ID, FIRST_LONG_ID, LAST_ID = 3, 32, 127
"""Ids below 32 carry no byte or one, as L says; from 32 on a length, or all that is left (L = 0)."""


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension: its `id` 3–127, the `frame` of the packet it belongs to, and its `data`."""

    id: int
    frame: int
    data: bytes


@dataclass(slots=True)
class _Cursor:
    data: bytes
    at: int = 0

    def take(self, size: int, what: str) -> bytes:
        if size > len(self.data) - self.at:
            raise ParseError(f"Opus extensions: end at byte {len(self.data)} inside {what}")
        self.at += size
        return self.data[self.at - size : self.at]

    def length(self) -> int:
        """A length laced in 255s (like Ogg's)."""
        total = 0
        while True:
            step = self.take(1, "a length")[0]
            total += step
            if step < 255:
                return total

    def payload(self, ident: int, flag: int, keep: int) -> bytes:
        """What follows an id byte; a long one with L = 0 leaves only the last `keep` bytes."""
        if ident < FIRST_LONG_ID:
            return self.take(flag, f"extension {ident}")
        if flag:
            return self.take(self.length(), f"extension {ident}")
        return self.take(max(0, len(self.data) - self.at - keep), f"extension {ident}")


def parse(padding: bytes, frames: int) -> tuple[Extension, ...]:
    """Every extension in the `padding` of a packet of `frames` frames, in the order they stand.

    Raises ParseError where one is cut short or names a frame that the packet has not.
    """
    return tuple(_parse(_Cursor(padding), frames))


def _parse(cursor: _Cursor, frames: int) -> Iterator[Extension]:
    frame = 0
    repeatable: list[tuple[int, int]] = []  # (id, L) seen in this frame since the last REPEAT
    while cursor.at < len(cursor.data):
        head = cursor.take(1, "an id")[0]
        ident, flag = head >> 1, head & 1
        if ident == PADDING:
            if not flag:
                return
        elif ident == SEPARATOR:
            step = cursor.take(1, "a frame separator")[0] if flag else 1
            frame += step
            if frame >= frames:
                raise ParseError(f"Opus extensions: frame {frame} in a packet of {frames}")
            repeatable = repeatable if step == 0 else []
        elif ident == REPEAT:
            yield from _repeat(cursor, repeatable, range(frame + 1, frames), flag)
            repeatable = []
            if not flag:
                frame += 1
                if frame >= frames:
                    return
        else:
            yield Extension(ident, frame, cursor.payload(ident, flag, 0))
            repeatable.append((ident, flag))


def _repeat(
    cursor: _Cursor, heads: list[tuple[int, int]], frames: range, flag: int
) -> Iterator[Extension]:
    """The payloads of `heads` once more for each of `frames`.

    With L = 0 on the repeat itself, the very last long payload has no length either: it takes what is
    left but for the short payloads that stand behind it.
    """
    longs = [index for index, (ident, _) in enumerate(heads) if ident >= FIRST_LONG_ID]
    last = longs[-1] if longs else -1
    trailing = sum(short_flag for _, short_flag in heads[last + 1 :])
    for frame in frames:
        for index, (ident, own_flag) in enumerate(heads):
            ends_all = not flag and index == last and frame == frames[-1]
            yield Extension(
                ident, frame, cursor.payload(ident, 0 if ends_all else own_flag, trailing)
            )


def serialise(extensions: Sequence[Extension], size: int | None = None) -> bytes:
    """The padding that carries `extensions`, sorted by frame, filled up in front to `size` bytes.

    The last one is written without its length where it is long. Raises ValueError where an id or a
    short payload is out of range, or `size` is too small.
    """
    parts: list[bytes] = []
    frame = 0
    ordered = sorted(extensions, key=lambda extension: extension.frame)
    for index, extension in enumerate(ordered):
        step = extension.frame - frame
        if step:
            parts.append(
                bytes([SEPARATOR << 1]) if step == 1 else bytes([SEPARATOR << 1 | 1, step])
            )
        frame = extension.frame
        parts.append(_serialise_one(extension, last=index == len(ordered) - 1))
    body = b"".join(parts)
    if size is None:
        return body
    if size < len(body):
        raise ValueError(f"{len(body)} bytes of extensions do not fit into {size}")
    return bytes([PADDING << 1 | 1]) * (size - len(body)) + body


def _serialise_one(extension: Extension, *, last: bool) -> bytes:
    ident, data = extension.id, extension.data
    if not FIRST_ID <= ident <= LAST_ID:
        raise ValueError(f"extension id {ident} is not in {FIRST_ID}…{LAST_ID}")
    if ident < FIRST_LONG_ID:
        if len(data) > 1:
            raise ValueError(f"extension {ident} is short: one byte at most, not {len(data)}")
        return bytes([ident << 1 | len(data)]) + data
    if last:
        return bytes([ident << 1]) + data
    full, rest = divmod(len(data), 255)
    return bytes([ident << 1 | 1]) + b"\xff" * full + bytes([rest]) + data
