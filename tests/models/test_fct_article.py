# ruff: noqa: RUF001  titles as the site sets them

import hashlib
from datetime import UTC, date, datetime

ON_DAY_5 = {"capture_id": "c5", "page_date": "2025-12-05"}
ON_DAY_6 = {"capture_id": "c6", "page_date": "2025-12-06"}


def shown(day: int, title: str | None = "Glacier Survey Begins", **columns):
    return {"capture_id": f"c{day}", "title": title} | columns


def texts(**by_id: str):
    return [{"text_id": text_id, "text": text} for text_id, text in by_id.items()]


def test_a_listing_without_links_and_one_with_links_meet_in_one_article(given):
    warehouse = given(
        capture=[ON_DAY_5, ON_DAY_6],
        article_observation=[
            shown(5, "Kazakhstan’s “Green” Plan: 3 Steps – and More"),
            shown(
                6,
                "Kazakhstan’s “Green” Plan: 3 Steps – and More",
                url="https://timesca.com/kazakhstans-green-plan-3-steps-and-more/",
            ),
        ],
    )
    slug = "kazakhstans-green-plan-3-steps-and-more"
    assert warehouse.row(
        "select article_id, slug, sightings, first_seen_date, last_seen_date from main.fct_article"
    ) == (hashlib.sha256(slug.encode()).hexdigest()[:16], slug, 2, date(2025, 12, 5), date(2025, 12, 6))


TITLES = {
    "U.S.–Uzbek Talks": "u-s-uzbek-talks",
    "C5+1 Meets: What’s Next?": "c51-meets-whats-next",
    "Oil & Gas / Power": "oil-gas-power",
    "‘Şymkent’ and Çeleken — a Tale": "symkent-and-celeken-a-tale",
    "Growth of 5.6% (Again)": "growth-of-5-6-again",
    "  Two\u00a0Blanks  ": "two-blanks",
    "Ак кеме": "ак-кеме",
    # a title of signs alone is its own slug
    "?!": "?!",
}


def test_a_title_becomes_the_slug_that_wordpress_makes(given):
    warehouse = given(
        capture=[ON_DAY_5],
        article_observation=[shown(5, title, position=n) for n, title in enumerate(TITLES)],
    )
    assert dict(warehouse.rows("select title, slug from main.fct_article")) == TITLES


LINKS = {
    "https://timesca.com/2025/12/a-dated-road/?utm=x#top": "a-dated-road",
    "/a-bare-road": "a-bare-road",
    "https://timesca.com/an-old-road.html": "an-old-road",
    "https://timesca.com/%D0%90%D0%BA/": "ак",
    "https://timesca.com/bad%ffoctet/": "badffoctet",
    # these have no segment of their own, so the title names the article
    "https://timesca.com/?p=17": "title-5",
    "https://timesca.com/index.php?id=17": "title-6",
    "https://timesca.com": "title-7",
}


def test_the_last_segment_of_the_link_names_the_article_where_there_is_one(given):
    warehouse = given(
        capture=[ON_DAY_5],
        article_observation=[shown(5, f"Title {n}", position=n, url=url) for n, url in enumerate(LINKS)],
    )
    assert dict(warehouse.rows("select url, slug from main.fct_article")) == LINKS


def test_the_longest_whole_text_goes_before_a_longer_cut_one(given):
    warehouse = given(
        capture=[ON_DAY_5, ON_DAY_6, {"capture_id": "c7", "page_date": "2025-12-07"}],
        article_observation=[
            shown(5, text_id="whole"),
            shown(6, text_id="cut", is_truncated=True),
            shown(7, text_id="short"),
        ],
        article_text=texts(whole="three whole words", cut="many more words but cut …", short="two words"),
    )
    assert warehouse.row(
        "select text, text_id, is_truncated, word_count, texts, revisions from main.fct_article"
    ) == (
        "three whole words",
        "whole",
        False,
        3,
        3,
        1,
    )


def test_an_article_shown_only_cut_has_the_longest_cut_text_and_no_revision(given):
    warehouse = given(
        capture=[ON_DAY_5, ON_DAY_6],
        article_observation=[
            shown(5, text_id="a", is_truncated=True),
            shown(6, text_id="b", is_truncated=True),
        ],
        article_text=texts(a="a longer beginning …", b="a beginning …"),
    )
    assert warehouse.row("select text_id, is_truncated, texts, revisions from main.fct_article") == (
        "a",
        True,
        2,
        0,
    )


def test_an_article_without_text_has_no_text_and_no_word_count(given):
    warehouse = given(capture=[ON_DAY_5], article_observation=[shown(5)])
    assert warehouse.row("select text, word_count, texts, revisions from main.fct_article") == (
        None,
        None,
        0,
        0,
    )


def test_words_are_runs_without_a_blank(given):
    words = {"one": 1, " two  words ": 2, "first line\n\nsecond line ends": 5, "": 0}
    warehouse = given(
        capture=[ON_DAY_5],
        article_observation=[shown(5, f"Title {n}", position=n, text_id=f"t{n}") for n in range(len(words))],
        article_text=texts(**{f"t{n}": text for n, text in enumerate(words)}),
    )
    assert dict(warehouse.rows("select text, word_count from main.fct_article")) == words


def test_the_latest_title_link_author_and_times_that_were_shown_are_kept(given):
    warehouse = given(
        capture=[ON_DAY_5, ON_DAY_6],
        article_observation=[
            shown(
                5,
                "Old Title",
                url="https://timesca.com/slug/",
                author="A. Writer",
                published_at="2025-12-04 10:00:00+00",
                dateline="BISHKEK",
            ),
            shown(6, "New Title", url="https://timesca.com/slug/?x=1", modified_at="2025-12-06 01:00:00+00"),
        ],
    )
    assert warehouse.row(
        "select title, url, author, published_at, modified_at, dateline from main.fct_article"
    ) == (
        "New Title",
        "https://timesca.com/slug/?x=1",
        "A. Writer",
        datetime(2025, 12, 4, 10, tzinfo=UTC),
        datetime(2025, 12, 6, 1, tzinfo=UTC),
        "BISHKEK",
    )


def test_media_are_kept_from_the_latest_sighting_that_had_any(given):
    media = [{"kind": "caption", "attachment_id": 34461, "caption": "@iom.int"}]
    warehouse = given(
        capture=[ON_DAY_5, ON_DAY_6], article_observation=[shown(5, media=media), shown(6, media=[])]
    )
    assert warehouse.row("select media from main.fct_article") == (media,)


def test_an_observation_without_a_title_is_no_article_and_is_counted_on_its_page(given):
    warehouse = given(
        capture=[ON_DAY_5 | {"articles_parsed": 2}],
        article_observation=[shown(5), shown(5, None, position=2, text_id="t")],
        article_text=texts(t="a text without a title"),
    )
    assert warehouse.rows("select title from main.fct_article") == [("Glacier Survey Begins",)]
    assert warehouse.row("select articles_parsed, articles_untitled from main.fct_listing_page") == (2, 1)


def test_what_is_shown_without_a_link_is_the_article_that_had_a_link_under_that_title(given):
    warehouse = given(
        capture=[ON_DAY_5, ON_DAY_6],
        article_observation=[
            shown(5, "Glacier Survey Begins"),
            # WordPress numbered the slug, or kept that of an earlier title
            shown(6, "Glacier Survey Begins", url="https://timesca.com/glacier-survey-begins-2/"),
        ],
    )
    assert warehouse.rows("select slug, sightings from main.fct_article") == [("glacier-survey-begins-2", 2)]


def test_two_articles_with_one_title_stay_two_and_the_lead_says_which_is_shown(given):
    warehouse = given(
        capture=[ON_DAY_5, ON_DAY_6],
        article_observation=[
            shown(5, position=1, url="/weekly-review/", text_id="march"),
            shown(5, position=2, url="/weekly-review-2/", text_id="april"),
            shown(6, position=1, text_id="april_cut", is_truncated=True),
            shown(6, position=2, text_id="march_cut", is_truncated=True),
            shown(6, position=3, text_id="unknown"),
        ],
        article_text=texts(
            march="In March the river rose by a metre, and the town that lies on it was cut off for days on end.",
            april="In April the river fell again, and the town that lies on it could be reached by road once more.",
            march_cut="In March the river rose by a metre, and the town that lies on it was cut off …",
            april_cut="In April the river fell again, and the town that lies on it could be reached …",
            unknown="Something else altogether.",
        ),
    )
    assert warehouse.rows(
        "select slug, position from main.fct_article_sighting where capture_id = 'c6' order by position"
    ) == [("weekly-review-2", 1), ("weekly-review", 2), ("glacier-survey-begins", 3)]


def test_the_latest_text_of_the_posts_api_goes_before_a_longer_one_of_a_page(given):
    warehouse = given(
        capture=[ON_DAY_5, ON_DAY_6 | {"source": "timesca-posts"}],
        article_observation=[shown(5, text_id="long"), shown(6, text_id="short")],
        article_text=texts(long="many words that were there", short="few words"),
    )
    assert warehouse.row("select text_id from main.fct_article") == ("short",)


def test_the_latest_text_of_the_articles_own_page_goes_before_a_longer_one_of_a_listing(given):
    page = ON_DAY_6 | {"source": "timesca-articles", "page_kind": "article", "captured_date": "2025-12-06"}
    rows = {
        "article_observation": [shown(5, text_id="long"), shown(6, text_id="short")],
        "article_text": texts(long="many words that were there", short="few words"),
    }
    assert given(capture=[ON_DAY_5, page], **rows).row("select text_id from main.fct_article") == ("short",)
    led_to_a_listing = page | {"page_kind": "home"}
    assert given(capture=[ON_DAY_5, led_to_a_listing], **rows).row(
        "select text_id from main.fct_article"
    ) == ("long",)


def of_post(number: int, day: int, slug: str, title: str, **columns):
    url = f"https://timesca.com/{slug}/"
    return {
        "capture_id": f"c{day}",
        "post_id": number,
        "position": number,
        "url": url,
        "title": title,
    } | columns


def api(day: int):
    return {
        "capture_id": f"c{day}",
        "source": "timesca-posts",
        "captured_at": f"2025-12-{day:02} 02:00:00+00",
        "captured_date": f"2025-12-{day:02}",
    }


def test_a_post_that_was_given_another_address_stays_one_article_under_its_first(given):
    listing = {"capture_id": "c8", "position": 1, "title": "A Raod", "url": "https://timesca.com/a-road/"}
    warehouse = given(
        capture=[api(5), api(6), api(7) | {"source": "timesca"}, api(8) | {"source": "timesca"}],
        article_observation=[
            of_post(7, 5, "a-raod", "A Raod"),
            of_post(7, 6, "a-road", "A Road"),
            listing | {"capture_id": "c7", "url": "https://timesca.com/a-raod/"},
            listing,
        ],
    )
    assert warehouse.rows("select slug, post_id, sightings from main.fct_article") == [("a-raod", 7, 4)]


def test_a_post_that_took_the_address_of_a_deleted_one_is_an_article_of_its_own(given):
    listing = {"position": 1, "title": "A Road", "url": "https://timesca.com/a-road/"}
    warehouse = given(
        capture=[api(5), api(6) | {"source": "timesca"}, api(7), api(8) | {"source": "timesca"}],
        article_observation=[
            of_post(7, 5, "a-road", "A Road"),
            listing | {"capture_id": "c6"},
            of_post(9, 7, "a-road", "A Road"),
            listing | {"capture_id": "c8"},
        ],
    )
    assert warehouse.rows(
        "select slug, post_id, first_seen_date::varchar, sightings from main.fct_article order by slug"
    ) == [("a-road", 7, "2025-12-05", 2), ("a-road--9", 9, "2025-12-07", 2)]


def filed(day: int, source: str, hour: int = 2):
    """What the daily run of that day was answered, listings first."""
    return api(day) | {
        "capture_id": f"{source}-{day}",
        "source": source,
        "captured_at": f"2025-12-{day:02} {hour:02}:00:00+00",
        "archive_file": f"2025/12/202512{day:02}T020000Z-{source}.warc.gz",
    }


DIGEST = {"position": 1, "title": "A Digest", "url": "https://timesca.com/a-digest/"}


def test_a_listing_of_the_run_that_finds_the_new_post_shows_it_and_not_the_deleted_one(given):
    """The listing is read first, when no answer has told the number of the new post."""
    warehouse = given(
        capture=[
            *(filed(5, source, hour) for source, hour in (("timesca", 2), ("timesca-posts", 3))),
            *(filed(7, source, hour) for source, hour in (("timesca", 2), ("timesca-posts", 3))),
        ],
        article_observation=[
            DIGEST | {"capture_id": "timesca-5", "text_id": "old"},
            DIGEST | {"capture_id": "timesca-posts-5", "text_id": "old", "post_id": 7},
            DIGEST | {"capture_id": "timesca-7", "text_id": "new"},
            DIGEST | {"capture_id": "timesca-posts-7", "text_id": "new", "post_id": 9},
        ],
        article_text=[
            {"text_id": "old", "text": "Wool is dear."},
            {"text_id": "new", "text": "Ice is thin."},
        ],
    )
    assert warehouse.rows(
        "select slug, last_seen_date::varchar, text, sightings, revisions from main.fct_article order by slug"
    ) == [
        ("a-digest", "2025-12-05", "Wool is dear.", 2, 0),
        ("a-digest--9", "2025-12-07", "Ice is thin.", 2, 0),
    ]


def test_a_listing_shows_the_post_that_was_published_when_it_says(given):
    """No answer tells the new post before the next day; an old page that a cache kept comes after it."""
    then, since = "2025-12-04 06:00:00+00", "2025-12-07 01:00:00+00"
    warehouse = given(
        capture=[
            filed(5, "timesca-posts"),
            filed(7, "timesca"),
            filed(8, "timesca-posts"),
            filed(9, "timesca"),
        ],
        article_observation=[
            DIGEST | {"capture_id": "timesca-posts-5", "post_id": 7, "published_at": then},
            DIGEST | {"capture_id": "timesca-7", "published_at": since},
            DIGEST | {"capture_id": "timesca-posts-8", "post_id": 9, "published_at": since},
            DIGEST | {"capture_id": "timesca-9", "published_at": then},
        ],
    )
    assert warehouse.rows(
        "select slug, published_at::date::varchar, sightings from main.fct_article order by slug"
    ) == [("a-digest", "2025-12-04", 2), ("a-digest--9", "2025-12-07", 2)]


def test_a_feed_item_without_an_address_does_not_take_the_one_that_its_title_would_make(given):
    listing = {"capture_id": "c8", "position": 1, "title": "A Road", "url": "https://timesca.com/a-road/"}
    warehouse = given(
        capture=[api(5), api(7) | {"source": "timesca-feed"}, api(8) | {"source": "timesca"}],
        article_observation=[
            of_post(7, 5, "a-road", "A Road"),
            of_post(9, 7, "", "A Road", url="https://timesca.com/?p=9"),
            listing,
        ],
    )
    assert warehouse.rows("select slug, sightings from main.fct_article order by slug") == [
        ("a-road", 2),
        ("a-road--9", 1),
    ]


def test_an_excluded_capture_does_not_say_which_article_it_is(given):
    warehouse = given(
        capture=[api(5), api(6)],
        article_observation=[of_post(7, 5, "wrong", "A Road"), of_post(7, 6, "a-road", "A Road")],
        decision=[{"capture_id": "c5", "decision": "exclude"}],
    )
    assert warehouse.rows("select slug from main.fct_article") == [("a-road",)]


def test_a_listing_shows_the_post_that_stands_at_the_address_by_then_again(given):
    listing = {"capture_id": "c9", "position": 1, "title": "A Road", "url": "https://timesca.com/a/"}
    warehouse = given(
        capture=[*(api(day) for day in (5, 6, 7, 8)), api(9) | {"source": "timesca"}],
        article_observation=[
            of_post(7, 5, "a", "A Road"),
            of_post(7, 6, "b", "A Road"),
            of_post(9, 6, "a", "A Bridge"),
            of_post(9, 7, "c", "A Bridge"),
            of_post(7, 8, "a", "A Road"),
            listing,
        ],
    )
    assert warehouse.rows(
        "select slug, post_id, sightings, revisions from main.fct_article order by slug"
    ) == [
        ("a", 7, 4, 0),
        ("a--9", 9, 2, 0),
    ]


def test_a_title_alone_finds_the_article_that_was_given_another_address(given):
    warehouse = given(
        capture=[api(5), api(6), api(7) | {"source": "timesca"}],
        article_observation=[
            of_post(7, 5, "road-1", "A Road"),
            of_post(7, 6, "road-2", "A Road"),
            {"capture_id": "c7", "position": 1, "title": "A Road"},
        ],
    )
    assert warehouse.rows("select slug, sightings from main.fct_article") == [("road-1", 3)]
