"""Detection of a payload's form (HTML, text, JSON, RSS) and charset, and its decoding to text."""

from __future__ import annotations

import codecs
import re
from enum import Enum
from typing import Final, NamedTuple

from ca_etl.parse.links import is_api, is_feed
from ca_etl.parse.page import Reject
from ca_etl.records import RejectReason

# Real pages have 10 kB as text and up to 400 kB as HTML. Up to these sizes a page takes about a second;
# beyond them the body is not scanned: a line of 200 MB costs a comparison.
MAX_TEXT_BYTES: Final = 8_000_000
MAX_HTML_BYTES: Final = 4_000_000

# fmt: off
_MAGIC: Final = {
    b"%PDF-": "PDF", b"\x89PNG": "PNG", b"GIF8": "GIF", b"\xff\xd8\xff": "JPEG", b"PK\x03\x04": "ZIP",
    b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"RIFF": "RIFF", b"PAR1": "Parquet",
    b"\x7fELF": "ELF", b"SQLite format 3": "SQLite",
}
_CHALLENGES: Final = (
    "<title>just a moment...</title>", "<title>attention required! | cloudflare</title>",
    "<title>access denied</title>", "<title>ddos-guard</title>", "_cf_chl_opt", "cf-browser-verification",
    "/_incapsula_resource",
)
# fmt: on
_BOMS: Final = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# The prefix that is searched for signs, and shown of what is refused.
_HEAD: Final = 4096
# C0 controls that are in no text: all but tab, line feed, form feed and carriage return.
_CONTROLS: Final = bytes(code for code in range(32) if code not in b"\t\n\f\r")
MAX_CONTROL_SHARE: Final = 0.02
_TYPES: Final = {"text/html": True, "application/xhtml+xml": True, "text/plain": False}
_HTML_START: Final = re.compile(
    rb"(?:<!--[^>]{0,200}-->\s{0,9})?<(?:!doctype html|html|head|body|meta|title|div|main|article|h[1-6])[\s>]",
    re.IGNORECASE,
)
_MACHINE_TYPE: Final = re.compile(r"(?:application|text)/(?:[\w.-]{1,40}\+)?(json|xml)")
_FEED_START: Final = re.compile(
    rb"(?:\s{0,20}(?:<\?[^>]{0,300}\?>|<!--[^>]{0,300}-->)){0,9}\s{0,20}<rss[\s>]"
)
# At a feed's address a notice of PHP's may precede it, and makes the type text/html.
_RSS: Final = re.compile(rb"<rss[\s>]")
_NOTICE_BYTES: Final = 65_536


class Form(Enum):
    """The form of a payload: HTML, plain text, JSON of the posts API, or RSS feed."""

    HTML = "html"
    TEXT = "text"
    JSON = "json"
    FEED = "feed"


def form_of(payload: bytes, content_type: str | None, url: str | None = None) -> Form | Reject:
    """Determine the form of `payload`, or the reject of a payload that is empty, binary or too large.

    The declared type decides; the first bytes do where no type is declared or where plain text begins with an HTML
    element. RSS begins with `<rss`, or has that tag and a `url` of a feed. JSON needs two of three signs: the first
    character, the declared type, a `url` of the API (HTML at such a `url` stays HTML). Binary is a known magic number,
    any other declared type, or more than `MAX_CONTROL_SHARE` control characters (NUL included) in the first 4 kB.
    """
    unreadable = _unreadable(payload)
    if unreadable is not None:
        return unreadable
    declared = (content_type or "").partition(";")[0].strip().lower()
    head = payload[:_NOTICE_BYTES]
    if head.startswith(_UTF16):
        head = head.decode("utf-16", "ignore").encode()
    head = head.lstrip().removeprefix(codecs.BOM_UTF8).lstrip()
    if (form := _for_machines(head, declared, url)) is not None:
        return form
    if declared and declared not in _TYPES:
        return _reject(RejectReason.BINARY, f"content type {declared[:60]!r} is no page", payload)
    if not _TYPES.get(declared) and _HTML_START.match(head) is None:
        return Form.TEXT
    if len(payload) > MAX_HTML_BYTES:
        why = f"{len(payload)} bytes of HTML, more than {MAX_HTML_BYTES}"
        return _reject(RejectReason.TOO_LARGE, why, payload)
    return Form.HTML


def _unreadable(payload: bytes) -> Reject | None:
    if len(payload) > MAX_TEXT_BYTES:
        return _reject(RejectReason.TOO_LARGE, f"{len(payload)} bytes, more than {MAX_TEXT_BYTES}", payload)
    head = payload[:_HEAD]
    if not head.strip() and not payload.strip():
        return Reject(RejectReason.EMPTY, f"{len(payload)} bytes, none but white space", "")
    if head.startswith(tuple(_MAGIC)):
        name = next(name for magic, name in _MAGIC.items() if head.startswith(magic))
        return _reject(RejectReason.BINARY, f"begins like {name}", payload)
    controls = 0 if head.startswith(_UTF16) else len(head) - len(head.translate(None, _CONTROLS))
    if controls <= MAX_CONTROL_SHARE * len(head):
        return None
    why = f"{controls} control characters in the first {len(head)} bytes"
    return _reject(RejectReason.BINARY, why, payload)


def _for_machines(head: bytes, declared: str, url: str | None) -> Form | None:
    machine_type = _MACHINE_TYPE.fullmatch(declared)
    of_type = None if machine_type is None or declared in _TYPES else machine_type[1]
    if _FEED_START.match(head) or (is_feed(url) and (of_type == "xml" or _RSS.search(head))):
        return Form.FEED
    is_requested = is_api(url)
    if is_requested and _HTML_START.match(head):
        return Form.HTML
    return Form.JSON if (head[:1] in {b"{", b"["}) + (of_type == "json") + is_requested >= 2 else None


def find_challenge(text: str) -> str | None:
    """The HTML snippet that identifies `text` as a bot check ("Just a moment..."); None for any other page.

    The snippet is searched in the first 4,096 characters. Scripts of a bot-check service do not count, since ordinary
    pages have them, too.
    """
    head = text[:_HEAD].lower()
    return next((mark for mark in _CHALLENGES if mark in head), None)


def text_prefix(payload: bytes) -> str:
    """The first 4,096 bytes of `payload` decoded as UTF-8, for a reject; NUL and invalid bytes become U+FFFD."""
    return payload[:_HEAD].decode("utf-8", "replace").replace("\x00", "\ufffd")


def _reject(reason: RejectReason, detail: str, payload: bytes) -> Reject:
    return Reject.of(reason, detail, text_prefix(payload))


# Labels of the WHATWG Encoding Standard. Python has codecs that are not charsets (zip, rot13, idna), so a label that is
# not listed here is ignored.
# fmt: off
_CODECS: Final = {
    **{name: name for name in (
        "utf-8", "koi8-r", "koi8-u", "iso-8859-2", "iso-8859-5", "iso-8859-7", "iso-8859-15", "windows-1250",
        "windows-1251", "windows-1252", "windows-1253", "windows-1254", "windows-1256", "windows-1257", "gb18030",
        "big5", "shift_jis", "euc-jp", "euc-kr",
    )},
    "utf8": "utf-8", "us-ascii": "windows-1252", "ascii": "windows-1252", "iso-8859-1": "windows-1252",
    "latin1": "windows-1252", "cp1252": "windows-1252", "cp1251": "windows-1251", "iso-8859-9": "windows-1254",
    "gb2312": "gb18030", "gbk": "gb18030", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be",
}
# fmt: on
_LABEL: Final = r"charset\s{0,3}=\s{0,3}[\"']?([\w.:-]{1,40})"
_HEADER: Final = re.compile(_LABEL, re.IGNORECASE)
_META: Final = re.compile(rf"<meta[^<>]{{0,200}}?{_LABEL}".encode(), re.IGNORECASE)
_META_BYTES: Final = 1024
# An XML declaration; PHP's notices may precede it.
_XML: Final = re.compile(rb"<\?xml\s[^<>]{0,200}?encoding\s{0,3}=\s{0,3}[\"']([\w.:-]{1,40})", re.IGNORECASE)
# Words of accented letters alone, which no language of Western Europe has: another alphabet in a Western charset.
_NOT_WESTERN: Final = re.compile(r"[\u00c0-\u00ff]{4}|\b[\u00c0-\u00ff]{2,3}\b")
_WESTERN: Final = frozenset({"windows-1252", "windows-1254", "iso-8859-15"})
# A cut or two in a page are reported; beyond one character in a hundred the text is not the page's.
MAX_REPLACED_SHARE: Final = 0.01
# In an English page of any single-byte charset; a page of another alphabet read as Western is far above it.
MAX_FALLBACK_SHARE: Final = 0.10


class Decoded(NamedTuple):
    """A payload (the body of a response or file) decoded to text.

    `charset` names the charset and how it was decided ("utf-8 (header)"). `damage` is the reject of characters that
    could not be decoded, None where all could; `is_usable` is False where they are too many for the text to be parsed.
    `is_verbatim` is True where the payload is the text in UTF-8, with nothing removed or replaced.
    """

    text: str
    charset: str
    is_usable: bool = True
    damage: Reject | None = None
    is_verbatim: bool = False


def decode(payload: bytes, content_type: str | None, *, is_html: bool, is_xml: bool = False) -> Decoded:
    """Decode `payload` and name its charset; never raises.

    The first charset that fits the bytes wins: byte order mark, HTTP header, `<meta>` (HTML) or XML declaration, UTF-8.
    Where none fits, it is UTF-8 with replacement characters if most non-ASCII bytes are UTF-8, else windows-1252.
    XML whose header and declaration both fit but give different texts is not usable.
    """
    for bom, codec in _BOMS.items():
        if payload.startswith(bom):
            body = payload[len(bom) :]
            text = _strict(body, codec)
            return Decoded(text, f"{codec} (bom)") if text is not None else _replaced(body, codec)
    utf8 = _strict(payload, "utf-8")
    header = _HEADER.search(content_type or "")
    own = _META.search(payload[:_META_BYTES]) if is_html else None
    if is_xml:
        own = _XML.search(payload, 0, _NOTICE_BYTES)
    labels = {
        "header": header and header[1],
        "meta" if is_html else "declaration": own and own[1].decode("ascii", "replace"),
    }
    readings = [
        Decoded(text, f"{codec} ({witness})", is_verbatim=codec == "utf-8")
        for witness, label in labels.items()
        if (codec := _CODECS.get((label or "").lower(), ""))
        and (text := _in_codec(payload, codec, utf8)) is not None
    ]
    if is_xml and any(reading.text != readings[0].text for reading in readings):
        which = " and ".join(reading.charset for reading in readings)
        damage = Reject.of(RejectReason.UNDECODABLE, f"{which} give different texts", readings[0].text)
        return readings[0]._replace(is_usable=False, damage=damage)
    if readings:
        return readings[0]
    return _fallback(payload) if utf8 is None else Decoded(utf8, "utf-8 (valid)", is_verbatim=True)


def _in_codec(payload: bytes, codec: str, utf8: str | None) -> str | None:
    """Decode `payload` in a declared charset (`utf8` is its text in UTF-8); None where the declaration must be wrong.

    What is valid in UTF-8 and not ASCII is UTF-8, UTF-16 has NULs, and no Western text has words of accents alone.
    """
    if codec == "utf-8":
        return utf8
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
    if _foreign(text) >= 2 * lost:
        return _replaced(payload, "utf-8")
    text = payload.decode("windows-1252", "replace")
    foreign = _foreign(text)
    why = f"neither declared nor UTF-8: {foreign} of {len(text)} characters are not ASCII in windows-1252"
    is_usable = foreign <= MAX_FALLBACK_SHARE * len(text) and _NOT_WESTERN.search(text) is None
    damage = None if is_usable else Reject.of(RejectReason.UNDECODABLE, why, text)
    return Decoded(text, "windows-1252 (fallback)", is_usable, damage)


def _foreign(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))


def _replaced(payload: bytes, codec: str) -> Decoded:
    text = payload.decode(codec, "replace")
    lost, at = text.count("\ufffd"), text.find("\ufffd")
    why = f"{lost} of {len(text)} characters are no {codec} and were replaced, the first at {at}"
    damage = Reject.of(RejectReason.UNDECODABLE, why, text[max(0, at - 60) :])
    return Decoded(text, f"{codec} ({lost} replaced)", lost <= MAX_REPLACED_SHARE * len(text), damage)
