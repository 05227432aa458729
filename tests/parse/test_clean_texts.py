from __future__ import annotations

import pytest

from ca_etl.parse.lines import MAX_TAGS, clean, is_boilerplate, read_byline, squeeze, take_shortcodes
from ca_etl.parse.page import Media
from ca_etl.parse.text_page import read_lines

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
def test_other_ends_are_no_truncation(text: str) -> None:
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
def test_a_dateline_goes_into_its_own_field(text: str, dateline: str, rest: str) -> None:
    cleaned = clean([text])
    assert (cleaned.dateline, cleaned.text) == (dateline, rest)


@pytest.mark.parametrize(
    "text", ["The agency (TCA) wrote this.", "(TCA) \N{EM DASH} x", "Talks \N{EM DASH} in Bishkek (TCA)."]
)
def test_the_agencys_name_elsewhere_is_no_dateline(text: str) -> None:
    assert clean([text]).dateline is None
    assert clean([text]).text == text


def test_white_space_is_one_blank_and_paragraphs_stay_apart() -> None:
    assert squeeze("\N{NO-BREAK SPACE}a \t b\r\n c ") == "a b c"
    assert clean(["One.", "Two."]).text == "One.\n\nTwo."


@pytest.mark.parametrize("unseen", ["\u200b", "\u2060", "\u00ad", "\ufeff"])
def test_a_character_without_a_width_parts_no_word_or_number(unseen: str) -> None:
    assert squeeze(f"It cost 1{unseen}000 som.{unseen}") == "It cost 1000 som."
    assert squeeze(f" {unseen} ") == ""
    printed = f"A Road{unseen} Opens\n\nIt cost 1{unseen}000 som, they say.\n"
    said = [line.text for line in read_lines(printed)[1]]
    assert said == ["A Road Opens", "It cost 1000 som, they say."]


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
def test_links_and_labels_of_the_theme_are_furniture(line: str) -> None:
    assert is_boilerplate(line)


@pytest.mark.parametrize("line", ["Continue reading the law.", "The divider was moved.", "Read moreover"])
def test_sentences_are_no_furniture(line: str) -> None:
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
