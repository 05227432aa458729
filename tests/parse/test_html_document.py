"""What of a page's tree is text: not what plugins and themes add, hide, strike through or raise."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ca_etl.parse.item_validation import html_to_text, read_content
from ca_etl.parse.page import Page

Reader = Callable[..., Page]
PROSE = "Hay is expensive in Naryn this winter, and the herders buy less of it."
LONG = "The herders of Naryn buy less hay this winter than they did in the winter before it."


def _text(html: str) -> str | None:
    article = read_content(html)
    assert article is not None
    return article.text


@pytest.mark.parametrize(
    "block",
    [
        '<div class="sharedaddy sd-sharing-enabled"><h3>Share this:</h3><ul><li>Facebook</li></ul></div>',
        '<div id="jp-relatedposts" class="jp-relatedposts"><h3>Related</h3><p>Kenya paid $9 million.</p></div>',
        '<div class="wp-block-jetpack-subscriptions"><p>Type your email</p></div>',
        '<div class="addtoany_share_save_container addtoany_content"><a href="#">Facebook</a></div>',
        '<div class="swp_social_panel">Share</div>',
        '<div class="et_social_inline et_social_mobile_on"><p>Share</p></div>',
        '<div class="ssba ssba-wrap">Share</div>',
        '<div class="addthis_toolbox">Share</div>',
        '<div class="yarpp yarpp-related"><ol><li><a href="/x/">Kenya buys boats</a></li></ol></div>',
        '<div class="crp_related"><h3>Related</h3></div>',
        '<div class="rp4wp-related-posts"><h3>Related</h3></div>',
        '<div class="wp_rp_wrap  wp_rp_plain"><h3>Related</h3></div>',
        '<a href="/x/" class="u12ab"><span class="ctaText">See also</span> <span class="postTitle">Kenya</span></a>',
        '<div class="saboxplugin-wrap"><p>A. Writer is a journalist from Kenya.</p></div>',
        '<div class="pp-multiple-authors-boxes-wrapper"><p>A. Writer</p></div>',
        '<div class="m-a-box"><p>A. Writer</p></div>',
        '<div class="abh_box abh_box_down"><p>A. Writer</p></div>',
        '<form class="mc4wp-form mc4wp-form-12"><p>Subscribe</p></form>',
        '<div class="tnp tnp-subscription">Subscribe</div>',
        '<div class="wpcf7 no-js">Write to us</div>',
        '<div class="wpforms-container wpforms-container-full">Write to us</div>',
        '<div class="gform_wrapper gravity-theme">Write to us</div>',
        '<div id="ez-toc-container"><p>Contents</p></div>',
        '<div class="wp-block-rank-math-toc-block"><h2>Contents</h2></div>',
        '<div class="kk-star-ratings">Rate this post</div>',
        '<div id="comments" class="comments-area"><p>A comment.</p></div>',
        "<div class='code-block code-block-3'>Buy boats</div>",
        '<div class="wp-block-query"><h2><a href="/k/">Kenya</a></h2></div>',
        '<span class="screen-reader-text">Skip</span>',
        '<div role="complementary">Kenya</div>',
        "<form><p>Search</p></form>",
        '<section class="related-articles"><p>Kenya paid $9 million for boats.</p></section>',
        '<div class="wp-block-group"><div class="related-posts"><article><h3>Kenya</h3></article></div></div>',
        '<div class="share-buttons">Facebook</div>',
        '<div class="author-box"><p>A. Writer has lived in Kenya.</p></div>',
        '<div class="newsletter-signup"><h3>Sign up</h3></div>',
        '<p class="post-tags">Tags: Kenya</p>',
    ],
)
def test_a_plugins_block_is_not_text(block: str) -> None:
    assert _text(f"<p>{PROSE}</p>{block}") == PROSE
    assert _text(f'<div class="entry-content">{block}<p>{PROSE}</p></div>') == PROSE


@pytest.mark.parametrize(
    "html",
    [
        f'<div class="social-share-enabled"><p>{LONG}</p></div>',
        f'<div class="share-price-table"><p>{LONG}</p></div>',
        f'<p class="has-related-posts">{LONG}</p>',
        f'<div class="post type-post category-newsletter author-box"><p>{LONG}</p></div>',
        f'<div class="entry-content related-posts"><p>{LONG}</p></div>',
        f'<div class="social-share"><p>{LONG}</p></div>',
        f'<div aria-hidden="true"><p>{LONG}</p></div>',
    ],
)
def test_an_element_that_holds_the_text_stays_whatever_its_name(html: str) -> None:
    assert _text(html) == LONG


def test_an_element_with_most_paragraphs_stays_beside_other_text() -> None:
    wrapper = f'<div class="social-share"><p>{LONG}</p><p>{LONG}</p><p>{LONG}</p></div>'
    assert _text(f"{wrapper}<p>In short.</p>") == "\n\n".join([LONG, LONG, LONG, "In short."])


def test_share_buttons_in_the_card_of_a_listing_are_not_its_text(page: Reader) -> None:
    cards = "".join(
        f"<article><h2><a href='/{name}/'>A {name} Opens</a></h2><p>{PROSE}</p>"
        "<div class='sharedaddy'><p>Share this: Facebook</p></div></article>"
        for name in ("Road", "Dam")
    )
    articles = page(cards, html=True, url="https://timesca.com/tag/a/").articles
    assert [(article.title, article.text) for article in articles] == [
        ("A Road Opens", PROSE),
        ("A Dam Opens", PROSE),
    ]


def test_a_list_of_posts_as_a_block_is_a_listing_and_not_boilerplate(page: Reader) -> None:
    posts = "".join(
        f"<li><h2><a href='/s{number}/'>Story {number}</a></h2><p>{LONG}</p></li>" for number in "12"
    )
    body = f"<div class='wp-block-query'><ul class='wp-block-post-template'>{posts}</ul></div>"
    assert len(page(body, html=True, url="https://timesca.com/tag/a/").articles) == 2


SENTENCE = "The council met on Friday and put the matter off until the spring, as it had done before."


def _text_of_page(page: Reader, html: str) -> str | None:
    body = f"<article><h2><a href='/s/'>Story</a></h2><p>{SENTENCE}</p>{html}</article>"
    (article,) = page(body, html=True, url="https://timesca.com/tag/a/").articles
    assert article.text is not None
    return article.text.removeprefix(SENTENCE).strip() or None


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("It cost 300<sup>1</sup> som.", "It cost 300^1 som."),
        ("It cost 10<sup>6</sup> tenge.", "It cost 10^6 tenge."),
        ("It weighs 10<sup>-6</sup> grams.", "It weighs 10^-6 grams."),
        ("It is 10<sub>2</sub> here.", "It is 10_2 here."),
        ("It cost 300<sup><a href='#note-1'>1</a></sup> som.", "It cost 300 som."),
        ("It cost <b>300</b><sup>1</sup> som.", "It cost 300^1 som."),
        ("It has 5 m<sup>3</sup> of CO<sub>2</sub>.", "It has 5 m3 of CO2."),
        ("On the 25<sup>th</sup> it rained.", "On the 25th it rained."),
    ],
)
def test_a_raised_or_lowered_number_is_not_a_digit_of_the_number_before(
    page: Reader, html: str, text: str
) -> None:
    assert _text_of_page(page, f"<p>{html}</p>") == text
    content = read_content(f"<p>{html}</p>")
    assert content is not None
    assert content.text == html_to_text(html) == text


@pytest.mark.parametrize(
    "html",
    [
        "<p hidden>Not for you.</p>",
        "<div class='a' hidden=''><p>Not for you.</p></div>",
        "<p style='display:none'>Not for you.</p>",
        '<p style="color: red; DISPLAY: none !important">Not <b hidden>for</b> you.</p>',
        "<p><del>Not for you.</del></p>",
    ],
)
def test_what_is_hidden_or_struck_through_is_not_text(page: Reader, html: str) -> None:
    assert _text_of_page(page, html) is None


@pytest.mark.parametrize(
    "html",
    [
        "<p style='overflow:hidden'>For you.</p>",
        "<p aria-hidden='true' data-hidden>For you.</p>",
        "<p class='hidden'>For you.</p>",
    ],
)
def test_what_only_mentions_hiding_is_text(page: Reader, html: str) -> None:
    assert _text_of_page(page, html) == "For you."


def test_articles_that_a_script_shows_later_are_kept(page: Reader) -> None:
    body = f"<div style='display:none'><h2><a href='/s/'>Story</a></h2><p>{SENTENCE}</p></div>"
    (article,) = page(body, html=True, url="https://timesca.com/tag/a/").articles
    assert (article.title, article.text) == ("Story", SENTENCE)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("A sheep cost <s>300</s>250 som.", "A sheep cost 250 som."),
        ("A sheep cost <strike>300</strike> 250 som.", "A sheep cost 250 som."),
        ("A sheep cost <del>300</del> <ins>250</ins> som.", "A sheep cost 250 som."),
        ("A sheep cost <s>300</s><s>400</s>250 som.", "A sheep cost 250 som."),
        ("<b><s>300</s></b>250 som is its price.", "250 som is its price."),
        (
            'A sheep cost <span style="text-decoration: line-through">300</span>250 som.',
            "A sheep cost 250 som.",
        ),
        (
            'It is <i style="TEXT-DECORATION-LINE:underline Line-Through;color:red">3</i>2 som.',
            "It is 2 som.",
        ),
        (
            'It is <i style="text-decoration:underline">3</i> som, not line-through.',
            "It is 3 som, not line-through.",
        ),
        ("It cost 300<del>0</del> som.", "It cost 300 som."),
        ("It cost 1<s>2</s>3 som.", "It cost 1^3 som."),
        ("It cost 1 <s>5</s> 000 som.", "It cost 1 ^ 000 som."),
        ("It cost <b>300</b><s>1</s><i>250</i> som.", "It cost 300^250 som."),
    ],
)
def test_struck_out_text_is_dropped_and_joins_no_numbers(page: Reader, html: str, text: str) -> None:
    content = read_content(f"<p>{html}</p>")
    assert content is not None
    assert content.text == html_to_text(html) == _text_of_page(page, f"<p>{html}</p>") == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("Kyrgyz<wbr>stan paid 300<wbr>000 som.", "Kyrgyzstan paid 300000 som."),
        ("Kyrgyz<WBR/>stan paid 300&shy;000 som.", "Kyrgyzstan paid 300000 som."),
        ("Kyrgyz\u00adstan paid 300&#8203;000 som.", "Kyrgyzstan paid 300000 som."),
        ("Kyrgyz<b></b>stan <span id='more-1'></span>paid.", "Kyrgyzstan paid."),
        ("The <nobr>Kyrgyz</nobr> <kbd>som</kbd> fell.", "The Kyrgyz som fell."),
    ],
)
def test_what_only_allows_a_break_joins(page: Reader, html: str, text: str) -> None:
    content = read_content(f"<p>{html}</p>")
    assert content is not None
    assert content.text == html_to_text(html) == _text_of_page(page, f"<p>{html}</p>") == text


@pytest.mark.parametrize(
    "mark",
    [
        "<sup>1</sup>",
        "<sup>[1]</sup>",
        "<sup>(1)</sup>",
        "<sup>1,2</sup>",
        "<sup>*</sup>",
        "<sup>\u2020</sup>",
        "<sup>a</sup>",
        "<SUP>1</SUP>",
        " <sup>1</sup>",
        "<sup><b>1</b></sup>",
        "<sup><a href='#fn1'>1</a></sup>",
        "<a href='#_ftn1'><sup>[1]</sup></a>",
        "<a href='#_ftn1'>[1]</a>",
        "<a class='footnote' href='#f'>1</a>",
        "<sup><a href='#'>1</a></sup><span class='modern-footnotes-footnote__note'>See the law.</span>",
        "<span class='easy-footnote'><a href='#easy-footnote-bottom-1'><sup>1</sup></a></span>",
    ],
)
def test_a_notes_mark_after_a_word_is_dropped(mark: str) -> None:
    content = read_content(f"<p>The fund has 5 million som{mark} for hay.</p>")
    assert content is not None
    assert content.text == "The fund has 5 million som for hay."


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("He paid.<sup>1</sup> Then he left.", "He paid. Then he left."),
        ("It fell 15%<sup>2</sup> in May.", "It fell 15% in May."),
        ("Hay,<sup>1</sup> wool<sup>2</sup>,<sup>3</sup> milk.", "Hay, wool, milk."),
        ("It cost 300<sup>[1]</sup> som.", "It cost 300 som."),
        ("It cost 300<sup>*</sup> som.", "It cost 300 som."),
        ("It cost 300 <sup>1</sup> som.", "It cost 300 ^1 som."),
        ("It cost 5<sup><a href='#fn1'>1</a></sup>000 som.", "It cost 5^000 som."),
        ("It has 3 km<sup>2</sup>, x<sup>2</sup> and E=mc<sup>2</sup>.", "It has 3 km2, x2 and E=mc2."),
        ("It has 3 square meters<sup>2</sup>.", "It has 3 square meters^2."),
        (
            "On the 1<sup>st</sup> Acme<sup>TM</sup> and Acme<sup>\u00ae</sup>.",
            "On the 1st AcmeTM and Acme\u00ae.",
        ),
        ("The XIX<sup>e</sup> and N<sup>o</sup> 5.", "The XIXe and No 5."),
        ("He took Acme<sup>TM</sup>10 at N<sup>o</sup>5.", "He took AcmeTM10 at No5."),
        ("<sup>1</sup>The ministry, in May.", "1 The ministry, in May."),
        ("It is <sup>235</sup>U, or uranium-<sup>235</sup>.", "It is 235U, or uranium-235."),
        ("It weighs 2<sup>1</sup>/<sub>2</sub> tons.", "It weighs 2 1/2 tons."),
        ("See part <a href='#part-2'>2</a> for it.", "See part 2 for it."),
    ],
)
def test_a_raised_mark_is_never_part_of_the_word_or_number_before(html: str, text: str) -> None:
    content = read_content(f"<p>{html}</p>")
    assert content is not None
    assert content.text == html_to_text(html) == text


@pytest.mark.parametrize("tag", ["sup", "s"])
def test_numbers_stay_apart_beside_more_marks_than_articles_have(tag: str) -> None:
    content = read_content(f"<p>{'word ' * 60_000}300<{tag}>1</{tag}>000{f'<{tag}>1</{tag}>000' * 2_000}</p>")
    assert content is not None
    assert content.text is not None
    assert content.text.startswith("word word")
    assert "300000" not in content.text
    assert "0001000" not in content.text


def test_a_break_in_a_title_is_a_space() -> None:
    assert html_to_text("Herders<br>Count &amp; Sheep") == "Herders Count & Sheep"
