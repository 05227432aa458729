"""Run flows with Prefect: set up a server, serve all deployments from one process, or run a flow once.

`python -m flows.deploy setup` creates or updates on a server the work pool, the automations of
`deployments/automations.yaml`, and the deployments of `deployments/prefect.yaml`, on the schedules of the settings.
`python -m flows.deploy serve` serves the same deployments from one process, without a pool.
`run_locally` runs a flow once, with a temporary Prefect server unless PREFECT_API_URL names one.

Prefect reads the environment when it is imported, so that functions set the environment before they import Prefect.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.error import HTTPError
from urllib.request import urlopen

import yaml
from filelock import FileLock, Timeout

from ca_etl.errors import CaEtlError, UsageError
from ca_etl.settings import Settings
from ca_etl.sources.schedules import prefect_cron, schedule
from flows import settings_for

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.deployments.runner import RunnerDeployment
    from prefect.events.schemas.automations import AutomationCore

    from flows.reporting import Report

log = logging.getLogger(__name__)

REPOSITORY: Final = Path(__file__).parents[1]
DEPLOYMENTS: Final = REPOSITORY / "deployments"
POOL: Final = "ca-process"
QUIET: Final[Mapping[str, str]] = {
    # The insert of its telemetry is what SQLite refuses with "database is locked" most often.
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}
PREFECT_HOME: Final = ".prefect"
HOST: Final = "127.0.0.1"
# Prefect's server in a process that ends in order when its standard input closes, which the kernel does when the run
# that holds the other end is killed. A job that a script starts in the background inherits an ignored SIGINT.
SERVER: Final = """
import os, runpy, signal, threading, time

def end_with_run():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(15)
    os._exit(1)

signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Thread(target=end_with_run, daemon=True).start()
runpy.run_module("prefect", run_name="__main__", alter_sys=True)
"""


class ServerError(CaEtlError):
    """The Prefect server cannot be reached, does not start, or is not a Prefect server."""


class ServerBusyError(ServerError):
    """Another run uses the same PREFECT_HOME for its temporary Prefect server."""

    exit_status = 75


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m flows.deploy` with the command `setup` or `serve`; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m flows.deploy")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help="create or update work pool, automations and deployments on the server")
    commands.add_parser("serve", help="serve all deployments from this process, without a work pool")
    command = parser.parse_args(arguments).command
    return _exit_status(serve_all if command == "serve" else set_up_all)


def set_up_all() -> None:
    """Create or update work pool, automations and deployments in Prefect, with the schedules of the settings."""
    settings = _settings_for_server()
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        sys.stdout.writelines(f"{line}\n" for line in set_up(client))
    for entry in deployments():
        _deployment(entry, settings, in_pool=True).apply()
        crons = [f"at {schedule(settings, planned['slug']).cron}" for planned in entry["schedules"]]
        sys.stdout.write(f"deployment {entry['name']}: {' and '.join(crons) or 'for runs by hand'}\n")


def serve_all() -> None:
    """Start runs on the schedules of the settings from this process, until it is stopped."""
    settings = _settings_for_server()
    from prefect import serve

    entries = deployments()
    for entry in entries:
        _remove_from_pool(f"ca-{entry['name']}/{entry['name']}")
    serve(
        *(_deployment(entry, settings, in_pool=False) for entry in entries),
        # The limit of all deployments together; a second run starts later, as in a work pool of limit 1.
        limit=1,
        # By default the schedules are paused when the process stops, and stay paused after a reboot.
        pause_on_shutdown=False,
    )


def _settings_for_server() -> Settings:
    """The settings, once the server of PREFECT_API_URL responds; it is given a minute to start.

    Raises `UsageError` without PREFECT_API_URL, and as `_check_server`.
    """
    settings = settings_for(None)
    url = os.environ.get("PREFECT_API_URL")
    if not url:
        hint = "export PREFECT_API_URL=http://127.0.0.1:4200/api"
        raise UsageError(
            "PREFECT_API_URL is not set, but schedules need a permanent server (`prefect server start`)", hint
        )
    set_environment()
    if not _responds(url, 2):
        sys.stderr.write(f"waiting for a Prefect server at {url}\n")
        _responds(url, 60)
    _check_server()
    return settings


def _responds(url: str, seconds: float, is_starting: Callable[[], bool] = lambda: True) -> bool:
    """Whether a server responds at the URL of an API within `seconds`, while `is_starting` is true."""
    deadline = time.monotonic() + seconds
    while is_starting() and time.monotonic() < deadline:
        try:
            with urlopen(f"{url}/health", timeout=5):  # noqa: S310  loopback, or the operator's own server
                return True
        except HTTPError:
            return True  # whether it is Prefect's is seen later
        except OSError:
            time.sleep(0.05)
    return False


def _exit_status(command: Callable[[], None]) -> int:
    """Run a command and return its exit status; an error is printed on stderr with the next command."""
    try:
        command()
    except CaEtlError as error:
        sys.stderr.write(f"{error}\nnext: {error.hint}\n" if error.hint else f"{error}\n")
        return error.exit_status
    except OSError as error:
        path = f" ({error.filename})" if error.filename else ""
        sys.stderr.write(f"{error.strerror or error}{path}\nnext: df -h .\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\nnext: ca-etl status\n")
        return 130
    return 0


def deployments() -> list[dict[str, Any]]:
    """Read the deployments in `deployments/prefect.yaml`."""
    return list(yaml.safe_load((DEPLOYMENTS / "prefect.yaml").read_text(encoding="utf-8"))["deployments"])


def set_environment() -> None:
    """Set the environment variables that Prefect reads when it is imported; existing values are kept."""
    runs: dict[str, str] = deployments()[0]["work_pool"]["job_variables"]["env"]
    for name, value in {**QUIET, **runs}.items():
        os.environ.setdefault(name, value)


def _remove_from_pool(name: str) -> None:
    """Delete the deployment `name` if it has a work pool; its flow runs stay.

    If such a deployment is served, Prefect keeps its pool but drops its path to the code, so that every run crashes.
    """
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    with get_client(sync_client=True) as client, suppress(ObjectNotFound):
        deployment = client.read_deployment_by_name(name)
        if deployment.work_pool_name:
            client.delete_deployment(deployment.id)
            sys.stderr.write(f"deployment {name}: removed from the work pool {deployment.work_pool_name}\n")


def _deployment(entry: Mapping[str, Any], settings: Settings, *, in_pool: bool) -> RunnerDeployment:
    """A deployment in the form of Prefect's runner, on the schedules of the settings.

    `in_pool`: a worker of the work pool runs it in the folder of this repository; else this process does.
    """
    from prefect.deployments.runner import RunnerDeployment
    from prefect.runner.storage import LocalStorage
    from prefect.schedules import Cron

    own = [schedule(settings, planned["slug"]) for planned in entry["schedules"]]
    pool = {name: entry["work_pool"][name] for name in ("work_queue_name", "job_variables")}
    deployment = RunnerDeployment.from_entrypoint(
        entry["entrypoint"],
        name=entry["name"],
        description=entry["description"],
        tags=entry["tags"],
        parameters=entry["parameters"],
        schedules=[Cron(prefect_cron(one.cron), timezone=one.zone.key, slug=one.name) for one in own],
        **({"work_pool_name": POOL, **pool} if in_pool else {}),
    )
    if in_pool:
        deployment.storage = LocalStorage(str(REPOSITORY))
    return deployment


def set_up(client: SyncPrefectClient) -> list[str]:
    """Create or update the work pool and the automations in Prefect; return a line of text for each."""
    return [_set_up_pool(client), *(_set_up_automation(client, automation) for automation in automations())]


def automations() -> list[AutomationCore]:
    """Read the automations in `deployments/automations.yaml`."""
    from prefect.events.schemas.automations import AutomationCore

    content = yaml.safe_load((DEPLOYMENTS / "automations.yaml").read_text(encoding="utf-8"))
    return [AutomationCore.model_validate(entry) for entry in content["automations"]]


def _set_up_pool(client: SyncPrefectClient) -> str:
    from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
    from prefect.exceptions import ObjectNotFound

    try:
        pool = client.read_work_pool(POOL)
    except ObjectNotFound:
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process", concurrency_limit=1))
        return f"work pool {POOL}: created, with one run at a time"
    if pool.concurrency_limit == 1:
        return f"work pool {POOL}: unchanged"
    client.update_work_pool(POOL, WorkPoolUpdate(concurrency_limit=1))
    return f"work pool {POOL}: updated to one run at a time"


def _set_up_automation(client: SyncPrefectClient, wanted: AutomationCore) -> str:
    existing = client.read_automations_by_name(wanted.name)
    if not existing:
        client.create_automation(wanted)
        return f"automation {wanted.name!r}: created"
    first, *duplicates = existing
    for duplicate in duplicates:
        client.delete_automation(duplicate.id)
    if _content(first) == _content(wanted):
        return f"automation {wanted.name!r}: unchanged"
    client.update_automation(first.id, wanted)
    return f"automation {wanted.name!r}: updated"


def _content(automation: AutomationCore) -> tuple[object, ...]:
    actions = [action.model_dump() for action in automation.actions]
    return automation.enabled, automation.description, automation.trigger.model_dump(exclude={"id"}), actions


def run_locally(entrypoint: str, arguments: Sequence[str] | None = None) -> int:
    """Run the flow `entrypoint` (`module:function`) for one daily slot in this process, and return the exit status.

    Progress and logs go to stderr, the result to stdout. Exit status: 0 done; 1 failed; 2 wrong usage; 3 checks
    failed, nothing published; 75 another run holds the lock.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {entrypoint.partition(':')[0]}",
        description="Run one daily slot with Prefect: capture, load, build, check, publish.",
        epilog="Without PREFECT_API_URL a temporary Prefect server is started for the run; its history stays in "
        f"PREFECT_HOME, by default {PREFECT_HOME} in the data directory.",
    )
    parser.add_argument("--site", help="address of the site, or demo (default: CA_ETL_SITE_URL)")
    parser.add_argument(
        "--day", type=date.fromisoformat, help="day of the slot, YYYY-MM-DD (default: the last one)"
    )
    options = parser.parse_args(arguments)
    # A terminal that closes, or a service that stops, ends the server of the run too.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: sys.exit(128 + received))
    return _exit_status(partial(_run_and_print, entrypoint, options.site, options.day))


def _run_and_print(entrypoint: str, site: str | None, day: date | None) -> None:
    settings = settings_for(site)
    slot = schedule(settings).on(day) if day else None
    with _server_for_run(settings.data_dir) as server:
        report = _run_flow(entrypoint, site, slot, server)
    from flows.reporting import read_contents

    if release := report.outcome.release:
        program = Path(sys.executable).with_name("ca-etl")
        shown = program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program
        contents = read_contents(release.warehouse, release.release_id).text(sys.stdout.encoding)
        query = f'query with {shown} sql "from fct_rate_daily"'
        sys.stdout.write(f"release {release.folder}\n{contents}\n{query}\n")


def _run_flow(entrypoint: str, site: str | None, slot: datetime | None, server: LocalServer | None) -> Report:
    """Run a flow, wait until Prefect has stored its task runs, and return its report. Raises the error of the flow."""
    from prefect.events.worker import EventsWorker
    from prefect.flows import load_flow_from_entrypoint
    from prefect.logging.handlers import APILogWorker
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    from flows.reporting import Report, RunFailedError, wait_until_recorded

    flow: Any = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
    if server is not None:
        server.ready()
    else:
        _check_server()
    # Heartbeats show a server that the run has died; here they only cost a second at the end of the run.
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        state = flow(site=site, slot=slot, return_state=True)
    # Events and logs still queued in this process must be sent before the server ends.
    EventsWorker.drain_all()
    APILogWorker.instance().drain()
    result: object = state.result(raise_on_failure=False)
    report = result.report if isinstance(result, RunFailedError) else result
    if isinstance(report, Report) and not wait_until_recorded(report.task_runs):
        count, run_id = len(report.task_runs), report.outcome.run_id
        log.warning(
            "Prefect did not record in time how the %d task runs of run %s ended, and may show them as running; "
            "the run itself has ended, and nothing is to be done",
            count,
            run_id,
        )
    if isinstance(result, Report):
        return result
    raise cast("BaseException", result)


def _check_server() -> None:
    """Raise `ServerError` where the server of PREFECT_API_URL does not respond as Prefect's."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectHTTPStatusError

    with get_client(sync_client=True) as client:
        error, url = client.api_healthcheck(), str(client.api_url).rstrip("/")
    if isinstance(error, PrefectHTTPStatusError):
        message = f"{url} is not an API of Prefect: it responds with status {error.response.status_code}"
        raise ServerError(message, "export PREFECT_API_URL=http://127.0.0.1:4200/api")
    if error is not None:
        raise ServerError(
            f"{url} cannot be reached: {error}; without PREFECT_API_URL a run starts a server of its own",
            "prefect server start",
        )


@contextmanager
def _server_for_run(data_dir: Path) -> Iterator[LocalServer | None]:
    """Set the environment for one run, and start a temporary server; with PREFECT_API_URL there is None."""
    set_environment()
    # The default folder may have the database of another Prefect version, which must not be changed.
    home = Path(os.environ.setdefault("PREFECT_HOME", str((data_dir / PREFECT_HOME).resolve())))
    home.mkdir(parents=True, exist_ok=True)
    if os.environ.get("PREFECT_API_URL"):
        yield None
        return
    with local_server(home) as server:
        sys.stderr.write(f"a temporary Prefect server starts for this run; its history stays in {home}\n")
        os.environ["PREFECT_API_URL"] = server.api_url
        # The link in this message cannot be opened: the server ends with the run.
        logging.getLogger("prefect.flow_runs").addFilter(lambda line: "View at" not in line.getMessage())
        yield server


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A temporary Prefect server on loopback, with the URL of its API and its log file."""

    process: subprocess.Popen[bytes]
    api_url: str
    log_file: Path

    def ready(self, seconds: float = 90) -> None:
        """Wait until the Prefect server responds. Raises `ServerError` if it ends before, or if `seconds` pass."""
        if not _responds(self.api_url, seconds, lambda: self.process.poll() is None):
            raise ServerError(
                f"the Prefect server at {self.api_url} does not respond", f"less {self.log_file}"
            )


@contextmanager
def local_server(home: Path) -> Iterator[LocalServer]:
    """Run a temporary Prefect server, with its database and log in `home`, for the `with` block.

    Prefect's own temporary server prints its tracebacks among the lines of the run, and is stopped before it has
    recorded the last task runs. The caller sets PREFECT_API_URL and calls `ready`.

    Raises `ServerBusyError` when another process has a server on the same `home`: two servers would migrate one
    database. Raises `ServerError` when `home` cannot be locked.
    """
    home.mkdir(parents=True, exist_ok=True)
    # A soft lock would outlive a killed run and stop all later ones.
    lock = FileLock(home / "server.lock", blocking=False, fallback_to_soft=False)
    try:
        locked = lock.acquire()
    except Timeout:
        message = f"another run with a temporary Prefect server is active and holds {lock.lock_file}"
        raise ServerBusyError(message, "ca-etl status") from None
    except OSError as error:
        hint = "export PREFECT_HOME=/var/lib/ca_etl/.prefect"
        raise ServerError(
            f"{lock.lock_file} cannot be locked: {error.strerror}; PREFECT_HOME must be on a local disk", hint
        ) from error
    with socket.create_server((HOST, 0)) as probe:
        port = str(probe.getsockname()[1])
    inherited = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    own = {"PREFECT_HOME": str(home.resolve()), "PREFECT_SERVER_UI_ENABLED": "false", **QUIET}
    with locked, (home / "server.log").open("wb") as log_file:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVER, "server", "start", "--host", HOST, "--port", port],
            env={**inherited, **own},
            stdin=subprocess.PIPE,
            stdout=log_file,
            stderr=subprocess.STDOUT,
            # Ctrl-C in the terminal ends the run, and the run ends the server once its last state is recorded.
            start_new_session=True,
        )
        try:
            yield LocalServer(process, f"http://{HOST}:{port}/api", home / "server.log")
        finally:
            # Close the server's standard input and wait: the lock must not be free before the server has ended.
            process.communicate()


if __name__ == "__main__":
    raise SystemExit(main())
