"""An article's text made of lines, and lines that are a date, a count of results or a label."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.parse.lines import (
    MAX_TAGS,
    clean,
    collapse_spaces,
    describes_article,
    is_boilerplate,
    is_credit,
    is_date_like,
    is_header,
    parse_instant,
    read_byline,
    read_date,
    read_header,
    take_shortcodes,
)
from ca_etl.parse.page import Media, Page, ResultCount
from ca_etl.parse.text_page import read_lines
from ca_etl.records import RejectReason

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


@pytest.mark.parametrize(
    ("text", "media"),
    [
        (
            '[caption id="attachment_1" width="3"] Sun; moon, @x: y[/caption]',
            Media("caption", 1, "Sun; moon, @x: y"),
        ),
        ('[caption id="attachment_1"]<img src="a.jpg" /> A dam[/caption]', Media("caption", 1, "A dam")),
        ('[video width="640" mp4="a.mp4"][/video]', Media("video")),
        ('[video src="a.mp4"]', Media("video")),
        ("[embed]https://example.org/v[/embed]", Media("embed", None, "https://example.org/v")),
        ('[gallery ids="1,2"]', Media("gallery")),
        ('[su_box title="x"]', Media("su_box")),
        ('[caption id="attachment_99999999999999999999"]x[/caption]', Media("caption", None, "x")),
    ],
)
def test_a_shortcode_leaves_the_text_and_becomes_media(text: str, media: Media) -> None:
    cleaned = clean([f"Before. {text} After."])
    assert cleaned.text == "Before. After."
    assert cleaned.media == (media,)


@pytest.mark.parametrize(
    "prose",
    [
        "It [the bank] paid [approximately $3 million].",
        "[sic]",
        "[video unavailable]",
        "a[0] = b[1]",
        "[Caption]",
        "[",
        "][",
    ],
)
def test_square_brackets_of_prose_stay(prose: str) -> None:
    assert clean([prose]).text == prose
    assert clean([prose]).media == ()


@pytest.mark.parametrize(
    "prose",
    [
        "He said it [the fold] was ours [sic] and [is] so [...] still.",
        "[president] [Kyrgyzstan's] [1] [laughs] [Music] [so-called] [The]",
        "He left [the",
        "[caption: a dam]",
    ],
)
def test_an_editors_brackets_stay(prose: str) -> None:
    assert clean([prose]) == clean([prose])._replace(text=prose, media=())


@pytest.mark.parametrize(
    "text",
    [
        "[vc_row][vc_column][vc_column_text]The fold.[/vc_column_text][/vc_column][/vc_row]",
        "[et_pb_section][et_pb_row][et_pb_text]The fold.[/et_pb_text][/et_pb_row][/et_pb_section]",
        "[av_one_full first]The fold.[/av_one_full]",
        "[su_divider][su_tab Fold]The fold.[/su_tab]",
        "[quote]The fold.[/quote]",
        "[dropcap]T[/dropcap]he fold.",
        "[url=https://example.org/]The fold[/url].",
        "[toc]The fold.[/caption]",
        '[contact-form-7 404 "Not Found"]The fold.',
        "[vc_raw_html]JTNDc2NyaXB0JTNF[/vc_raw_html]The fold.",
        "The fold. [vc_row",
    ],
)
def test_the_tags_of_builders_and_end_tags_leave_the_text(text: str) -> None:
    assert clean([text]) == clean(["The fold."])


def test_texts_of_two_columns_are_kept_apart() -> None:
    assert clean(["[col]One.[/col][col]Two.[/col]"]).text == "One. Two."


def test_an_unclosed_caption_loses_its_tag_and_no_word() -> None:
    cleaned = clean(['One. [caption id="attachment_2"] A dam. Two.'])
    assert cleaned.text == "One. A dam. Two."
    assert cleaned.media == (Media("caption", 2),)


def test_two_captions_are_two_media_in_their_order() -> None:
    text, media = take_shortcodes(
        '[caption id="attachment_1"]a[/caption] x [caption id="attachment_2"]b[/caption]'
    )
    assert text.split() == ["x"]
    assert [(item.attachment_id, item.caption) for item in media] == [(1, "a"), (2, "b")]


def test_a_tag_cut_by_the_end_of_the_text_leaves_it() -> None:
    cleaned = clean(['The dam was built. [caption id="attachment_3" align="al'])
    assert cleaned.text == "The dam was built."
    assert cleaned.media == (Media("caption", 3),)


@pytest.mark.parametrize(
    "end",
    ["...", ELLIPSIS, " [...]", f" [{ELLIPSIS}]", "... Continue reading", f"{ELLIPSIS}  Continue reading →"],
)
def test_a_text_that_ends_in_an_ellipsis_is_truncated(end: str) -> None:
    assert clean([f"Some of those who were asked{end}"]).is_truncated


@pytest.mark.parametrize(
    "text",
    [
        "He paused... and went on.",
        f"He paused{ELLIPSIS} and went on.",
        "\N{LEFT DOUBLE QUOTATION MARK}And so on...\N{RIGHT DOUBLE QUOTATION MARK}",
        "It stops in the mid of a wor",
        "Two dots..",
        "The end. Continue reading",
    ],
)
def test_other_ends_are_not_a_truncation(text: str) -> None:
    assert not clean([text]).is_truncated


def test_a_teaser_of_the_old_site_is_truncated_by_its_own_word() -> None:
    cleaned = clean(["The talks went on.", "Register to read more ..."])
    assert (cleaned.text, cleaned.is_truncated) == ("The talks went on.", True)


@pytest.mark.parametrize("glue", ["", " ", "   "])
def test_continue_reading_glued_to_a_paragraph_leaves_it(glue: str) -> None:
    assert clean([f"The talks went on.{glue}Continue reading"]).text == "The talks went on."


def test_to_continue_reading_inside_a_sentence_stays() -> None:
    assert clean(["She wanted to continue reading"]).text == "She wanted to continue reading"


@pytest.mark.parametrize(
    ("text", "dateline", "rest"),
    [
        ("BISHKEK (TCA) \N{EM DASH} The talks went on.", "BISHKEK (TCA)", "The talks went on."),
        ("UST-KAMENOGORSK, May 5 (TCA) - The talks.", "UST-KAMENOGORSK, May 5 (TCA)", "The talks."),
        ("NUR-SULTAN (TCA) \N{EN DASH} The talks.", "NUR-SULTAN (TCA)", "The talks."),
    ],
)
def test_a_dateline_is_stored_in_its_own_field(text: str, dateline: str, rest: str) -> None:
    cleaned = clean([text])
    assert (cleaned.dateline, cleaned.text) == (dateline, rest)


@pytest.mark.parametrize(
    "text", ["The agency (TCA) wrote this.", "(TCA) \N{EM DASH} x", "Talks \N{EM DASH} in Bishkek (TCA)."]
)
def test_the_agencys_name_elsewhere_is_not_a_dateline(text: str) -> None:
    assert clean([text]).dateline is None
    assert clean([text]).text == text


def test_white_space_is_one_space_and_paragraphs_stay_apart() -> None:
    assert collapse_spaces("\N{NO-BREAK SPACE}a \t b\r\n c ") == "a b c"
    assert clean(["One.", "Two."]).text == "One.\n\nTwo."


@pytest.mark.parametrize("unseen", ["\u200b", "\u2060", "\u00ad", "\ufeff"])
def test_a_character_without_a_width_parts_no_word_or_number(unseen: str) -> None:
    assert collapse_spaces(f"It cost 1{unseen}000 som.{unseen}") == "It cost 1000 som."
    assert collapse_spaces(f" {unseen} ") == ""
    printed = f"A Road{unseen} Opens\n\nIt cost 1{unseen}000 som, they say.\n"
    lines = [line.text for line in read_lines(printed)[1]]
    assert lines == ["A Road Opens", "It cost 1000 som, they say."]


def test_quotes_dashes_and_letters_are_stored_as_printed() -> None:
    printed = "\u201cA \u2013 b\u201d -- 'c' \u00b4 \u2011 Chi\u0219in\u0103u \u20ac5 5 % $ 3 , x"
    assert clean([printed]).text == printed


@pytest.mark.parametrize(
    "line",
    [
        "Continue reading",
        "CONTINUE READING →",
        "divider",
        "Read more: A Title",
        "View more articles from A. Writer",
    ],
)
def test_links_and_labels_of_the_theme_are_boilerplate(line: str) -> None:
    assert is_boilerplate(line)


@pytest.mark.parametrize("line", ["Continue reading the law.", "The divider was moved.", "Read moreover"])
def test_sentences_are_not_boilerplate(line: str) -> None:
    assert not is_boilerplate(line)


@pytest.mark.parametrize(
    ("line", "name"),
    [("Written by TCA", "TCA"), ("By Aigul B. Writer", "Aigul B. Writer"), ("• Written by A. Writer", "A. Writer"),
     ("By the end of the year, prices fell.", None), ("Written by", None), ("By " + "x" * 500, None)],
)  # fmt: skip
def test_a_line_of_a_name_alone_is_a_byline(line: str, name: str | None) -> None:
    assert read_byline(line) == name


def test_shortcodes_beyond_any_number_that_texts_have_stay_as_printed() -> None:
    rest, media = take_shortcodes("[gallery id=1]" * (MAX_TAGS + 2))
    assert (rest.strip(), len(media)) == ("[gallery id=1]" * 2, MAX_TAGS)


MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


@given(st.dates(min_value=date(1000, 1, 1)))
def test_every_day_reads_back_from_its_line(day: date) -> None:
    line = f"{day.day:02} {MONTHS[day.month - 1]} {day.year}"
    assert read_date(line) == day
    assert read_date(f"  {line} \r") == day


@pytest.mark.parametrize(
    "line",
    ["5 December 2025", "05 Dec 2025", "05 december 2025", "05 Dezember 2025", "31 February 2025", "00 May 2025",
     "05 December 25", "05 December 2025.", "on 05 December 2025", "05 December 2025 x",
     "\u0660\u0665 December 2025", ""],
)  # fmt: skip
def test_no_other_line_is_a_date(line: str) -> None:
    assert read_date(line) is None


def test_a_line_that_means_a_date_is_distinguished_from_prose() -> None:
    assert is_date_like("5 December 2025")
    assert is_date_like("31 February 2025")
    assert not is_date_like("12 trains a day")
    assert not is_date_like("Mar 23")


@pytest.mark.parametrize("line", ["5 December 2025", "31 February 2025"])
def test_a_bad_date_line_after_the_ticker_is_reported(page: Callable[..., Page], line: str) -> None:
    read = page(f"• KGS/USD = 0.01144 0%\n{line}\n\nViewing results 1 - 6 of 8\n")
    assert read.page_date is None
    assert RejectReason.BAD_DATE_LINE in [reject.reason for reject in read.rejects]
    assert read.shown == ResultCount(1, 6, 8)


def test_the_header_is_taken_as_printed_also_past_its_total() -> None:
    assert read_header("Viewing results 1 - 6 of 2") == ResultCount(1, 6, 2)
    assert read_header("Viewing results 1 \N{EN DASH} 6 of 9877") == ResultCount(1, 6, 9877)
    assert read_header("Viewing results 1 - 6 of 9,877") is None
    assert read_header("Viewing results 1 - 6") is None


def test_a_bad_header_is_reported(page: Callable[..., Page]) -> None:
    read = page(
        "• KGS/USD = 0.01144 0%\n05 December 2025\n\nViewing results 1 - 6 of many\n\nA Title of Ours\n\nText."
    )
    assert read.shown is None
    assert [reject.reason for reject in read.rejects if reject.reason is RejectReason.BAD_HEADER]


@pytest.mark.parametrize(
    "line",
    ["05 December 2025" + " " * 40 + "was a Friday", "05 December 2025" + "\t" * 25 + "x"],
)
def test_a_date_with_prose_far_after_it_is_not_a_date_line(line: str) -> None:
    assert read_date(line) is None
    assert not is_date_like(line)


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("Viewing results 1 - 6 of many", True),
        ("Vi\u0435wing results 1 - 6 of 8", True),
        ("Viewing results 1 - 6 of 8 and more", True),
        ("Vi\u0435wing results 1 - 6 of 8 and more", False),
        ("Viewing " + "results", True),
        ("Viewing result", False),
        ("Viewing results ".ljust(80, "9"), True),
        ("Viewing results ".ljust(81, "9"), False),
    ],
)
def test_a_line_of_up_to_80_characters_that_begins_as_the_header_claims_to_be_one(
    line: str, *, is_one: bool
) -> None:
    assert is_header(line) is is_one


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            "Viewing results 999999999 - 999999999 of 999999999",
            ResultCount(999_999_999, 999_999_999, 999_999_999),
        ),
        ("Viewing results 1 - 6 of 1000000000", None),
        ("Viewing results 1 - 6 of 8 ", None),
        (" Viewing results 1 - 6 of 8", None),
        ("Viewing results 1 - 6 of 8" + " " * 60, None),
    ],
)
def test_a_header_has_numbers_of_up_to_nine_digits_and_nothing_else(
    line: str, shown: ResultCount | None
) -> None:
    assert read_header(line) == shown


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("2025-12-05T02:00:00Z", datetime(2025, 12, 5, 2, tzinfo=UTC)),
        (" 2025-12-05T07:00:00+05:00\n", datetime(2025, 12, 5, 2, tzinfo=UTC)),
        ("2025-12-05T02:00:00.123456+00:00", datetime(2025, 12, 5, 2, 0, 0, 123456, tzinfo=UTC)),
        ("1990-01-01T00:00:00Z", datetime(1990, 1, 1, tzinfo=UTC)),
        ("2200-12-31T00:00:00Z", datetime(2200, 12, 31, tzinfo=UTC)),
        ("1989-12-31T23:59:59Z", None),
        ("2201-01-01T00:00:00Z", None),
        ("2025-12-05T02:00:00", None),
        ("2025-02-31T02:00:00Z", None),
        ("soon", None),
        ("", None),
    ],
)
def test_an_instant_has_an_offset_and_a_year_from_1990_to_2200(value: str, read: datetime | None) -> None:
    instant_read = parse_instant(value)
    assert instant_read == read
    assert instant_read is None or instant_read.tzinfo is UTC


Reader = Callable[..., Page]
LABELS = """
3 hours ago|22 hours ago|an hour ago|2 days ago|Yesterday|Just now|About 3 hours ago|3 hrs ago|3h ago|Two days ago
1 year, 2 months ago|Posted 3 hours ago|less than a minute ago|Last week|a few seconds ago
5 min read|Reading time: 4 minutes|4 minute read|4-minute read|Reading Time: < 1 minute|5 min|Time to read: 5 min
4 December 2025|Dec 4, 2025|2025-12-04|04.12.2025|Thursday, December 4, 2025|December 4, 2025 at 2:05 pm|14:05
4th December 2025|04/12/2025|2025-12-04T09:00:00Z|Thu, 04 Dec 2025 09:00:00 +0500|14:05, 4 December 2025|4-Dec-2025
4 Dec 2025 - 14:05|December 2025|December 4|04 December 2025 14:05 (GMT+6)
1,204 views|3 Comments|No Comments|0 Comments|Leave a comment|Leave a Reply|12 shares|1.2K views|Views: 1,204
Comments (3)|Comments Off|Be the first to comment|Viewed 204 times
Updated|Updated:|Updated: 4 December 2025|Published|Last modified on December 4, 2025|Last updated: 2025-12-04
Photo: A. Writer|Image: AP|Credit: A. Writer / AP|Getty Images|File photo|Photo by A. Writer|AP Photo/A. Writer
Photo courtesy of the ministry|AFP via Getty Images|A. Writer / Getty Images|(Photo: AP)|Photos: AP|Source: Reuters
4 December 2025, 5 min read|By A. Writer, 4 December 2025|By A. Writer on December 4, 2025
"""
HEADLINES = """
Three Hours That Changed Bishkek|Updated Law on Media Takes Effect|5 Minutes with a Beekeeper|Views from the Pamirs
Photo Essay: Life on the Aral|Two Days in Osh|December 4: A Day to Remember|Image of a Nation|2025 in Review
Updated: Kyrgyz President Signs Law|Today in Bishkek|March of the Herders|Friday Prayers Return to Osh|No Comment
12 Views of the Aral|3 Comments on the New Budget|Photo from Space Shows Shrinking Aral
Photos: Bishkek Celebrates Nowruz|Source: Kazakhstan to Cut Oil Output in May|Credit: The Missing Link in Kazakh Farming
Big Picture: Kazakhstan Eyes Growth|One Year On|Leave a Light On|Reuters Opens an Office in Bishkek|Osh, 1990
Comment: Why Water Matters|In Photos: Naryn
7 April 2010: The Day Bishkek Burned|Kyrgyzstan, Today|Update: Dam Reopens|10 Shares to Watch|Last Week in Almaty
"""
TEXT = "The road over the pass was opened on Friday, two years after the flood had carried it away for the third time."


def _rows(table: str) -> list[str]:
    return [line for row in table.strip().splitlines() for line in row.split("|")]


@pytest.mark.parametrize("line", _rows(LABELS))
def test_a_line_that_describes_an_article_is_known_as_one(line: str) -> None:
    assert describes_article(line)
    assert describes_article(line.upper()) or line.startswith("By ")


@pytest.mark.parametrize("line", ["News | 3 hours ago", "A. Writer · Dec 4, 2025 · 5 min read"])
def test_several_descriptions_and_a_category_can_be_in_one_line(line: str) -> None:
    assert describes_article(line)


@pytest.mark.parametrize("line", [*_rows(HEADLINES), "Bishkek | Where to Eat", "", "x" * 500])
def test_a_headline_is_not_a_description(line: str) -> None:
    assert not describes_article(line)


def test_a_credit_is_known_from_other_descriptions() -> None:
    assert is_credit("Photo: A. Writer")
    assert not is_credit("3 hours ago")


@pytest.mark.parametrize("label", ["3 hours ago", "5 min read", "4 December 2025", "3 Comments", "Updated"])
@pytest.mark.parametrize("order", ["{label}\n\n{title}\n\n{text}", "{title}\n\n{label}\n\n{text}"])
def test_a_label_beside_the_title_of_a_text_page_is_neither_title_nor_text(
    page: Reader, label: str, order: str
) -> None:
    titles = ["A Road Opens Over the Pass", "Herders Count Their Sheep"]
    shown = [order.format(label=label, title=title, text=TEXT) for title in titles]
    listing = "Viewing results 1 - 6 of 48\n\n" + "\n\n".join(shown) + "\n"
    home = "\n\nContinue reading\n\n".join([*shown, ""])
    for text, url in (
        (listing, "https://timesca.com/category/news/"),
        (home, "https://timesca.com/page/572/?catid=14&id=6054"),
    ):
        articles = page(text, url=url).articles
        assert [(article.title, article.text) for article in articles] == [(title, TEXT) for title in titles]


def test_a_photo_credit_beside_a_title_is_a_caption(page: Reader) -> None:
    text = f"Viewing results 1 - 6 of 48\n\nA Road Opens\n\nPhoto: A. Writer\n\n{TEXT}\n"
    (article,) = page(text, url="https://timesca.com/category/news/").articles
    assert (article.title, article.text) == ("A Road Opens", TEXT)
    assert article.media == (Media("caption", None, "Photo: A. Writer"),)


def test_a_date_between_two_paragraphs_is_text(page: Reader) -> None:
    text = f"A Road Opens Over the Pass\n\n{TEXT}\n\n4 December 2025\n\n{TEXT}\n"
    (article,) = page(text, url="https://timesca.com/a-road-opens/").articles
    assert article.text == f"{TEXT}\n\n4 December 2025\n\n{TEXT}"


@pytest.mark.parametrize("label", ["3 hours ago", "5 min read", "December 4, 2025", "No Comments"])
def test_a_label_in_a_card_is_neither_title_nor_text(page: Reader, label: str) -> None:
    cards = "".join(
        f"<article><h4><a href='/{name}/'>{label}</a></h4><h2><a href='/{name}/'>A {name} Opens</a></h2>"
        f"<p>{label}</p><p>{TEXT}</p><p>{label}</p></article>"
        for name in ("Road", "Dam")
    )
    articles = page(cards, html=True, url="https://timesca.com/tag/a/").articles
    assert [(article.title, article.text) for article in articles] == [
        ("A Road Opens", TEXT),
        ("A Dam Opens", TEXT),
    ]
