"""Pages in the layouts of the site, rendered from the numbers of captures, with prose of our own.

Knows nothing of the parser. `python -m tests.parse.render_captures` writes one page of every layout to
`fixtures/layouts/`, named by layout and date, with its content beside it as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from benchmarks.titles import Story, stories

FOLDER: Final = Path(__file__).parent / "fixtures" / "layouts"
MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
KINDS: Final = {
    "listing-tag": "listing",
    "listing-category": "listing",
    "listing-author": "author",
    "home-pagination": "home",
    "article": "article",
}
OLD_SITE: Final = {"V7", "V9", "V10"}
EM: Final = "\N{EM DASH}"
BIOGRAPHY: Final = (
    "Orzu Example is a journalist based in Khorog. divider Before that he taught physics & music."
)
MORE_BIOGRAPHY: Final = "His work has appeared in three papers: \u201cThe Pass\u201d is one."
SPAM: Final = "ucuz ayakkabi sat\u0131n al replica outlet bonus"
_FIVE: Final = [
    {"pair": "KGS/USD", "rate": "0.01144", "change": "0%"},
    {"pair": "KZT/USD", "rate": "0.00198", "change": "-0%"},
    {"pair": "TJS/USD", "rate": "0.10857", "change": "-0.18%"},
    {"pair": "UZS/USD", "rate": "0.00008", "change": "0%"},
    {"pair": "TMT/USD", "rate": "0.28571", "change": "0%"},
]


@dataclass(frozen=True)
class Rendered:
    """A page, and the titles of its articles in order (None where an article has none)."""

    text: str
    titles: list[str | None]


def kind_of(facts: dict[str, Any]) -> str:
    """The kind as the parser names it: "other" in the survey is the front page, a "latest" listing or the old site."""
    if facts["layout_variant"] in OLD_SITE:
        return "old_site"
    if facts["kind"] == "other":
        return "listing" if facts["viewing"] else "home"
    return KINDS[facts["kind"]]


def render(facts: dict[str, Any], turn: int = 0) -> Rendered:
    """The page of one line of captures.jsonl; `turn` chooses the prose."""
    # The unusual titles at the end of the corpus stay there: which headings are titles is measured elsewhere.
    pool = stories("build")[:16]
    shown = [pool[(turn + step) % len(pool)] for step in range(3)]
    text, titles = BODIES.get(facts["layout_variant"], _listed)(facts, shown)
    return Rendered(_head(facts) + text, titles)


def _head(facts: dict[str, Any]) -> str:
    cycle = "".join(
        f"  \N{BULLET} {rate['pair']} = {rate['rate']} {rate['change']}\n" for rate in facts["rates"]
    )
    head = (cycle * facts["repeats"])[2:]
    if facts["page_date"]:
        day = date.fromisoformat(facts["page_date"])
        head += f"{day.day:02} {MONTHS[day.month - 1]} {day.year}\n"
    if facts["layout_variant"] == "V23":
        head += "Uncategorized\n"
    if head:
        head += "\n"
    if facts["viewing"]:
        first, last, total = facts["viewing"]
        head += f"Viewing results {first} - {last} of {total}\n\n"
    return head


Body = tuple[str, list[str | None]]


def _listed(facts: dict[str, Any], shown: Sequence[Story]) -> Body:
    codes = facts["oddity_codes"]
    text = ""
    for story in shown:
        body = story.flat
        if "SHORTCODE" in codes:
            body = f'[caption id="attachment_7" align="alignleft" width="8256"] @a; photo, by: us[/caption] {body}'
        text += f"{story.title}\n\n{body}{'  ' if 'EXTRA_BLANKS' in codes else ''}\n\n"
    return text, [story.title for story in shown]


def _author(facts: dict[str, Any], shown: Sequence[Story]) -> Body:
    codes = facts["oddity_codes"]
    lines = ["Our People > Orzu Example", "Orzu Example's Avatar"]
    if facts["layout_variant"] == "V5":
        without = any('no lone "Articles"' in remark for remark in facts["oddities"])
        opening = "\n\n".join(lines) + ("\n\n\n" if without else "\n\nArticles\n\n")
        text, titles = _listed(facts, shown)
        return opening + text, titles
    if "AUTHOR_NO_NAME_LINE" not in codes:
        lines.append("Dr. Orzu B. Exampel")
    if "AUTHOR_NO_JOB_LINE" not in codes:
        lines.append("Senior Editor, Culture & Rivers")
    if "ZERO_ARTICLES" in codes:
        long = " ".join([BIOGRAPHY, MORE_BIOGRAPHY] * 5)
        return "\n\n".join([*lines, long, long[:300]]), []
    broken = any("single line feed" in remark for remark in facts["oddities"])
    lines.append(f"{BIOGRAPHY}\n{MORE_BIOGRAPHY}" if broken else BIOGRAPHY)
    if not broken:
        lines += ["divider", MORE_BIOGRAPHY]
    text, titles = _listed(facts, shown)
    return "\n\n".join([*lines, "Articles", text]), titles


def _home(facts: dict[str, Any], shown: Sequence[Story]) -> Body:
    return "".join(f"{story.title}\n\n{story.full}  \n\n" for story in shown), [
        story.title for story in shown
    ]


def _teased(facts: dict[str, Any], shown: Sequence[Story]) -> Body:
    text = "".join(f"{story.title}\n\n{story.teaser}\n\nContinue reading\n\n" for story in shown)
    last = shown[-1]
    return f"{text}{last.title}\n\n{last.full}\n", [*(story.title for story in shown), last.title]


def _signed(facts: dict[str, Any], shown: Sequence[Story]) -> Body:
    text = "".join(
        f"{story.title}\n\n{story.teaser}\n\nContinue reading\n\nThe Times of Central Asia\n\n"
        for story in shown
    )
    return text, [story.title for story in shown]


def _boxed(facts: dict[str, Any], shown: Sequence[Story]) -> Body:
    box = f"Orzu Example\n\nO. Example\n\n{BIOGRAPHY}\n\ndivider\n\n{MORE_BIOGRAPHY}\n\n"
    box += "View more articles fromOrzu Example"
    first, *others = (
        f"{story.title}\n\n{story.teaser}\n\nContinue reading\n\nThe Times of Central Asia\n\n{box}\n\n"
        for story in shown
    )
    # A picture's caption above one of the titles.
    return "Dam at dusk Orzu Example\n\n".join([first, "".join(others)]), [story.title for story in shown]


def _glued(facts: dict[str, Any], shown: Sequence[Story]) -> Body:
    text = ""
    for number, story in enumerate(shown):
        link = ("   Continue reading", " Continue reading", "")[number]
        text += f"{story.title}\n\nBISHKEK (TCA) {EM} {story.teaser}{link}\n\n"
    return text, [story.title for story in shown]


def _old(facts: dict[str, Any], shown: Sequence[Story]) -> Body:
    if "NO_TITLES" in facts["oddity_codes"]:
        first, *others = shown
        text = f"BISHKEK (TCA) {EM} {first.teaser}\n\n"
        for number, story in enumerate(others):
            text += f"{story.title}\n\nMay {19 + number} {EM} {story.teaser} READ MORE:\n\n\n"
        return f"{SPAM}\n\n{text}", [None]
    text = "".join(
        f"{story.title}\n\n  \N{BULLET} Written by O. Example\n\n{story.teaser}\n\nRead more: {story.title}\n\n"
        for story in shown[:2]
    )
    last = shown[2]
    text += f"{last.title}\n\n  \N{BULLET} Written by TCA\n\n{last.teaser}\n\nRegister to read more ...\n"
    return f"{SPAM}\n\n{text}", [story.title for story in shown]


def _truncated(facts: dict[str, Any], shown: Sequence[Story]) -> Body:
    return "".join(f"{story.teaser[:60].rsplit(' ', 1)[0]}...\n\n" for story in shown), [None] * len(shown)


def _old_short(facts: dict[str, Any], shown: Sequence[Story]) -> Body:
    return f"{shown[0].title}\n\n- Written by TCA\n\n{shown[0].teaser}\n", [shown[0].title]


def _untitled(facts: dict[str, Any], shown: Sequence[Story]) -> Body:
    return "".join(f"{story.flat}\n" for story in shown), [None] * len(shown)


def _article(facts: dict[str, Any], shown: Sequence[Story]) -> Body:
    story = shown[0]
    return f"{story.title}\n\n{story.full}\n\nBy Orzu Example\n", [story.title]


BODIES: Final = {
    "V3": _home,
    "V5": _author,
    "V6": _teased,
    "V7": _old,
    "V8": _signed,
    "V9": _truncated,
    "V10": _old_short,
    "V11": _untitled,
    "V13": _article,
    "V14": _glued,
    "V15": _author,
    "V17": _boxed,
    "V18": _article,
    "V19": _glued,
    "V21": _author,
    "V22": _author,
    "V23": _home,
}
_HOME: Final = ("home-pagination", "https://timesca.com/page/572/?catid=14&id=6054")
_TAG: Final = ("listing-tag", "https://timesca.com/tag/rivers/page/3")
_CATEGORY: Final = ("listing-category", "https://timesca.com/category/home/features/page/3/")
_AUTHOR: Final = ("listing-author", "https://timesca.com/author/orzu-example/")
_OLD: Final = "https://www.timesca.com/index.php/news"
# Layout, kind and address, page date, pairs, cycles, header, when it was captured.
SURVEYED: Final[tuple[tuple[str, tuple[str, str], str | None, int, int, list[int] | None, str], ...]] = (
    ("V1", _TAG, None, 5, 8, [1, 6, 10], "2026-03-10"),
    ("V2", _CATEGORY, "2025-12-05", 5, 8, [13, 18, 9385], "2025-12-05"),
    ("V3", _HOME, "2025-12-08", 5, 8, None, "2025-12-08"),
    ("V4", _TAG, None, 4, 8, [1, 6, 2], "2024-06-20"),
    ("V5", _AUTHOR, "2024-09-29", 5, 8, None, "2024-09-29"),
    ("V6", _HOME, "2025-12-14", 5, 8, None, "2025-12-14"),
    ("V7", ("other", _OLD), None, 0, 0, None, "2019-05-21"),
    ("V8", ("home-pagination", "https://timesca.com/page/1165/"), None, 0, 0, None, "2024-01-12"),
    ("V9", ("article", f"{_OLD}/25163-a-march"), None, 0, 0, None, "2025-08-02"),
    ("V10", ("article", f"{_OLD}/22364-a-devaluation"), None, 0, 0, None, "2020-02-02"),
    ("V11", _TAG, None, 0, 0, [1, 6, 9], "2024-11-15"),
    ("V13", ("article", "https://timesca.com/favourable-water-volumes/"), None, 0, 0, None, "2024-01-20"),
    ("V14", _TAG, None, 5, 8, [1, 6, 181], "2026-03-11"),
    ("V15", _AUTHOR, "2026-02-02", 5, 8, None, "2026-02-02"),
    ("V16", _CATEGORY, None, 4, 2, [1, 6, 46], "2024-02-25"),
    ("V17", ("home-pagination", "https://timesca.com/page/1143/?Itemid=581"), None, 0, 0, None, "2024-01-14"),
    ("V18", ("article", "https://timesca.com/ministers-meet-in-kabul/"), "2018-08-28", 5, 8, None, "2026-03-02"),
    ("V19", _TAG, None, 0, 0, [1, 6, 24], "2024-11-16"),
    ("V21", _AUTHOR, "2025-04-28", 0, 0, None, "2025-04-28"),
    ("V22", _AUTHOR, None, 0, 0, None, "2024-11-20"),
    ("V23", _HOME, "2025-12-08", 5, 8, None, "2025-12-08"),
    ("V25", _TAG, None, 0, 0, [1, 6, 40], "2024-11-21"),
)  # fmt: skip


def surveyed() -> list[tuple[str, dict[str, Any]]]:
    """The name and the facts of one page of every layout; the numbers are of the survey's ranges."""
    layouts = []
    for layout, (kind, url), page_date, pairs, cycles, viewing, captured in SURVEYED:
        facts: dict[str, Any] = {
            "url": url, "page_date": page_date, "rates": _FIVE[:pairs], "repeats": cycles, "viewing": viewing,
            "kind": kind, "layout_variant": layout, "oddity_codes": [], "oddities": [], "captured": captured,
        }  # fmt: skip
        layouts.append((f"{layout}_{captured}", facts))
    return layouts


def main() -> None:
    """Write the fixtures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for turn, (name, facts) in enumerate(surveyed()):
        rendered = render(facts, turn)
        (FOLDER / f"{name}.txt").write_text(rendered.text, encoding="utf-8")
        facts_shown = {
            "url": facts["url"],
            "captured": facts["captured"],
            "kind": kind_of(facts),
            "page_date": facts["page_date"],
            "viewing": facts["viewing"],
            "repeats": facts["repeats"],
            "rates": [[rate["pair"], rate["rate"], rate["change"]] for rate in facts["rates"]],
            "titles": rendered.titles,
        }
        (FOLDER / f"{name}.json").write_text(
            json.dumps(facts_shown, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
