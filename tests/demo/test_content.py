import json
import re
from collections import Counter, defaultdict
from datetime import date, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.demo.content import (
    FIRST_DAY,
    LAST_DAY,
    articles,
    check_day,
    default_last_day,
    prose,
    published_by,
    slugify,
    ticker_day,
    ticker_of,
    tickers,
)
from ca_etl.errors import UsageError

days = st.dates(FIRST_DAY, LAST_DAY)


def test_articles_have_titles_addresses_and_numbers_of_their_own():
    every = articles()
    assert len(every) > 500
    assert len({article.title for article in every}) == len(every)
    assert len({article.slug for article in every}) == len(every)
    assert len({article.post_id for article in every}) == len(every)
    assert len({article.listing_text for article in every}) == len(every)


def test_articles_are_the_same_every_time():
    before = articles()
    articles.cache_clear()
    assert articles() == before


def test_an_article_is_the_same_in_every_version_of_python():
    article = articles()[4]
    assert article.slug == "old-letters-return-to-balkanabat-families"
    assert article.published_at.isoformat() == "2024-07-04T01:15:00+05:00"
    assert article.paragraphs[0] == (
        "BALKANABAT (TCA) — A box with 2,775 undelivered letters, found in an attic in Balkanabat, is being"
        " returned to the families they were meant for."
    )


@given(day=days)
def test_a_day_shows_what_was_published_up_to_it_newest_first(day):
    shown = published_by(day)
    times = [article.published_at for article in shown]
    assert times == sorted(times, reverse=True)
    assert times[0].date() == day
    later = set(articles()) - set(shown)
    assert all(article.published_at.date() > day for article in later)


@given(day=days.filter(lambda day: day < LAST_DAY))
def test_the_next_day_adds_one_or_two_articles_and_removes_nothing(day):
    today, tomorrow = published_by(day), published_by(day + timedelta(days=1))
    assert tomorrow[-len(today) :] == today
    assert len(tomorrow) - len(today) in (1, 2)


def test_articles_go_up_before_the_daily_slot():
    assert all(article.published_at.time() < time(6) for article in articles())


def test_the_first_day_has_more_than_a_page_of_every_category():
    shown = published_by(FIRST_DAY)
    for slug in prose().categories:
        assert sum(article.category == slug for article in shown) > 6


def test_bodies_have_one_to_six_paragraphs_without_open_fields():
    assert {len(article.paragraphs) for article in articles()} == {1, 2, 3, 4, 5, 6}
    for article in articles():
        assert not re.search(r"[{}]", article.title + article.listing_text)
        assert all(paragraph == paragraph.strip() and paragraph for paragraph in article.paragraphs)


def test_the_irregularities_of_real_bodies_occur():
    texts = [article.listing_text for article in articles()]
    assert any(re.match(r"[A-Z]+ \(TCA\) — ", text) for text in texts)
    assert any(
        re.search(r'\[caption id="attachment_\d+" [^\]]*\] [^\[]+\[/caption\]', text) for text in texts
    )
    assert any("“" in text for text in texts)
    assert any('"It is not much' in text for text in texts)
    assert any(re.search(r"\$\d+(\.\d)? million", text) for text in texts)
    assert any(re.search(r"\d (KGS|KZT|TJS|UZS|TMT)\b", text) for text in texts)
    assert any(text.endswith("...") for text in texts)
    assert any(text.endswith("…") for text in texts)


def test_a_teaser_is_a_prefix_of_the_whole_text():
    cut = [article for article in articles() if article.teaser]
    assert cut
    for article in cut:
        prefix = article.teaser.removesuffix("...").removesuffix("…")
        assert " ".join(" ".join(article.paragraphs).split()).startswith(prefix)


def test_no_text_resembles_a_line_of_the_ticker_or_a_date_line():
    printed_lines = re.compile(r"[A-Z]{3}/USD|^\d{2} [A-Z][a-z]+ \d{4}$|Viewing results")
    assert not any(printed_lines.search(article.title + article.listing_text) for article in articles())


def test_an_apostrophe_leaves_no_gap_in_an_address():
    assert slugify("Postman\u2019s Attic: 5 Soms?") == "postmans-attic-5-soms"


def test_the_day_of_an_article_is_reckoned_at_the_site():
    # 03:26 at UTC+5 on 30 May is still 29 May in UTC.
    late = next(article for article in articles() if article.published_at.date() == date(2025, 5, 30))
    assert late in published_by(date(2025, 5, 30))
    assert late not in published_by(date(2025, 5, 29))


CAPTURES = Path(__file__).parents[3] / "shared" / "captures" / "captures.jsonl"

Lines = tuple[tuple[str, str, str], ...]


def printed(day: date) -> Lines:
    return tuple((rate.pair, rate.rate, rate.change) for rate in tickers()[day])


@pytest.fixture
def captured() -> dict[date, Counter[Lines]]:
    if not CAPTURES.exists():
        pytest.skip(f"no {CAPTURES.name} beside the repository")
    seen: dict[date, Counter[Lines]] = defaultdict(Counter)
    for line in CAPTURES.read_text(encoding="utf-8").splitlines():
        capture = json.loads(line)
        if capture["page_date"] and capture["rates"]:
            rates = tuple((rate["pair"], rate["rate"], rate["change"]) for rate in capture["rates"])
            seen[date.fromisoformat(capture["page_date"])][rates] += 1
    return seen


@pytest.mark.shared
def test_every_ticker_of_the_data_file_was_captured_on_its_day(captured):
    assert set(tickers()) == set(captured)
    for day in tickers():
        assert printed(day) in captured[day]


@pytest.mark.shared
def test_the_ticker_of_a_day_is_the_one_most_captures_show(captured):
    for day, seen in captured.items():
        assert printed(day) == min(seen, key=lambda lines: (-seen[lines], lines)), day


def test_the_ticker_of_5_december_2025_is_the_real_one():
    assert [rate.line for rate in ticker_of(date(2025, 12, 5))] == [
        "KGS/USD = 0.01144 0%",
        "KZT/USD = 0.00198 -0%",
        "TJS/USD = 0.10857 -0.18%",
        "UZS/USD = 0.00008 0%",
        "TMT/USD = 0.28571 0%",
    ]


def test_every_ticker_has_the_five_pairs_in_order_with_five_decimals():
    for ticker in tickers().values():
        assert [rate.pair for rate in ticker] == ["KGS/USD", "KZT/USD", "TJS/USD", "UZS/USD", "TMT/USD"]
        assert all(re.fullmatch(r"0\.\d{5}", rate.rate) for rate in ticker)
        assert all(re.fullmatch(r"-?\d(\.\d{1,2})?%", rate.change) for rate in ticker)


def test_the_history_runs_from_the_first_to_the_last_day_with_rates():
    assert (min(tickers()), max(tickers())) == (FIRST_DAY, LAST_DAY)
    assert len(tickers()) == 84


def test_a_day_between_prints_the_ticker_of_the_latest_earlier_day():
    assert date(2025, 11, 20) not in tickers()
    assert ticker_day(date(2025, 11, 20)) == date(2025, 11, 14)
    assert ticker_of(date(2025, 11, 20)) == tickers()[date(2025, 11, 14)]


@pytest.mark.parametrize("day", [FIRST_DAY - timedelta(days=1), LAST_DAY + timedelta(days=1)])
def test_a_day_outside_the_history_is_refused_by_name(day):
    with pytest.raises(UsageError, match=f"no content for {day}, only for 2024-09-07 to 2026-02-25"):
        check_day(day)


def test_no_last_day_of_2025_has_more_tickers_in_its_thirty_days_than_the_default():
    def tickers_until(last: date) -> int:
        return sum(last - timedelta(days=back) in tickers() for back in range(30))

    every = [date(2025, 1, 1) + timedelta(days=n) for n in range(365)]
    assert tickers_until(default_last_day()) == max(map(tickers_until, every))
