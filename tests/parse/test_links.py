# ruff: noqa: RUF001  titles as sites set them
"""Slugs of addresses and titles, by the rules of WordPress 6 (wp-includes/formatting.php)."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.parse.links import SLUG_CHARS, title_slug, url_slug


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Glacier Survey Begins", "glacier-survey-begins"),
        ("A  Title   With Spaces ", "a-title-with-spaces"),
        ("Two\u00a0Spaces\u2003More", "two-spaces-more"),
        ("U.S.–Uzbek — Talks", "u-s-uzbek-talks"),
        ("Oil/Gas", "oil-gas"),
        ("Growth of 5.6% (Again)", "growth-of-5-6-again"),
        ("C5+1 Meets: What’s “Next”?", "c51-meets-whats-next"),
        ("Snake_case - - Stays", "snake_case-stays"),
        ("--A Title--", "a-title"),
        ("H₂O and ½", "h₂o-and-½"),
    ],
)
def test_spaces_dashes_stops_and_slashes_are_hyphens_and_other_signs_are_dropped(
    title: str, slug: str
) -> None:
    """`sanitize_title_with_dashes`."""
    assert title_slug(title) == slug


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Şymkent ve Çeleken", "symkent-ve-celeken"),
        ("ÀÉÎÕÜ àéîõü", "aeiou-aeiou"),
        ("Øresund, Łódź, Đakovo", "oresund-lodz-dakovo"),
        ("Iðunn, Ħamrun, Ŧuodna", "idunn-hamrun-tuodna"),
        ("Straße, Æon, Œuvre", "strase-aeon-oeuvre"),
        ("İstanbul, Diyarbakır", "istanbul-diyarbakir"),
        ("Ǽ and Ǿ", "ae-and-o"),
        ("e\u0301tude", "etude"),
    ],
)
def test_latin_letters_have_no_accents(title: str, slug: str) -> None:
    """`remove_accents`."""
    assert title_slug(title) == slug


@pytest.mark.parametrize(
    ("title", "slug"),
    [("Ак кеме", "ак-кеме"), ("Чёрный чай", "черныи-чаи"), ("Ὀδός", "οδος"), ("서울", "서울")],
)
def test_letters_of_other_scripts_stay_without_their_marks(title: str, slug: str) -> None:
    assert title_slug(title) == slug


def test_a_slug_has_at_most_200_characters_and_no_hyphen_at_its_end() -> None:
    """`sanitize_title_with_dashes` cuts with `utf8_uri_encode( $title, 200 )`."""
    assert title_slug("a" * 300) == "a" * SLUG_CHARS
    assert title_slug("a" * 199 + " road") == "a" * 199


@pytest.mark.parametrize("title", ["?!", "…", "—", "\u0301", " "])
def test_a_title_without_letters_is_its_own_slug(title: str) -> None:
    assert title_slug(title) == title


@pytest.mark.parametrize(
    ("url", "slug"),
    [
        ("https://timesca.com/a-road/", "a-road"),
        ("https://timesca.com/2025/12/a-dated-road/?utm=x#top", "a-dated-road"),
        ("https://timesca.com/a-road/#comments?x", "a-road"),
        ("//timesca.com/a-road", "a-road"),
        ("/a-bare-road", "a-bare-road"),
        ("a-bare-road", "a-bare-road"),
        ("https://timesca.com/an-old-road.html", "an-old-road"),
        ("https://timesca.com/an-old-road.htm//", "an-old-road"),
        ("https://timesca.com/a-road/index.php", "a-road"),
        ("https://timesca.com/index.php/a-road/", "a-road"),
        ("https://timesca.com/An.Old_Road/", "an-old_road"),
        ("https://timesca.com/wp-content/x.html.html", "x-html"),
    ],
)
def test_the_last_segment_of_the_path_is_the_slug_of_an_address(url: str, slug: str) -> None:
    assert url_slug(url) == slug


@pytest.mark.parametrize(
    "url",
    [
        "https://timesca.com",
        "https://timesca.com/",
        "https://timesca.com/?p=17",
        "https://timesca.com/index.php?id=17",
        "mailto:desk@timesca.com",
        "",
    ],
)
def test_an_address_without_a_segment_has_no_slug(url: str) -> None:
    assert url_slug(url) is None


@pytest.mark.parametrize(
    ("segment", "slug"),
    [
        ("%D0%90%D0%BA", "ак"),
        ("%d0%90-%e2%80%93-%D0%BA", "а-к"),
        ("caf%C3%A9", "cafe"),
        ("road-%f0%9f%98%80", "road"),
        ("%21", "!"),
        # no UTF-8, a broken escape and control characters: the segment stays as it is
        ("bad%ffoctet", "badffoctet"),
        ("half%D0", "halfd0"),
        ("100%-sure", "100-sure"),
        ("%D0%90%zz", "d090zz"),
        ("a%0Ab%00", "a0ab00"),
    ],
)
def test_only_octets_of_valid_utf_8_are_decoded(segment: str, slug: str) -> None:
    assert url_slug(f"https://timesca.com/{segment}/") == slug


def test_every_dash_and_space_of_unicode_separates_words() -> None:
    separators = [
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in {"Pd", "Zs", "Zl", "Zp"}
    ]
    assert len(separators) > 30
    assert {title_slug(f"a{separator}b") for separator in separators} == {"a-b"}


@given(st.text(min_size=1))
def test_the_slug_of_a_slug_is_itself(title: str) -> None:
    slug = title_slug(title)
    assert slug
    assert title_slug(slug) == slug


@given(st.text())
def test_every_text_has_a_slug_as_a_title_and_may_be_an_address(text: str) -> None:
    assert len(title_slug(text)) <= max(SLUG_CHARS, len(text))
    slug = url_slug(text)
    assert slug is None or slug


@given(st.text(min_size=1))
def test_an_address_made_of_a_slug_ends_in_that_slug(title: str) -> None:
    slug = title_slug(title)
    if any(letter.isalnum() for letter in slug):
        assert url_slug(f"https://timesca.com/{slug}/") == slug
