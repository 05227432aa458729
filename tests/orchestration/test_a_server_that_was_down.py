"""After ten slots without a server one run happens, and the slots without a run are recorded as missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

SECONDS = 5
DOWN = 10
pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]


def test_after_ten_slots_without_a_server_one_run_happens_and_the_others_are_missed(machine: Any) -> None:
    machine.command("flows.deploy", "setup")
    worker = machine.start_worker()
    machine.until(machine.published, 90, "a release is published")
    server = machine.started[0]
    machine.stop(server)
    machine.stop(worker)
    machine.until(lambda: not (machine.settings.data_dir / ".running.json").exists(), 30, "no run is on")
    last = max(slot.slot for run in machine.runs() for slot in run.slots)
    known = len(machine.runs())
    back = last + timedelta(seconds=SECONDS * DOWN)
    machine.until(lambda: datetime.now(UTC) >= back, SECONDS * (DOWN + 1), "ten slots have passed")

    machine.start_server()
    worker = machine.start_worker()
    machine.until(lambda: len(machine.runs()) > known, 60, "a run happens")
    machine.stop(worker)
    after = machine.runs()[known]
    *missed, own = (slot for slot in after.slots if slot.source == "timesca")
    assert after.release_id
    assert own.outcome in {"observed", "unchanged"}
    assert [slot.slot for slot in missed] == list(machine.schedule.between(last, own.slot))[::-1]
    assert {slot.outcome for slot in missed} == {"missed"}
    assert len(missed) >= DOWN - 1
    recorded = machine.query("select slot from fct_coverage where outcome = 'missed'")
    assert {slot.slot for slot in missed} <= {slot for (slot,) in recorded}
    late = machine.flow_runs("Late", "Scheduled", "Skipped")
    assert late, "the slots of the outage had runs of their own, which are not run one after the other"
