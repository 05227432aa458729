"""Raised figures stay apart from the digits before them; what a page hides or strikes through is no text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ca_etl.parse.content import plain, read_content
from ca_etl.parse.page import Page

Reader = Callable[..., Page]
PROSE = "The council met on Friday and put the matter off until the spring, as it had done before."


def _text(page: Reader, html: str) -> str | None:
    body = f"<article><h2><a href='/s/'>Story</a></h2><p>{PROSE}</p>{html}</article>"
    (article,) = page(body, html=True, url="https://timesca.com/tag/a/").articles
    assert article.text is not None
    return article.text.removeprefix(PROSE).strip() or None


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ("It cost 300<sup>1</sup> som.", "It cost 300^1 som."),
        ("It cost 10<sup>6</sup> tenge.", "It cost 10^6 tenge."),
        ("It weighs 10<sup>-6</sup> grams.", "It weighs 10^-6 grams."),
        ("It is 10<sub>2</sub> here.", "It is 10_2 here."),
        ("It cost 300<sup><a href='#note-1'>1</a></sup> som.", "It cost 300 som."),
        ("It cost <b>300</b><sup>1</sup> som.", "It cost 300^1 som."),
        ("It has 5 m<sup>3</sup> of CO<sub>2</sub>.", "It has 5 m3 of CO2."),
        ("On the 25<sup>th</sup> it rained.", "On the 25th it rained."),
    ],
)
def test_a_raised_or_lowered_figure_is_no_digit_of_the_number_before(
    page: Reader, html: str, said: str
) -> None:
    assert _text(page, f"<p>{html}</p>") == said
    content = read_content(f"<p>{html}</p>")
    assert content is not None
    assert content.text == plain(html) == said


@pytest.mark.parametrize(
    "html",
    [
        "<p hidden>Not for you.</p>",
        "<div class='a' hidden=''><p>Not for you.</p></div>",
        "<p style='display:none'>Not for you.</p>",
        '<p style="color: red; DISPLAY: none !important">Not <b hidden>for</b> you.</p>',
        "<p><del>Not for you.</del></p>",
    ],
)
def test_what_is_hidden_or_struck_through_is_no_text(page: Reader, html: str) -> None:
    assert _text(page, html) is None


@pytest.mark.parametrize(
    "html",
    [
        "<p style='overflow:hidden'>For you.</p>",
        "<p aria-hidden='true' data-hidden>For you.</p>",
        "<p class='hidden'>For you.</p>",
    ],
)
def test_what_only_speaks_of_hiding_is_text(page: Reader, html: str) -> None:
    assert _text(page, html) == "For you."


def test_articles_that_a_script_shows_later_are_kept(page: Reader) -> None:
    body = f"<div style='display:none'><h2><a href='/s/'>Story</a></h2><p>{PROSE}</p></div>"
    (article,) = page(body, html=True, url="https://timesca.com/tag/a/").articles
    assert (article.title, article.text) == ("Story", PROSE)
