# ruff: noqa: RUF001  titles as the site sets them
"""An observation with a title has the slug of its post, of its link or of its title."""


def shown(day: int, title: str, **columns):
    return {"capture_id": f"c{day}", "title": title} | columns


ON_DAY_5 = {"capture_id": "c5", "page_date": "2025-12-05"}


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
    # these have no segment of their own, so the title gives the slug
    "https://timesca.com/?p=17": "title-5",
    "https://timesca.com/index.php?id=17": "title-6",
    "https://timesca.com": "title-7",
}


def test_the_last_segment_of_the_link_is_the_slug_where_there_is_one(given):
    warehouse = given(
        capture=[ON_DAY_5],
        article_observation=[shown(5, f"Title {n}", position=n, url=url) for n, url in enumerate(LINKS)],
    )
    assert dict(warehouse.rows("select url, slug from main.fct_article")) == LINKS


def test_equal_titles_with_different_links_are_different_articles(given):
    warehouse = given(
        capture=[{}],
        article_observation=[
            {"position": 1, "title": "Weekly Digest", "url": "https://timesca.com/weekly-digest/"},
            {"position": 2, "title": "Weekly Digest", "url": "https://timesca.com/weekly-digest-2/"},
            {"position": 3, "title": "Weekly Digest"},
        ],
    )
    assert warehouse.rows("select position, slug from staging.stg_article_observation order by position") == [
        (1, "weekly-digest"),
        (2, "weekly-digest-2"),
        (3, "weekly-digest"),
    ]


def test_the_slug_is_that_of_the_post_else_of_the_link_else_of_the_title(given):
    road = {"capture_id": "c5", "title": "A Road", "url": "https://timesca.com/the-road/"}
    warehouse = given(
        capture=[ON_DAY_5],
        article_observation=[
            road | {"position": 1, "url": "https://timesca.com/first/", "post_id": 7},
            road | {"position": 2, "post_id": 7},
            road | {"position": 3, "url": "https://timesca.com/another-road/"},
            {"capture_id": "c5", "position": 4, "title": "A Bridge"},
            {"capture_id": "c5", "position": 5, "title": None},
        ],
    )
    assert warehouse.rows("select position, slug from staging.stg_article_observation order by position") == [
        (1, "first"),
        (2, "first"),
        (3, "another-road"),
        (4, "a-bridge"),
    ]
