"""`python -m flows.setup`: what a Prefect server must know before deployments run on it. Run it as often as you like.

It makes or mends, each found by its name: the process work pool with room for one run at a time, which the daily
run, the sweep and backfills share; and two automations that repair what a stopped worker leaves behind. Without them
a run whose worker was stopped stays Running for ever and holds that room.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL

from flows.local_server import ServerError

POOL: Final = "ca-process"
TAG: Final = "ca_etl"
# PREFECT_FLOWS_HEARTBEAT_FREQUENCY of the deployments; 30 is the least that Prefect takes.
HEARTBEAT: Final = timedelta(seconds=30)
# With a window shorter than three beats a run that is well was once called crashed.
MISSED_BEATS: Final = 3
# A worker takes a run up to ten seconds before its slot, and its process needs some to start.
PENDING: Final = timedelta(seconds=90)
# What a run that met the lock awaits is an end, too: nothing beats until its next try.
ENDS: Final = ("Completed", "Failed", "Crashed", "Cancelled", "TimedOut", "AwaitingRetry")


def main(arguments: Sequence[str] | None = None) -> int:
    """Set the server up that PREFECT_API_URL names, say what was done, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m flows.setup", description=__doc__.split("\n\n")[0])
    parser.parse_args(arguments)
    if not PREFECT_API_URL.value():
        error = ServerError(
            "PREFECT_API_URL names no server", "export PREFECT_API_URL=http://127.0.0.1:4200/api"
        )
        sys.stderr.write(f"{error}\nnext: {error.hint}\n")
        return 2
    try:
        with get_client(sync_client=True) as client:
            for line in set_up(client):
                sys.stdout.write(f"{line}\n")
    except httpx.TransportError as error:
        sys.stderr.write(f"{PREFECT_API_URL.value()}: {error}\nnext: prefect server start\n")
        return 1
    except PrefectHTTPStatusError as error:
        told = f"{PREFECT_API_URL.value()} is no API of Prefect: it answers {error.response.status_code}"
        sys.stderr.write(f"{told}\nnext: export PREFECT_API_URL=http://127.0.0.1:4200/api\n")
        return 1
    return 0


def set_up(client: SyncPrefectClient) -> list[str]:
    """Make or mend the work pool and the automations; a sentence for each."""
    return [_pool(client), *(_automation(client, each) for each in automations())]


def automations() -> tuple[AutomationCore, ...]:
    """The repairs, of runs with our tag alone: others on the server may beat at another pace."""

    def trigger(after: Sequence[str], expect: Sequence[str], within: timedelta) -> EventTrigger:
        return EventTrigger(
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=ResourceSpecification(
                {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{TAG}"}
            ),
            after={f"prefect.flow-run.{name}" for name in after},
            expect={f"prefect.flow-run.{name}" for name in expect},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=within,
        )

    return (
        AutomationCore(
            name="ca_etl: a run whose heart stopped has crashed",
            description="A worker that is stopped or killed leaves its run Running; it would hold the only slot.",
            # a run that is killed in its first second has sent no beat
            trigger=trigger(("Running", "heartbeat"), ("heartbeat", *ENDS), MISSED_BEATS * HEARTBEAT),
            actions=[
                ChangeFlowRunState(
                    state=StateType.CRASHED,
                    name="Crashed",
                    message=f"No heartbeat for {MISSED_BEATS * HEARTBEAT.seconds} seconds: its worker is gone.",
                )
            ],
        ),
        AutomationCore(
            name="ca_etl: a run that never started is scheduled again",
            description="A worker that stops just before a slot leaves the run it had taken Pending.",
            trigger=trigger(("Pending",), ("Running", *ENDS), PENDING),
            actions=[
                ChangeFlowRunState(
                    state=StateType.SCHEDULED,
                    name="AwaitingRetry",
                    message=f"Pending for {PENDING.seconds} seconds: the worker that took it is gone.",
                )
            ],
        ),
    )


def _pool(client: SyncPrefectClient) -> str:
    try:
        known = client.read_work_pool(POOL)
    except ObjectNotFound:
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process", concurrency_limit=1))
        return f"work pool {POOL}: made, one run at a time"
    if known.concurrency_limit == 1:
        return f"work pool {POOL}: stands"
    client.update_work_pool(POOL, WorkPoolUpdate(concurrency_limit=1))
    return f"work pool {POOL}: mended, one run at a time"


def _automation(client: SyncPrefectClient, wanted: AutomationCore) -> str:
    known = client.read_automations_by_name(wanted.name)
    if not known:
        client.create_automation(wanted)
        return f"automation {wanted.name!r}: made"
    first, *twice = known
    for each in twice:
        client.delete_automation(each.id)
    if _says_the_same(first, wanted):
        return f"automation {wanted.name!r}: stands"
    client.update_automation(first.id, wanted)
    return f"automation {wanted.name!r}: mended"


def _says_the_same(known: AutomationCore, wanted: AutomationCore) -> bool:
    def said(each: AutomationCore) -> tuple[object, ...]:
        actions = [action.model_dump() for action in each.actions]
        return each.enabled, each.description, each.trigger.model_dump(exclude={"id"}), actions

    return said(known) == said(wanted)


if __name__ == "__main__":
    raise SystemExit(main())
