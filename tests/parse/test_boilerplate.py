"""What plugins and themes add within the text of an article is dropped; what holds the text stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ca_etl.parse.item_validation import read_content
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
