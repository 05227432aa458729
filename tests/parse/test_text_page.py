"""Layouts of real text captures, named by their code, with prose of our own: read back, cut and damaged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ca_etl.parse.page import Page, PageKind, ResultCount
from ca_etl.parse.rows import rows_of
from ca_etl.parse.text_page import read_text
from ca_etl.parse.ticker import is_ticker_line
from ca_etl.records import Capture, RejectReason, Rows
from tests.parse.render_captures import FOLDER, KINDS, SPAM, kind_of, render, surveyed

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


def test_v15_an_author_pages_biography_is_not_an_article(page: Reader) -> None:
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


def test_v23_a_category_label_after_the_date_line_is_not_a_title(page: Reader) -> None:
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
def test_every_known_capture_reads_back_from_a_page_with_its_numbers(page: Reader, shared_dir: Path) -> None:
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
        # Nothing but a bullet or "Read more" distinguishes a title of the old site from the spam above it.
        untitled = [TITLES[0]] if read.kind is PageKind.OLD_SITE else []
        assert [reject.excerpt for reject in read.rejects] == untitled, facts["url"]


@pytest.mark.parametrize(
    "ending",
    [
        "A. Writer\n\nA. Writer has reported on rivers for years.",
        "Anna Writer\n\nA. Writer\n\nShe writes.\n\nView more articles fromA. Writer",
    ],
)
def test_v13_the_authors_box_after_an_article_is_not_text(ending: str, page: Reader) -> None:
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


def test_a_title_that_the_end_of_the_capture_cuts_is_reported_and_not_a_title(page: Reader) -> None:
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


def test_a_header_in_similar_letters_is_reported(page: Reader) -> None:
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
def test_a_whole_sentence_at_the_end_of_the_capture_is_not_a_truncation(
    layout: str, end: str, page: Reader
) -> None:
    head, url = CUT_PAGES[layout]
    read = page(f"{head}{TITLES[1]}\n\n{BODY} {end}", url=url)
    assert [article.is_truncated for article in read.articles] == [False]


def test_a_text_without_a_full_stop_is_whole_where_the_capture_continues_after_it(page: Reader) -> None:
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
def test_boilerplate_above_the_articles_of_the_old_site_is_not_spam(first: str, page: Reader) -> None:
    read = page(f"{first}\n\n{TITLES[0]}\n\n  \u2022 Written by TCA\n\n{BODY}\n", url=OLD_PAGE)
    assert (_titles(read), read.rejects) == (TITLES[:1], ())


def test_a_single_line_of_the_old_site_is_kept_as_text(page: Reader) -> None:
    read = page("cheap replica outlet\n", url=OLD_PAGE)
    assert ([article.text for article in read.articles], read.rejects) == (["cheap replica outlet"], ())


NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))
FURNITURE = (
    "Continue reading",
    "View more articles",
    "divider",
    "Avatar",
    "Uncategorized",
    "Written by",
    "READ MORE",
)


def _rates(read: Page) -> list[list[str]]:
    return [[f"{rate.base}/{rate.quote}", rate.rate_text, rate.change_text] for rate in read.rates]


def _shown(read: Page) -> list[int] | None:
    return None if read.shown is None else [read.shown.first, read.shown.last, read.shown.total]


def test_every_layout_has_a_page_and_the_pages_are_as_rendered() -> None:
    assert sorted(name for name, _ in surveyed()) == NAMES
    for turn, (name, facts) in enumerate(surveyed()):
        assert (FOLDER / f"{name}.txt").read_text(encoding="utf-8") == render(facts, turn).text


@pytest.mark.parametrize("name", NAMES)
def test_a_layout_reads_back(name: str, page: Reader) -> None:
    expected = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    read = page((FOLDER / f"{name}.txt").read_text(encoding="utf-8"), url=expected["url"])
    assert (str(read.kind), _shown(read), read.ticker_cycles) == (
        expected["kind"],
        expected["viewing"],
        expected["repeats"],
    )
    assert (None if read.page_date is None else read.page_date.isoformat()) == expected["page_date"]
    assert _rates(read) == expected["rates"]
    assert [article.title for article in read.articles] == expected["titles"]
    assert all(article.text for article in read.articles)
    for article in read.articles:
        assert not any(word in (article.text or "") for word in FURNITURE)


@pytest.mark.parametrize("name", NAMES)
def test_a_layout_gives_rows_of_its_day(name: str, rows: Callable[..., Rows]) -> None:
    expected = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    at = datetime.fromisoformat(f"{expected['captured']}T07:00:00").replace(tzinfo=UTC)
    read = rows(
        (FOLDER / f"{name}.txt").read_bytes(), url=expected["url"], captured_at=at, content_type="text/plain"
    )
    printed = [
        [f"{row['base']}/{row['quote']}", row["rate_text"], row["change_text"]]
        for row in read.rate_observation
    ]
    assert printed == expected["rates"]
    rejects = [(row["reason"], row["excerpt"]) for row in read.reject]
    has_spam = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").startswith(SPAM)
    assert (("untitled", SPAM) in rejects) == has_spam
    assert [reason for reason, excerpt in rejects if excerpt != SPAM] == [
        *(["no_ticker"] if not expected["rates"] else []),
        *(["untitled"] if None in expected["titles"] else []),
    ]


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(("V9", "V13", "V18"))])
def test_the_page_alone_decides_its_kind(name: str, page: Reader) -> None:
    expected = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert str(page((FOLDER / f"{name}.txt").read_text(encoding="utf-8")).kind) == expected["kind"]


def test_the_page_decides_before_its_address(page: Reader) -> None:
    (listing,) = FOLDER.glob("V2_*.txt")
    read = page(listing.read_text(encoding="utf-8"), url="https://timesca.com/a-single-article/")
    assert read.kind is PageKind.LISTING


def test_author_pages_cut_within_the_biography_have_no_article(page: Reader) -> None:
    opening = "Our People > Dr. Robert Q. Example\n\nDr. Robert Q. Example\u2019s Avatar\n\nDr. Robert Q. Example\n\n"
    life = "Robert Q. Example is an energy consultant. He has worked for several institutes & universities. "
    whole = opening + "Energy and Security Consultant\n\n" + "\n\n".join([life * 4, life * 3, life])
    for end in range(len(opening), len(whole)):
        assert page(whole[:end]).articles == (), whole[:end][-40:]


@pytest.mark.shared
def test_every_known_capture_reads_back(page: Reader, shared_dir: Path) -> None:
    with (shared_dir / "captures" / "captures.jsonl").open(encoding="utf-8") as file:
        known: list[dict[str, Any]] = [json.loads(line) for line in file]
    assert len(known) == 255
    assert {facts["kind"] for facts in known} == {*KINDS, "other"}
    for turn, facts in enumerate(known):
        rendered = render(facts, turn)
        read = page(rendered.text, url=facts["url"])
        where = (facts["layout_variant"], facts["url"])
        day = None if facts["page_date"] is None else date.fromisoformat(facts["page_date"])
        assert str(read.kind) == kind_of(facts), where
        assert (read.page_date, _shown(read), read.ticker_cycles) == (
            day,
            facts["viewing"],
            facts["repeats"],
        ), where
        assert _rates(read) == [[rate["pair"], rate["rate"], rate["change"]] for rate in facts["rates"]], (
            where
        )
        assert [article.title for article in read.articles] == rendered.titles, where
        assert all(article.text for article in read.articles), where
        spam = [SPAM] if rendered.text.startswith(SPAM) else []
        assert [reject.excerpt for reject in read.rejects] == spam, where


@pytest.mark.shared
def test_every_known_capture_reads_back_when_cut_as_the_survey_saw_it(page: Reader, shared_dir: Path) -> None:
    with (shared_dir / "captures" / "captures.jsonl").open(encoding="utf-8") as file:
        known: list[dict[str, Any]] = [json.loads(line) for line in file]
    for turn, facts in enumerate(known):
        rendered = render(facts, turn)
        cut = rendered.text.encode()[:2000].decode("utf-8", "ignore")
        read = page(cut, url=facts["url"])
        where = (facts["layout_variant"], facts["url"])
        assert (str(read.kind), read.ticker_cycles) == (kind_of(facts), facts["repeats"]), where
        assert _rates(read) == [[rate["pair"], rate["rate"], rate["change"]] for rate in facts["rates"]], (
            where
        )
        titles = [article.title for article in read.articles]
        assert titles == rendered.titles[: len(titles)], where
        assert titles or not rendered.titles, where


PAGES = sorted((Path(__file__).parent / "fixtures" / "layouts").glob("*.txt"))
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in PAGES}
ABOUT_THE_TICKER = {
    RejectReason.BAD_RATE_LINE, RejectReason.UNKNOWN_PAIR, RejectReason.CYCLE_DIFFERS, RejectReason.PAIR_ORDER,
    RejectReason.INCOMPLETE_CYCLE,
}  # fmt: skip
INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad]")
HOMOGLYPHS = str.maketrans("KTSUGacepo", "КТЅUGасеро")  # noqa: RUF001 (Cyrillic on purpose)
STREWN = [
    "\u00a0",
    "\u200b",
    "\u200d",
    "\ufeff",
    "\u00ad",
    "\x00",
    "\n",
    "  ",
    "\u2022",
    "[caption ",
    "...",
    "\u0421",
]
INJURIES = st.tuples(
    st.sampled_from(["strewn", "homoglyphs", "lost", "doubled"]),
    st.integers(0, 2**16),
    st.sampled_from(STREWN),
    st.integers(1, 5),
)

CYCLE = "".join(
    f"  \u2022 {base}/USD = 0.0{number}144 {change}\n"
    for number, (base, change) in enumerate(
        [("KGS", "0%"), ("KZT", "-0%"), ("TJS", "-0.18%"), ("UZS", "0%"), ("TMT", "0.2%")]
    )
)
PIECES = st.sampled_from(
    [
        CYCLE * 8, CYCLE * 2, CYCLE, CYCLE[2:], CYCLE.replace("144", "145"), CYCLE.rsplit("\n", 2)[0] + "\n",
        "  \u2022 KGS/USD = 0.01144 0%\n", "KZT/USD = 0.00198 -0%\n", "  \u2022 KGS/USD = 0,01144 0%\n",
        "The bank lent 85 billion KGS (KGS/USD = 0.01144 0%, it said).\n", "USDXKG rose by 3%, the KZT by 1%.\n",
        "05 December 2025\n", "31 February 2025\n", "28 August 2018\n", "Viewing results 1 - 6 of 2\n",
        "Our People > A. Writer\n", "A. Writer\u2019s Avatar\n", "A. Writer\n", "Senior Editor\n", "Articles\n",
        "divider\n", "Continue reading\n", "View more articles fromA. Writer\n", "  \u2022 Written by TCA\n",
        "Read more: A Title of Ours About the Border\n", "A Title of Ours About the Border\n", "Uncategorized\n",
        "A text of ours tells what nobody had asked about, and ends in a stop.\n", "\u00a0\n", "\n", "\n\n",
        "BISHKEK (TCA) \u2014 A text of ours.\n", "[caption id=\"attachment_1\"]A dam[/caption] stands.\n",
    ]
)  # fmt: skip


def _rows(text: str, url: str | None = None) -> Rows:
    capture = Capture(
        "urn:uuid:1",
        "files",
        text.encode("utf-8", "replace"),
        "a.warc.gz",
        0,
        url,
        datetime(2025, 12, 5, 7, tzinfo=UTC),
        200,
        "text/plain",
    )
    return rows_of(capture, zone=ZoneInfo("Asia/Almaty"), run_id="run-1")


def _assert_honest(text: str, read: Rows) -> None:
    # A space too many or too few around the signs changes no value.
    lines = [
        re.sub(r" ?([=/]) ?", r"\1", " ".join(INVISIBLE.sub("", line).split()).lstrip("\u2022 "))
        for line in text.split("\n")
    ]
    printed_rates = {
        f"{row['base']}/{row['quote']}={row['rate_text']} {row['change_text']}"
        for row in read.rate_observation
    }
    assert printed_rates <= set(lines)
    lost = any(
        is_ticker_line(line) and plain not in printed_rates
        for line, plain in zip(text.split("\n"), lines, strict=True)
    )
    reasons = {row["reason"] for row in read.reject}
    if lost:
        assert reasons & ABOUT_THE_TICKER
    if not printed_rates:
        assert reasons & {
            *ABOUT_THE_TICKER,
            RejectReason.NO_TICKER,
            RejectReason.BINARY,
            RejectReason.EMPTY,
        }


@given(
    st.lists(PIECES, max_size=25).map("".join),
    st.sampled_from([None, "https://timesca.com/page/3/", "https://timesca.com/tag/x"]),
)
def test_no_order_of_pieces_makes_a_rate_or_loses_one(text: str, url: str | None) -> None:
    read = _rows(text, url)
    _assert_honest(text, read)
    assert read == _rows(text, url)


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(TEXTS)), injuries=st.lists(INJURIES, min_size=1, max_size=12))
def test_a_damaged_page_is_read_honestly(name: str, injuries: list[tuple[str, int, str, int]]) -> None:
    text = TEXTS[name]
    for how, position, sign, lost in injuries:
        at = position % (len(text) + 1)
        if how == "strewn":
            text = text[:at] + sign + text[at:]
        elif how == "homoglyphs":
            text = text[:at] + text[at : at + 20].translate(HOMOGLYPHS) + text[at + 20 :]
        elif how == "lost":
            text = text[:at] + text[at + lost :]
        else:
            lines = text.split("\n")
            line = position % len(lines)
            text = "\n".join([*lines[:line], lines[line], *lines[line:]])
    _assert_honest(text.replace("\x00", "\ufffd"), _rows(text))


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_layout_cut_anywhere_keeps_its_kind_and_invents_no_title(name: str) -> None:
    text = TEXTS[name]
    url = (
        "https://timesca.com/page/3/" if name.partition("_")[0] in {"V3", "V6", "V8", "V17", "V23"} else None
    )
    titles = {article.title for article in read_text(text, url=url, on=None, charset="").articles}
    body = text.index("\n\n", text.index("Viewing results") if "Viewing results" in text else 0)
    for end in range(body, len(text), 5):
        cut = text[:end]
        _assert_honest(cut, _rows(cut, url))
        if name.partition("_")[0] in {"V1", "V2", "V3", "V4", "V15", "V16", "V22", "V25"}:
            read_titles = {article.title for article in read_text(cut, url=url, on=None, charset="").articles}
            assert read_titles <= {*titles, None}, cut[-80:]


@pytest.mark.parametrize("times", [1, 7, 8, 10_000])
def test_a_cycle_counts_as_often_as_it_is_printed(times: int) -> None:
    page = read_text((CYCLE * times)[2:] + "05 December 2025\n", url=None, on=date(2025, 12, 5), charset="")
    assert (page.ticker_cycles, len(page.rates), page.rejects) == (times, 5, ())


@pytest.mark.parametrize("position", [0, 3, 7])
def test_one_deviating_cycle_among_eight_is_reported(position: int) -> None:
    cycles = [CYCLE] * 8
    cycles[position] = CYCLE.replace("0.01144", "0.09144")
    page = read_text("".join(cycles)[2:], url=None, on=date(2025, 12, 5), charset="")
    assert [rate.rate_text for rate in page.rates] == ["0.00144", "0.01144", "0.02144", "0.03144", "0.04144"]
    assert [reject.reason for reject in page.rejects] == [RejectReason.CYCLE_DIFFERS]


@pytest.mark.parametrize(
    ("on", "reasons"), [(date(2025, 12, 5), ["truncated"]), (date(2024, 3, 1), []), (None, [])]
)
def test_a_page_that_ends_within_its_ticker_is_reported(on: date | None, reasons: list[str]) -> None:
    four = "".join(CYCLE.splitlines(keepends=True)[: 4 if on and on.year == 2024 else 5])
    page = read_text((four * 2)[2:], url=None, on=on, charset="")
    assert [str(reject.reason) for reject in page.rejects] == reasons
