"""Which characters the bytes mean: byte order mark, header, the document's own label, UTF-8, then a fallback."""

from __future__ import annotations

import codecs
import re
from typing import Final, NamedTuple

from ca_etl.parse.page import Reject
from ca_etl.records import RejectReason

# Labels as the web uses them. Python knows codecs that are no charsets at all (zip, rot13, idna), so a label
# that is not listed here counts as none.
_CODECS: Final = {
    name: name
    for name in (
        *("utf-8", "koi8-r", "koi8-u", "iso-8859-2", "iso-8859-5", "iso-8859-7", "iso-8859-15"),
        *("windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254", "windows-1256"),
        *("windows-1257", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr"),
    )
} | {
    "utf8": "utf-8",
    "us-ascii": "windows-1252",
    "ascii": "windows-1252",
    "iso-8859-1": "windows-1252",
    "latin1": "windows-1252",
    "cp1252": "windows-1252",
    "cp1251": "windows-1251",
    "iso-8859-9": "windows-1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
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
# An XML declaration; PHP's notices may precede it.
_XML: Final = re.compile(rb"<\?xml\s[^<>]{0,200}?encoding\s{0,3}=\s{0,3}[\"']([\w.:-]{1,40})", re.IGNORECASE)
_XML_BYTES: Final = 65_536
# Words of accented letters alone, which no language of Western Europe has: another alphabet in a Western charset.
_NOT_WESTERN: Final = re.compile(r"[\u00c0-\u00ff]{4}|\b[\u00c0-\u00ff]{2,3}\b")
_WESTERN: Final = frozenset({"windows-1252", "windows-1254", "iso-8859-15"})
# A cut or two in a page are survivable and reported; beyond one character in a hundred the text is not the page's.
MAX_REPLACED_SHARE: Final = 0.01
# In an English page of any single-byte charset; a page of another alphabet read as Western is far above it.
MAX_FALLBACK_SHARE: Final = 0.10


class Decoded(NamedTuple):
    """The text, the charset with what decided it, and what could not be decoded.

    `is_usable` is False when too much was lost; with `damage` and True the text is kept, and its loss reported.
    `is_verbatim` says that the bytes are the text in UTF-8, nothing taken off or replaced.
    """

    text: str
    charset: str
    is_usable: bool = True
    damage: Reject | None = None
    is_verbatim: bool = False


def decode(payload: bytes, content_type: str | None, *, is_html: bool, is_xml: bool = False) -> Decoded:
    """`payload` as text; never raises.

    The first of byte order mark, header, `<meta>` (HTML) or declaration (XML), and UTF-8 that fits the bytes wins.
    XML for which header and declaration both fit and give different texts is not usable.
    Then: UTF-8 with replacements where most of the other bytes are UTF-8, else windows-1252.
    """
    for bom, codec in _BOMS:
        if payload.startswith(bom):
            body = payload[len(bom) :]
            text = _strict(body, codec)
            return Decoded(text, f"{codec} (bom)") if text is not None else _replaced(body, codec)
    utf8 = _strict(payload, "utf-8")
    readings = []
    for codec, witness in _declared(payload, content_type, is_html=is_html, is_xml=is_xml):
        text = utf8 if codec == "utf-8" else _in_codec(payload, codec, utf8)
        if text is not None:
            readings.append(Decoded(text, f"{codec} ({witness})", is_verbatim=codec == "utf-8"))
    if is_xml and any(reading.text != readings[0].text for reading in readings):
        which = " and ".join(reading.charset for reading in readings)
        damage = Reject.of(RejectReason.UNDECODABLE, f"{which} give different texts", readings[0].text)
        return readings[0]._replace(is_usable=False, damage=damage)
    if readings:
        return readings[0]
    return _fallback(payload) if utf8 is None else Decoded(utf8, "utf-8 (valid)", is_verbatim=True)


def _declared(
    payload: bytes, content_type: str | None, *, is_html: bool, is_xml: bool
) -> list[tuple[str, str]]:
    """The codecs that the header and the document itself name, each with the name of its witness."""
    labels = []
    header = _HEADER.search(content_type or "")
    if header is not None:
        labels.append((header[1].lower(), "header"))
    own = _META.search(payload[:_META_BYTES]) if is_html else None
    if is_xml:
        own = _XML.search(payload, 0, _XML_BYTES)
    if own is not None:
        labels.append((own[1].decode("ascii", "replace").lower(), "meta" if is_html else "declaration"))
    return [(_CODECS[label], witness) for label, witness in labels if label in _CODECS]


def _in_codec(payload: bytes, codec: str, utf8: str | None) -> str | None:
    """`payload` in a charset other than UTF-8; None where it cannot be meant, whatever the label.

    What is valid in UTF-8 and not ASCII is UTF-8, UTF-16 has NULs, and no Western text has words of accents alone.
    """
    if (utf8 is not None and not utf8.isascii()) or (codec.startswith("utf-16") and b"\x00" not in payload):
        return None
    text = _strict(payload, codec)
    is_misread = text is not None and codec in _WESTERN and _NOT_WESTERN.search(text) is not None
    return None if is_misread else text


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
    usable = foreign <= MAX_FALLBACK_SHARE * len(text) and _NOT_WESTERN.search(text) is None
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
