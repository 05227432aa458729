"""What a run records of itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.run import run_daily
from ca_etl.settings import Settings
from ca_etl.warehouse import journal
from ca_etl.warehouse.journal import Cause


@pytest.mark.parametrize(
    ("trouble", "run_cause", "facts"),
    [
        (Fault(status=503), Cause.SITE, ("failed", Cause.SITE, 4, 0, False)),
        (Fault(status=403), Cause.SITE, ("blocked", None, 1, 0, False)),
        (Fault(no_ticker=True), None, ("failed", Cause.NO_RATES, 4, 4, True)),
        (Fault(status=503, paths=frozenset({"/latest/"})), None, ("observed", None, 4, 3, False)),
        (None, None, ("observed", None, 4, 4, True)),
        (OSError(28, "No space left"), Cause.MACHINE, ("failed", Cause.MACHINE, None, None, None)),
        (KeyboardInterrupt(), Cause.INTERRUPTED, ("failed", Cause.INTERRUPTED, None, None, None)),
    ],
)
def test_a_run_records_its_cause_and_the_facts_of_its_slot(
    settings: Settings,
    site: DemoSite,
    trouble: Fault | BaseException | None,
    run_cause: Cause | None,
    facts: tuple[object, ...],
) -> None:
    def call(step: Callable[..., Any], *args: object) -> Any:
        if isinstance(trouble, BaseException):
            raise trouble
        return step(*args)

    if isinstance(trouble, Fault):
        site.faults[site.day] = trouble
    on_site = settings.model_copy(update={"site_url": site.base_url, "max_attempts": 1})
    with suppress(KeyboardInterrupt):
        run_daily(on_site, environment=Environment(call=call))
    (run,) = journal.read(settings.data_dir)
    own = run.slots[-1]
    assert run.cause is run_cause
    assert (own.outcome, own.cause, own.pages_requested, own.pages_usable, own.is_complete) == facts
