"""Which charset a page has, and what decided it."""

from __future__ import annotations

import codecs

import pytest

from ca_etl.parse.decode import decode

TEXT = "Prices rose \N{EM DASH} the caf\N{LATIN SMALL LETTER E WITH ACUTE} said. " * 5


@pytest.mark.parametrize(
    ("payload", "content_type", "charset"),
    [
        (TEXT.encode(), None, "utf-8 (valid)"),
        (TEXT.encode(), "text/html; charset=UTF-8", "utf-8 (header)"),
        (TEXT.encode(), 'text/html;charset="utf8"', "utf-8 (header)"),
        (codecs.BOM_UTF8 + TEXT.encode(), "text/html; charset=windows-1251", "utf-8 (bom)"),
        (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), None, "utf-16-le (bom)"),
        (TEXT.encode("windows-1252"), "text/html; charset=ISO-8859-1", "windows-1252 (header)"),
        (TEXT.encode("windows-1252"), None, "windows-1252 (fallback)"),
        (TEXT.encode("windows-1252"), "text/html; charset=utf-8", "windows-1252 (fallback)"),
        (TEXT.encode(), "text/html; charset=rot13", "utf-8 (valid)"),
        (TEXT.encode(), "text/html; charset=no-such", "utf-8 (valid)"),
    ],
)
def test_the_charset_and_what_decided_it_are_recorded(
    payload: bytes, content_type: str | None, charset: str
) -> None:
    decoded = decode(payload, content_type, is_html=True)
    assert decoded.charset == charset
    assert decoded.text == TEXT
    assert decoded.damage is None


def test_meta_decides_in_html_alone_and_after_the_header() -> None:
    cyrillic = "<meta charset='windows-1251'>" + "Бишкек " * 9
    payload = cyrillic.encode("windows-1251")
    assert decode(payload, None, is_html=True).text == cyrillic
    assert decode(payload, None, is_html=True).charset == "windows-1251 (meta)"
    assert decode(payload, "text/html; charset=windows-1251", is_html=True).charset == "windows-1251 (header)"
    assert not decode(payload, None, is_html=False).is_usable


def test_a_cut_character_is_replaced_and_reported_and_the_text_is_kept() -> None:
    payload = TEXT.encode()[:-1] + "\N{EM DASH}".encode()[:2]
    decoded = decode(payload, None, is_html=False)
    assert decoded.is_usable
    assert decoded.charset == "utf-8 (1 replaced)"
    assert decoded.damage is not None
    assert "1 of " in decoded.damage.detail


def test_too_much_damage_makes_the_text_unusable() -> None:
    payload = ("\N{EM DASH}" * 50).encode() + b"\xff" * 10 + b"x" * 100
    decoded = decode(payload, None, is_html=False)
    assert not decoded.is_usable
    assert decoded.damage is not None


def test_every_single_byte_value_decodes_to_something() -> None:
    assert decode(bytes(range(256)), None, is_html=True).text
