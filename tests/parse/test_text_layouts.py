"""Layouts of real text captures, named by their code, with prose of our own."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ca_etl.parse.page import Page, PageKind, ResultCount

Reader = Callable[..., Page]
FIVE = (
    "  • KGS/USD = 0.01144 0%\n  • KZT/USD = 0.00201 0%\n  • TJS/USD = 0.10510 -0.28%\n"
    "  • UZS/USD = 0.00008 0%\n  • TMT/USD = 0.28575 0%\n"
)
FOUR = FIVE[: FIVE.index("  • TMT")]
TITLES = ("Valley Growers Build a Cold Store Together", "U.S. Puppeteers: A Long Road to the Old Station")
BODY = (
    "The growers said on Tuesday that the store would open before the harvest. It will cost 85 million KGS "
    "(KZT 400 million), they said, and gave no name for the lender."
)
BLOCKS = f"{TITLES[0]}\n\n{BODY}\n\n{TITLES[1]}\n\n{BODY} It is the first of its kind.\n"


def _titles(read: Page) -> tuple[str | None, ...]:
    return tuple(article.title for article in read.articles)


def test_v1_a_listing_without_date_line(page: Reader) -> None:
    read = page(f"{FIVE * 8}\nViewing results 1 - 6 of 10\n\n{BLOCKS}")
    assert (read.kind, read.page_date, read.shown) == (PageKind.LISTING, None, ResultCount(1, 6, 10))
    assert (len(read.rates), read.ticker_cycles, read.rejects) == (5, 8, ())
    assert _titles(read) == TITLES


def test_v3_home_pagination_without_header_keeps_paragraphs_apart(page: Reader) -> None:
    first = f"{TITLES[0]}\n\n{BODY}\n\n\N{NO-BREAK SPACE}\n\n{BODY}"
    text = f"{FIVE * 8}08 December 2025\n\n{first}\n\n{TITLES[1]}\n\n{BODY}\n"
    read = page(text, url="https://timesca.com/page/572/?catid=14&id=6054")
    assert (read.kind, read.page_date, read.shown) == (PageKind.HOME, date(2025, 12, 8), None)
    assert _titles(read) == TITLES
    assert read.articles[0].text == f"{BODY}\n\n{BODY}"


def test_v4_and_v16_four_pairs_eight_times_and_twice(page: Reader) -> None:
    for times in (8, 2):
        read = page(f"{FOUR * times}\nViewing results 1 - 6 of 634\n\n{BLOCKS}")
        assert [rate.base for rate in read.rates] == ["KGS", "KZT", "TJS", "UZS"]
        assert (read.ticker_cycles, read.rejects) == (times, ())
        assert _titles(read) == TITLES


def test_v15_an_author_pages_biography_is_no_article(page: Reader) -> None:
    opening = (
        "Our People > A. Writer\n\nA. Writer's Avatar\n\nA. Writer\n\nSenior Editor\n\n"
        "A. Writer has edited this page for years. divider She lives by the lake.\n\nArticles\n\n"
    )
    read = page(f"{FIVE * 8}07 December 2025\n\n{opening}{BLOCKS}")
    assert (read.kind, read.shown) == (PageKind.AUTHOR, None)
    assert _titles(read) == TITLES


def test_v5_an_author_page_without_the_word_articles(page: Reader) -> None:
    read = page(f"{FOUR * 8}\nOur People > A. Writer\n\nA. Writer\u2019s Avatar\n\n\n{BLOCKS}")
    assert read.kind is PageKind.AUTHOR
    assert _titles(read) == TITLES


def test_v21_a_date_line_without_ticker_is_the_first_line(page: Reader) -> None:
    read = page(f"28 April 2025\n\nViewing results 1 - 6 of 3\n\n{BLOCKS}")
    assert (read.page_date, read.shown, read.rates) == (date(2025, 4, 28), ResultCount(1, 6, 3), ())


def test_v25_the_header_is_the_first_line(page: Reader) -> None:
    read = page(f"Viewing results 1 - 6 of 40\n\n{BLOCKS}")
    assert (read.page_date, read.shown) == (None, ResultCount(1, 6, 40))
    assert _titles(read) == TITLES


def test_v23_a_category_label_behind_the_date_line_is_no_title(page: Reader) -> None:
    read = page(f"{FIVE * 8}07 December 2025\nUncategorized\n\n{BLOCKS}")
    assert _titles(read) == TITLES


def test_v14_datelines_and_glued_links(page: Reader) -> None:
    first = f"{TITLES[0]}\n\nBISHKEK (TCA) \N{EM DASH} {BODY}  Continue reading"
    text = f"{FIVE * 8}\nViewing results 1 - 6 of 8\n\n{first}\n\n{TITLES[1]}\n\n{BODY}\n"
    read = page(text)
    assert [(article.dateline, article.text) for article in read.articles] == [
        ("BISHKEK (TCA)", BODY),
        (None, BODY),
    ]


def test_v10_a_short_old_article_gives_its_byline(page: Reader) -> None:
    read = page(f"{TITLES[0]}\n\n- Written by TCA\n\n{BODY}\n")
    assert read.kind is PageKind.OLD_SITE
    assert [(a.title, a.author, a.text) for a in read.articles] == [(TITLES[0], "TCA", BODY)]


def test_v11_bodies_without_titles_are_articles_without_titles(page: Reader) -> None:
    read = page(f"Viewing results 1 - 6 of 9\n\n{BODY}\n{BODY} Twice.\n")
    assert [(a.title, a.text) for a in read.articles] == [(None, BODY), (None, f"{BODY} Twice.")]


def test_a_title_without_text_does_not_take_the_next_title_for_its_text(page: Reader) -> None:
    read = page(f"{FIVE * 8}\nViewing results 1 - 6 of 8\n\n{TITLES[0]}\n\n{TITLES[1]}\n\n{BODY}\n")
    assert [(a.title, a.text) for a in read.articles] == [(TITLES[0], None), (TITLES[1], BODY)]


def test_a_list_of_rates_inside_a_text_does_not_move_the_head_of_the_page(page: Reader) -> None:
    text = f"{FIVE * 8}05 December 2025\n\nViewing results 1 - 6 of 8\n\n{BLOCKS}\n  • KGS/USD = 0.01144 0%\n"
    read = page(text)
    assert read.page_date == date(2025, 12, 5)
    assert _titles(read) == TITLES


def test_windows_line_ends_do_not_matter(page: Reader, listing: str) -> None:
    unix, windows = page(listing), page(listing.replace("\n", "\r\n"))
    assert windows == unix


@pytest.mark.shared
def test_every_known_capture_reads_back_from_a_page_with_its_figures(page: Reader, shared_dir: Path) -> None:
    with (shared_dir / "captures" / "captures.jsonl").open() as file:
        known = [json.loads(line) for line in file]
    assert len(known) == 255
    for facts in known:
        cycle = "".join(f"  • {rate['pair']} = {rate['rate']} {rate['change']}\n" for rate in facts["rates"])
        day = date.fromisoformat(facts["page_date"]) if facts["page_date"] else None
        head = "" if day is None else f"{day.strftime('%d %B %Y')}\n"
        header = (
            "" if facts["viewing"] is None else "Viewing results {} - {} of {}\n\n".format(*facts["viewing"])
        )
        read = page(f"{cycle * facts['repeats']}{head}\n{header}{BLOCKS}".lstrip(), url=facts["url"])
        shown = None if read.shown is None else [read.shown.first, read.shown.last, read.shown.total]
        assert (read.page_date, shown, read.ticker_cycles) == (day, facts["viewing"], facts["repeats"]), (
            facts["url"]
        )
        assert [(f"{r.base}/{r.quote}", r.rate_text, r.change_text) for r in read.rates] == [
            (rate["pair"], rate["rate"], rate["change"]) for rate in facts["rates"]
        ], facts["url"]
        # Nothing but a bullet or "Read more" tells a title of the old site from the spam above it.
        untold = [TITLES[0]] if read.kind is PageKind.OLD_SITE else []
        assert [reject.excerpt for reject in read.rejects] == untold, facts["url"]


@pytest.mark.parametrize(
    "ending",
    [
        "A. Writer\n\nA. Writer has reported on rivers for years.",
        "Anna Writer\n\nA. Writer\n\nShe writes.\n\nView more articles fromA. Writer",
    ],
)
def test_v13_the_authors_box_behind_an_article_is_no_text(ending: str, page: Reader) -> None:
    read = page(f"{TITLES[0]}\n\n{BODY}\n\n{BODY}\n\n{ending}\n", url="https://timesca.com/cold-store/")
    (article,) = read.articles
    assert (article.title, article.text) == (TITLES[0], f"{BODY}\n\n{BODY}")
    assert "Writer" in (article.author or "")


def test_v18_the_date_line_of_an_article_is_its_own_and_five_pairs_are_complete(page: Reader) -> None:
    read = page(f"{FIVE * 8}28 August 2018\n\n{TITLES[0]}\n\n{BODY}\n", url="https://timesca.com/cold-store/")
    assert (read.kind, read.page_date, len(read.rates)) == (PageKind.ARTICLE, date(2018, 8, 28), 5)
    assert read.rejects == ()


def test_a_heading_on_the_home_page_is_text(page: Reader) -> None:
    text = f"{FIVE * 8}08 December 2025\n\n{TITLES[0]}\n\n{BODY}\n\nOld Fears\n\n{BODY}\n\nNext Steps:\n\n{BODY}\n"
    read = page(text, url="https://timesca.com/page/572/?catid=14&id=6054")
    assert _titles(read) == TITLES[:1]
    assert "\n\nOld Fears\n\n" in (read.articles[0].text or "")


def test_a_title_that_the_end_of_the_capture_cuts_is_reported_and_no_title(page: Reader) -> None:
    read = page(f"Viewing results 1 - 6 of 8\n\n{TITLES[0]}\n\n{BODY}\n\nU.S. Puppeteers: A Lo")
    assert _titles(read) == TITLES[:1]
    assert [(reject.reason, reject.excerpt) for reject in read.rejects] == [
        ("truncated", "U.S. Puppeteers: A Lo")
    ]


def test_zero_width_characters_do_not_hide_the_head(page: Reader) -> None:
    read = page(
        f"{FIVE * 8}05\u200b December 2025\n\u200b\nViewing results 1 \u2013 6 of\u200b 8\n\n{BLOCKS}"
    )
    assert (read.page_date, read.shown) == (date(2025, 12, 5), ResultCount(1, 6, 8))
    assert _titles(read) == TITLES


def test_a_header_in_look_alike_letters_is_reported(page: Reader) -> None:
    read = page(f"{FIVE * 8}05 December 2025\n\nVi\u0435wing results 1 - 6 of 8\n\n{BLOCKS}")
    assert [reject.reason for reject in read.rejects] == ["bad_header"]
    assert _titles(read) == TITLES


def test_digests_of_the_old_site_have_no_titles_but_their_text(page: Reader) -> None:
    text = f"cheap replica outlet\n\nBISHKEK (TCA) \N{EM DASH} {BODY}\n\nA Sub-Headline of Ours\n\n{BODY} READ MORE:\n"
    (article,) = page(text, url="https://www.timesca.com/index.php/news/22300-weekly-digest").articles
    assert (article.title, article.dateline) == (None, "BISHKEK (TCA)")
    assert article.text == f"{BODY}\n\nA Sub-Headline of Ours\n\n{BODY}"


CUT_PAGES = {
    "listing": (f"{FIVE * 8}05 December 2025\n\nViewing results 1 - 6 of 8\n\n", None),
    "home": (f"{FIVE * 8}05 December 2025\n\n", "https://timesca.com/page/572/?catid=14&id=6054"),
    "author": ("Our People > A. Writer\n\nA. Writer\u2019s Avatar\n\nArticles\n\n", None),
    "article": ("", "https://timesca.com/cold-store/"),
}


@pytest.mark.parametrize(
    "end", ["The lender is a ba", "It will cost 85,", "The rest is owed to the ", "They add \N{EM DASH}"]
)
@pytest.mark.parametrize("layout", CUT_PAGES)
def test_a_text_that_the_end_of_the_capture_cuts_is_truncated(layout: str, end: str, page: Reader) -> None:
    head, url = CUT_PAGES[layout]
    before = "" if layout == "article" else f"{TITLES[0]}\n\n{BODY}\n\n"
    read = page(f"{head}{before}{TITLES[1]}\n\n{BODY} {end}", url=url)
    *whole, cut = read.articles
    assert [article.is_truncated for article in whole] == [False] * (layout != "article")
    assert (cut.title, cut.text, cut.is_truncated) == (TITLES[1], f"{BODY} {end}".strip(), True)


@pytest.mark.parametrize("layout", CUT_PAGES)
@pytest.mark.parametrize(
    "end", ["It is the first.", "\u201cIs it the first?\u201d", "It was [sic]", "It was (twice)"]
)
def test_a_whole_sentence_at_the_end_of_the_capture_is_no_truncation(
    layout: str, end: str, page: Reader
) -> None:
    head, url = CUT_PAGES[layout]
    read = page(f"{head}{TITLES[1]}\n\n{BODY} {end}", url=url)
    assert [article.is_truncated for article in read.articles] == [False]


def test_a_text_without_a_full_stop_is_whole_where_the_capture_goes_on_behind_it(page: Reader) -> None:
    read = page(f"Viewing results 1 - 6 of 8\n\n{TITLES[0]}\n\n{BODY} They had no stop\n")
    assert [article.is_truncated for article in read.articles] == [False]


def test_an_article_before_a_cut_title_is_whole(page: Reader) -> None:
    read = page(
        f"Viewing results 1 - 6 of 8\n\n{TITLES[0]}\n\n{BODY} They had no stop\n\nU.S. Puppeteers: A Lo"
    )
    assert [article.is_truncated for article in read.articles] == [False]


def test_a_teaser_link_at_the_end_of_the_capture_cuts_nothing(page: Reader) -> None:
    text = f"{FIVE * 8}\n{TITLES[0]}\n\n{BODY} They had no stop\n\nContinue reading"
    read = page(text, url="https://timesca.com/page/572/?catid=14&id=6054")
    assert [article.is_truncated for article in read.articles] == [False]


OLD_PAGE = "https://www.timesca.com/index.php/news"


def test_the_spam_line_of_the_old_site_is_a_reject(page: Reader) -> None:
    text = f"cheap replica outlet\n\n{TITLES[0]}\n\n  \u2022 Written by TCA\n\n{BODY}\n"
    read = page(text, url=OLD_PAGE)
    assert _titles(read) == TITLES[:1]
    assert [(reject.reason, reject.excerpt) for reject in read.rejects] == [
        ("untitled", "cheap replica outlet")
    ]


@pytest.mark.parametrize(
    "first",
    ["  \u2022 Written by TCA", f"Read more: {TITLES[0]}", "Continue reading"],
)
def test_furniture_above_the_articles_of_the_old_site_is_no_spam(first: str, page: Reader) -> None:
    read = page(f"{first}\n\n{TITLES[0]}\n\n  \u2022 Written by TCA\n\n{BODY}\n", url=OLD_PAGE)
    assert (_titles(read), read.rejects) == (TITLES[:1], ())


def test_a_single_line_of_the_old_site_is_kept_as_text(page: Reader) -> None:
    read = page("cheap replica outlet\n", url=OLD_PAGE)
    assert ([article.text for article in read.articles], read.rejects) == (["cheap replica outlet"], ())
