import re
from datetime import date, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ca_etl.demo.content import FIRST_DAY, LAST_DAY, articles, published_by, slugify
from ca_etl.demo.prose import prose

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
def test_the_next_day_adds_one_or_two_articles_and_removes_none(day):
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


def test_the_oddities_of_real_bodies_occur():
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
        beginning = article.teaser.removesuffix("...").removesuffix("…")
        assert " ".join(" ".join(article.paragraphs).split()).startswith(beginning)


def test_no_text_resembles_a_line_of_the_ticker_or_a_date_line():
    looks = re.compile(r"[A-Z]{3}/USD|^\d{2} [A-Z][a-z]+ \d{4}$|Viewing results")
    assert not any(looks.search(article.title + article.listing_text) for article in articles())


def test_an_apostrophe_leaves_no_gap_in_an_address():
    assert slugify("Postman\u2019s Attic: 5 Soms?") == "postmans-attic-5-soms"


def test_the_day_of_an_article_is_reckoned_at_the_site():
    # 03:26 at UTC+5 on 30 May is still 29 May in UTC.
    late = next(article for article in articles() if article.published_at.date() == date(2025, 5, 30))
    assert late in published_by(date(2025, 5, 30))
    assert late not in published_by(date(2025, 5, 29))
