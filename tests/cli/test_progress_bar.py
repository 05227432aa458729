from __future__ import annotations

import io

from rich.console import Console

from ca_etl.cli.render import bar_after


def _shown(seconds: float) -> str:
    out = io.StringIO()
    with bar_after(seconds, Console(file=out, force_terminal=True, width=80)) as progress:
        for done in range(3):
            progress("load", done, 3)
    return out.getvalue()


def test_work_that_lasts_gets_a_bar() -> None:
    assert "load" in _shown(0.0)


def test_short_work_gets_none() -> None:
    assert _shown(60.0) == ""
