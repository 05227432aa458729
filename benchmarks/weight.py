"""The weight of a grown site around the demo's articles.

The demo's pages hold little but what they say. Half of a real page is style and script, and most of its elements
are menus, icons, pictures in many sizes and links to other articles. The weight adds those in the places
where WordPress themes have them, also within the article cards: from 15 kB and 270 elements to 120 kB and 990. It adds
nothing that could become a row; `html_to_rows.py` asserts that it does not.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2s
from typing import Final

_WIDTHS: Final = (300, 480, 768, 1024, 1536, 2048)


def weighted(html: str, base_url: str) -> str:
    """`html` with style, script, menu, icons, pictures and links added. `base_url` ends in a slash."""
    for mark, added, times in _additions(base_url):
        html = html.replace(mark, added + mark, times)
    return html


@cache
def _additions(base_url: str) -> tuple[tuple[str, str, int], ...]:
    """What is set in front of which tag, and how often at most (-1: wherever it stands)."""
    return (
        ("</head>", _styles() + _links(base_url), 1),
        ("</nav></header>", _menu(base_url), 1),
        ("</article>", _card(base_url), -1),
        ("</main>", _margin(base_url), 1),
        ("</body>", _footer(base_url) + _script(), 1),
    )


def _styles() -> str:
    rules = "".join(
        f".wp-block-{_token(n)} .is-layout-{n % 7}{{margin:{n % 30}px auto;padding:{n % 9}px;"
        f"color:#{_token(n)[:6]};font-size:clamp({12 + n % 5}px,{n % 4}vw,{20 + n % 9}px)}}"
        for n in range(190)
    )
    return f'<style id="global-styles-inline-css">{rules}</style>\n'


def _links(base_url: str) -> str:
    return "".join(
        f'<link rel="stylesheet" id="plugin-{n}-css" href="{base_url}wp-content/plugins/{n}/s.css?ver={_token(n)}">\n'
        f'<meta property="og:extra:{n}" content="{base_url}wp-content/uploads/2025/{n}.jpg">\n'
        for n in range(24)
    )


def _menu(base_url: str) -> str:
    items = "".join(
        f'<li id="menu-item-{n}" class="menu-item menu-item-type-taxonomy menu-item-{n}">'
        f'<a href="{base_url}category/home/{_token(n)}/"><span class="menu-text">Section {n}</span></a>'
        "</li>"
        for n in range(96)
    )
    return f'<ul class="sub-menu">{items}</ul>\n'


def _card(base_url: str) -> str:
    shares = "".join(
        f'<li><a class="share share-{n}" rel="nofollow noopener" target="_blank" aria-label="Share" '
        f'href="https://share.example/{n}?u={base_url}">{_icon(n)}</a></li>'
        for n in range(5)
    )
    picture = (
        f'<img loading="lazy" decoding="async" width="1024" height="683" alt="" {_sources(base_url, 1)}>'
    )
    return f'<div class="post-thumbnail">{picture}</div><ul class="share-buttons">{shares}</ul>\n'


def _margin(base_url: str) -> str:
    cards = "".join(
        f'<div class="card"><a class="thumb" href="{base_url}popular-story-{_token(n)}/">'
        f'<img loading="lazy" width="300" height="200" alt="" {_sources(base_url, n)}></a>'
        f'<h4 class="card-title"><a href="{base_url}popular-story-{_token(n)}/">A popular story, number {n}</a></h4>'
        "</div>\n"
        for n in range(20)
    )
    return f'<aside class="widget-area popular"><h2 class="widget-title">Most read</h2>\n{cards}</aside>\n'


def _footer(base_url: str) -> str:
    columns = "".join(
        f'<div class="footer-column"><h4>Column {n}</h4><ul>'
        + "".join(f'<li><a href="{base_url}tag/topic-{n}-{k}/">Topic {n}.{k}</a></li>' for k in range(10))
        + "</ul></div>"
        for n in range(6)
    )
    return f'<div class="footer-columns">{columns}</div>\n'


def _script() -> str:
    statements = "".join(
        f'(window.q=window.q||[]).push({{"event":"{_token(n)}","nonce":"{_token(n + 500)}","ads":false}});'
        for n in range(160)
    )
    return f'<script id="site-js-extra">{statements}</script>\n'


def _token(number: int) -> str:
    """Sixteen hex digits: without them the weight would be deflated to half of what a real page's is."""
    return blake2s(f"{number}".encode(), digest_size=8).hexdigest()


def _sources(base_url: str, number: int) -> str:
    name = f"{base_url}wp-content/uploads/2025/12/picture-{number}-{_token(number)}"
    sources = ", ".join(f"{name}-{width}x{width * 2 // 3}.jpg {width}w" for width in _WIDTHS)
    return f'src="{name}.jpg" srcset="{sources}" sizes="(max-width: 1024px) 100vw, 1024px"'


def _icon(number: int) -> str:
    strokes = " ".join(
        f"M{int(_token(number + 31 * n)[:4], 16) / 1000} {n}l{int(_token(n + 17)[:4], 16) / 1000} {n % 7}z"
        for n in range(12)
    )
    return (
        '<svg aria-hidden="true" width="24" height="24" viewBox="0 0 24 24">'
        f'<path fill="currentColor" d="{strokes}"/></svg>'
    )
