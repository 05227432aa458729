from datetime import UTC, datetime

ON_DAY_5 = {"capture_id": "c5", "page_date": "2025-12-05"}
ON_DAY_6 = {"capture_id": "c6", "page_date": "2025-12-06"}


def shown(day: int, title: str | None = "Glacier Survey Begins", **columns):
    return {"capture_id": f"c{day}", "title": title} | columns


def texts(**by_id: str):
    return [{"text_id": text_id, "text": text} for text_id, text in by_id.items()]


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


def test_words_are_separated_by_spaces(given):
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


def test_an_observation_without_a_title_is_not_an_article_and_is_counted_on_its_page(given):
    warehouse = given(
        capture=[ON_DAY_5 | {"articles_parsed": 2}],
        article_observation=[shown(5), shown(5, None, position=2, text_id="t")],
        article_text=texts(t="a text without a title"),
    )
    assert warehouse.rows("select title from main.fct_article") == [("Glacier Survey Begins",)]
    assert warehouse.row("select articles_parsed, articles_untitled from main.fct_listing_page") == (2, 1)


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
