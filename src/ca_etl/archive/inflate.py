"""Bounded inflating of gzip bodies, with the end of the stream required.

The HTTP libraries take a cut gzip body for a whole one: 49,549 of 60,000 bytes came back without an error. Here a
stream that does not reach its end marker is an error, and a bomb is stopped at the step that crosses a bound.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Final

GZIP_MAGIC: Final = b"\x1f\x8b"
STEP: Final = 65_536
# Short pages of one repeated line compress a thousandfold; only what is large can hurt.
RATIO_FREE_BYTES: Final = 1_000_000


class InflateError(Exception):
    """A body could not be inflated to its end. `partial` is what came out before."""

    def __init__(self, message: str, partial: bytes = b"") -> None:
        super().__init__(message)
        self.partial = partial


class CutStreamError(InflateError):
    """The bytes end before the stream does."""


class CorruptStreamError(InflateError):
    """The bytes are not gzip, or their checksum is wrong."""


class TooLargeError(InflateError):
    """The decoded body crosses a bound of size or ratio."""


@dataclass(frozen=True, slots=True)
class Inflated:
    """A whole body. `trailing_bytes` followed the last gzip member and are no part of it."""

    body: bytes
    members: int
    trailing_bytes: int


class Inflater:
    """Inflates gzip (one member or several) chunk by chunk.

    After a complete member, bytes that begin another member belong to the body and must reach their own end.
    Any other bytes (zero padding, a warning that PHP printed after its compressed page) are counted and left out,
    as browsers do: the page before them is whole.
    """

    def __init__(self, *, max_bytes: int, max_ratio: float) -> None:
        self._max_bytes = max_bytes
        self._max_ratio = max_ratio
        self._stream = zlib.decompressobj(wbits=31)
        # its value is given without a copy of 30 MB beside the pieces
        self._out = BytesIO()
        self._size = 0
        self._wire = 0
        self._members = 0
        self._started = False
        self._between = b""
        self._trailing = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the wire. Raises `CorruptStreamError` or `TooLargeError`."""
        self._wire += len(chunk)
        pending = self._between + chunk
        self._between = b""
        while pending:
            if self._trailing:
                self._trailing += len(pending)
                return
            if not self._started and self._members:
                if pending == GZIP_MAGIC[:1]:
                    self._between = pending
                    return
                if not pending.startswith(GZIP_MAGIC):
                    self._trailing = len(pending)
                    return
            pending = self._inflate(pending)

    def finish(self) -> Inflated:
        """The whole body. Raises `CutStreamError` if the stream is not at its end."""
        if self._started or self._members == 0 or self._between:
            raise CutStreamError(f"gzip stream cut after {self._wire} bytes", self._partial())
        return Inflated(self._partial(), self._members, self._trailing)

    def _inflate(self, pending: bytes) -> bytes:
        self._started = True
        try:
            piece = self._stream.decompress(pending, STEP)
        except zlib.error as error:
            raise CorruptStreamError(f"no valid gzip: {error}", self._partial()) from error
        self._size += self._out.write(piece)
        self._check_bounds()
        if not self._stream.eof:
            return self._stream.unconsumed_tail
        rest = self._stream.unused_data
        self._members += 1
        self._started = False
        self._stream = zlib.decompressobj(wbits=31)
        return rest

    def _check_bounds(self) -> None:
        if self._size > self._max_bytes:
            raise TooLargeError(f"inflates to more than {self._max_bytes} bytes", self._partial())
        if self._size > RATIO_FREE_BYTES and self._size > self._max_ratio * self._wire:
            raise TooLargeError(f"inflates to more than {self._max_ratio:g} times its size", self._partial())

    def _partial(self) -> bytes:
        return self._out.getvalue()


def inflate(wire: bytes, *, max_bytes: int, max_ratio: float) -> Inflated:
    """Inflate a whole gzip body. Raises an `InflateError`."""
    inflater = Inflater(max_bytes=max_bytes, max_ratio=max_ratio)
    for start in range(0, len(wire), STEP):
        inflater.feed(wire[start : start + STEP])
    return inflater.finish()
