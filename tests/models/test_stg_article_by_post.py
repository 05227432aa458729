"""A post is one article, whatever its addresses; two posts are two, even at one address."""

from tests.models.rows import capture


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
    return capture(f"c{day}", day, source="timesca-posts", page_date=None)


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
    """A capture of the slot of that day; listings are captured first."""
    return api(day) | {
        "capture_id": f"{source}-{day}",
        "source": source,
        "captured_at": f"2025-12-{day:02} {hour:02}:00:00+00",
        "archive_file": f"2025/12/202512{day:02}T020000Z-{source}.warc.gz",
    }


DIGEST = {"position": 1, "title": "A Digest", "url": "https://timesca.com/a-digest/"}


def test_a_listing_of_the_slot_that_first_has_the_new_post_shows_it_and_not_the_deleted_one(given):
    """The listing is captured first, when no response has had the id of the new post."""
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


def test_a_listing_shows_the_post_of_its_time_of_publication(given):
    """No response has the new post before the next day; an old page that a cache kept comes after it."""
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


def test_of_two_posts_that_one_response_has_at_an_address_a_listing_shows_the_newer(given):
    listing = {"capture_id": "c6", "position": 1, "title": "A Road", "url": "https://timesca.com/a-road/"}
    warehouse = given(
        capture=[api(5), api(6) | {"source": "timesca"}],
        article_observation=[
            *(of_post(number, 5, "a-road", "A Road") for number in (10, 7, 9)),
            listing,
        ],
    )
    assert warehouse.rows("select slug, sightings from main.fct_article order by slug") == [
        ("a-road", 1),
        ("a-road--10", 2),
        ("a-road--9", 1),
    ]


def test_a_feed_item_without_an_address_does_not_take_the_one_of_its_title(given):
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


def test_an_excluded_capture_does_not_identify_a_post(given):
    warehouse = given(
        capture=[api(5), api(6)],
        article_observation=[of_post(7, 5, "wrong", "A Road"), of_post(7, 6, "a-road", "A Road")],
        decision=[{"capture_id": "c5", "decision": "exclude"}],
    )
    assert warehouse.rows("select slug from main.fct_article") == [("a-road",)]


def test_a_listing_shows_the_latest_post_that_had_its_address(given):
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


def test_a_title_without_a_link_is_the_article_that_was_given_another_address(given):
    warehouse = given(
        capture=[api(5), api(6), api(7) | {"source": "timesca"}],
        article_observation=[
            of_post(7, 5, "road-1", "A Road"),
            of_post(7, 6, "road-2", "A Road"),
            {"capture_id": "c7", "position": 1, "title": "A Road"},
        ],
    )
    assert warehouse.rows("select slug, sightings from main.fct_article") == [("road-1", 3)]


def test_two_posts_with_one_title_and_no_slug_in_their_links_are_two_articles(given):
    warehouse = given(
        capture=[api(5)],
        article_observation=[
            of_post(7, 5, "", "Letter from the River", url="https://timesca.com/?p=7"),
            of_post(9, 5, "", "Letter from the River", url="https://timesca.com/?p=9"),
        ],
    )
    assert warehouse.rows("select slug from main.fct_article order by slug") == [
        ("letter-from-the-river",),
        ("letter-from-the-river--9",),
    ]


def test_the_model_has_the_observations_that_a_post_id_identifies(given):
    listing = {"capture_id": "c6", "title": "A Road", "url": "https://timesca.com/a-road/"}
    warehouse = given(
        capture=[api(4), api(5), api(6) | {"source": "timesca"}],
        article_observation=[
            of_post(7, 4, "a-road", "A Road"),
            of_post(9, 5, "a-road", "A Road"),
            listing | {"position": 1},
            listing | {"position": 2, "url": "https://timesca.com/a-bridge/"},
        ],
    )
    assert warehouse.rows("from staging.stg_article_by_post order by all") == [
        ("c4", 7, "a-road"),
        ("c5", 9, "a-road--9"),
        ("c6", 1, "a-road--9"),
    ]
