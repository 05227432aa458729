"""What all charts share: colours, the axis of days, the time selection, and the specification around their marks.

Specifications are of Vega-Lite, as plain dicts and not objects of Altair, whose import takes longer than everything
else in a report. Altair validates them in the tests, and `alt.Chart.from_dict` makes a chart of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

Spec = dict[str, Any]
Colours = Mapping[str, str]

SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"
FONT: Final = "system-ui, sans-serif"
LIGHT: Final[Colours] = {
    "text": "#1b2733",
    "muted": "#51606d",
    "grid": "#dfe5ea",
    "paper": "#ffffff",
    "ticker": "#1f5f99",
    "bank": "#c46200",
    "differs": "#a3195b",
    "observed": "#1f5f99",
    "unchanged": "#7aaede",
    "backfilled": "#e0a100",
    "closed": "#8a8fa3",
    "blocked": "#6b3fa0",
    "failed": "#d1495b",
    "missed": "#7a0c2e",
    "filled": "#c3d3e2",
    "kz": "#1f5f99",
    "kg": "#d1495b",
    "tj": "#2f8f63",
    "tm": "#e0a100",
    "uz": "#6fb7e6",
    "other": "#8b6fb3",
    "none": "#a3adb6",
}
DARK: Final[Colours] = {
    "text": "#e8eef4",
    "muted": "#a5b4c1",
    "grid": "#2d3945",
    "paper": "#11171d",
    "ticker": "#6db3f2",
    "bank": "#f2a65a",
    "differs": "#ff7ab2",
    "observed": "#4d94d6",
    "unchanged": "#2f5f8c",
    "backfilled": "#e8b83a",
    "closed": "#7e869c",
    "blocked": "#a884dd",
    "failed": "#ef6f7f",
    "missed": "#ff9db5",
    "filled": "#33475a",
    "kz": "#4d94d6",
    "kg": "#ef6f7f",
    "tj": "#4fb887",
    "tm": "#e8b83a",
    "uz": "#9fd3f5",
    "other": "#b49adb",
    "none": "#6d7a86",
}
# What a page shows in the colours of its style sheet, so that it needs no second picture for a dark screen.
VARIABLES: Final[Colours] = {name: f"var(--{name})" for name in LIGHT}


@dataclass(frozen=True, slots=True)
class Look:
    """The colours of a chart, by their names in `LIGHT`, and its size in pixels without axes and legend.

    A `width` of None is that of the element in which a page draws the chart.
    """

    colours: Colours
    width: int | None
    height: int


FILE: Final = Look(LIGHT, width=720, height=240)


def instant(field: str, name: str) -> Spec:
    """A day as text is an instant in UTC, whatever the zone of the screen."""
    return {"calculate": f"toDate(datum['{field}'])", "as": name}


def days_axis(field: str = "at") -> Spec:
    """The days of the time selection, from left to right."""
    return {
        "field": field,
        "type": "temporal",
        "scale": {
            "type": "utc",
            "nice": False,
            "domainMin": {"expr": "toDate(first_day)"},
            "domainMax": {"expr": "toDate(last_day) + 864e5"},
        },
        "axis": {
            "title": None,
            "grid": False,
            "labelOverlap": True,
            "tickCount": {"expr": "max(2, width / 110)"},
        },
    }


def tooltip(titles: Mapping[str, str]) -> list[Spec]:
    """The fields that the pointer shows, with their titles."""
    return [{"field": field, "title": title, "type": "nominal"} for field, title in titles.items()]


def over_time(days: Sequence[date], marks: Spec, look: Look, *transforms: Spec) -> Spec:
    """A chart of `marks`, bound to a time selection that begins with all of `days`.

    It shows the days from the parameter `first_day` to the parameter `last_day`, texts such as 2025-12-31, both
    included. Its rows have a `day`, and get it as an instant, `at`, before the `transforms`.
    """
    first, last = (min(days), max(days)) if days else (date.min, date.min)
    shared = {"encoding": {"x": days_axis()}} if "layer" in marks else {}
    selection = {
        "params": [{"name": "first_day", "value": f"{first}"}, {"name": "last_day", "value": f"{last}"}],
        "transform": [
            {"filter": "datum.day >= first_day && datum.day <= last_day"},
            instant("day", "at"),
            *transforms,
        ],
    }
    return framed({**selection, **shared, **marks}, look)


def framed(marks: Spec, look: Look) -> Spec:
    """The complete specification of a chart of `marks`."""
    colours, is_fluid = look.colours, look.width is None
    label = {"labelColor": colours["muted"], "labelFont": FONT, "labelFontSize": 11}
    lines = {f"{part}Color": colours["grid"] for part in ("grid", "domain", "tick")}
    return {
        "$schema": SCHEMA,
        "width": "container" if is_fluid else look.width,
        "height": look.height,
        "autosize": {"type": "fit-x" if is_fluid else "pad", "contains": "padding", "resize": is_fluid},
        "background": "transparent" if is_fluid else colours["paper"],
        **marks,
        "config": {
            "aria": False,
            "font": FONT,
            "view": {"stroke": None},
            "axis": {**label, **lines, "labelPadding": 5},
            "axisY": {"domain": False, "ticks": False, "minExtent": 30},
            "legend": {**label, "labelColor": colours["text"], "padding": 0},
        },
    }
