"""Which characters the bytes mean: byte order mark, header, `<meta>`, UTF-8, and only then a fallback."""

from __future__ import annotations

import codecs
import re
from typing import Final, NamedTuple

from ca_etl.parse.page import Reject
from ca_etl.records import RejectReason

# Labels as the web uses them. Python knows codecs that are no charsets at all (zip, rot13, idna), so a label
# that is not listed here counts as none.
_CODECS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "windows-1252",
    "ascii": "windows-1252",
    "iso-8859-1": "windows-1252",
    "latin1": "windows-1252",
    "windows-1252": "windows-1252",
    "cp1252": "windows-1252",
    "iso-8859-15": "iso-8859-15",
    "windows-1251": "windows-1251",
    "cp1251": "windows-1251",
    "koi8-r": "koi8-r",
    "iso-8859-5": "iso-8859-5",
    "windows-1254": "windows-1254",
    "iso-8859-9": "windows-1254",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEADER: Final = re.compile(r"charset\s{0,3}=\s{0,3}[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_META: Final = re.compile(rb"<meta[^<>]{0,200}?charset\s{0,3}=\s{0,3}[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_META_BYTES: Final = 1024
# A cut or two in a page are survivable and reported; beyond one character in a hundred the text is not the page's.
MAX_REPLACED_SHARE: Final = 0.01
# In an English page of any single-byte charset; a page of another alphabet read as Western is far above it.
MAX_FALLBACK_SHARE: Final = 0.10


class Decoded(NamedTuple):
    """The text, the charset with what decided it, and what could not be decoded.

    `is_usable` is False when too much was lost; with `damage` and True the text stands, and its loss is told.
    `is_verbatim` says that the bytes are the text in UTF-8, nothing taken off or replaced.
    """

    text: str
    charset: str
    is_usable: bool = True
    damage: Reject | None = None
    is_verbatim: bool = False


def decode(payload: bytes, content_type: str | None, *, is_html: bool) -> Decoded:
    """`payload` as text; never raises.

    The first of byte order mark, header, `<meta>` (HTML only) and UTF-8 that decodes without an error wins.
    Then: UTF-8 with replacements where most of the other bytes are UTF-8, else windows-1252.
    """
    for bom, codec in _BOMS:
        if payload.startswith(bom):
            body = payload[len(bom) :]
            text = _strict(body, codec)
            return Decoded(text, f"{codec} (bom)") if text is not None else _replaced(body, codec)
    for label, witness in _declared(payload, content_type, is_html=is_html):
        codec = _CODECS[label]
        text = _strict(payload, codec)
        if text is not None:
            return Decoded(text, f"{codec} ({witness})", is_verbatim=codec == "utf-8")
    text = _strict(payload, "utf-8")
    if text is not None:
        return Decoded(text, "utf-8 (valid)", is_verbatim=True)
    return _fallback(payload)


def _declared(payload: bytes, content_type: str | None, *, is_html: bool) -> list[tuple[str, str]]:
    labels = []
    header = _HEADER.search(content_type or "")
    if header is not None:
        labels.append((header[1].lower(), "header"))
    meta = _META.search(payload[:_META_BYTES]) if is_html else None
    if meta is not None:
        labels.append((meta[1].decode("ascii", "replace").lower(), "meta"))
    return [(label, witness) for label, witness in labels if label in _CODECS]


def _strict(payload: bytes, codec: str) -> str | None:
    try:
        return payload.decode(codec)
    except UnicodeDecodeError:
        return None


def _fallback(payload: bytes) -> Decoded:
    text = payload.decode("utf-8", "replace")
    lost = text.count("\ufffd")
    whole = len(text) - lost - len(text.encode("ascii", "ignore"))
    if whole >= lost:
        return _replaced(payload, "utf-8")
    text = payload.decode("windows-1252", "replace")
    foreign = len(text) - len(text.encode("ascii", "ignore"))
    damage = Reject.of(
        RejectReason.UNDECODABLE,
        f"neither declared nor UTF-8: {foreign} of {len(text)} characters are not ASCII in windows-1252",
        text,
    )
    usable = foreign <= MAX_FALLBACK_SHARE * len(text)
    return Decoded(text, "windows-1252 (fallback)", usable, None if usable else damage)


def _replaced(payload: bytes, codec: str) -> Decoded:
    text = payload.decode(codec, "replace")
    lost = text.count("\ufffd")
    at = text.find("\ufffd")
    damage = Reject.of(
        RejectReason.UNDECODABLE,
        f"{lost} of {len(text)} characters are no {codec} and were replaced, the first at {at}",
        text[max(0, at - 60) :],
    )
    return Decoded(text, f"{codec} ({lost} replaced)", lost <= MAX_REPLACED_SHARE * len(text), damage)
