"""The Dockerfile and the compose file, read by their own tools where those are, and by a parser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
DEPLOYMENTS = REPOSITORY / "deployments"


def tool(name: str) -> str | None:
    beside_python = Path(sys.executable).with_name(name)
    return str(beside_python) if beside_python.is_file() else shutil.which(name)


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    text = (DEPLOYMENTS / "compose.yaml").read_text(encoding="utf-8")
    services: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
    return services


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    parse = pytest.importorskip("dockerfile_parse", reason="dockerfile-parse is not in this environment")
    # The parser reads and writes; a file of its own keeps it from ours.
    from io import BytesIO

    parser = parse.DockerfileParser(fileobj=BytesIO((DEPLOYMENTS / "Dockerfile").read_bytes()))
    return [
        (step["instruction"], step["value"]) for step in parser.structure if step["instruction"] != "COMMENT"
    ]


def values(instructions: list[tuple[str, str]], wanted: str) -> list[str]:
    return [value for instruction, value in instructions if instruction == wanted]


def test_hadolint_finds_nothing() -> None:
    hadolint = tool("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not on this machine")
    done = subprocess.run(
        [hadolint, str(DEPLOYMENTS / "Dockerfile")], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_runs_as_a_user_that_is_not_root(instructions: list[tuple[str, str]]) -> None:
    last = max(place for place, (instruction, _) in enumerate(instructions) if instruction == "FROM")
    (user,) = values(instructions[last:], "USER")
    assert user == "10001:10001"


def test_the_image_has_a_probe_a_volume_and_the_command_line(instructions: list[tuple[str, str]]) -> None:
    (probe,) = values(instructions, "HEALTHCHECK")
    assert json.loads(probe.partition("CMD ")[2]) == ["ca-etl", "status", "--json"]
    assert values(instructions, "VOLUME") == ["/var/lib/ca_etl"]
    assert values(instructions, "ENTRYPOINT") == ['["ca-etl"]']


def test_the_image_installs_what_is_locked_and_names_no_index(instructions: list[tuple[str, str]]) -> None:
    installs = [value for value in values(instructions, "RUN") if "pip install" in value]
    assert "--require-hashes" in installs[0]
    assert all("--no-deps" in value for value in installs)
    assert not re.search(r"https?://|--index|--extra-index|--find-links", " ".join(installs))


def test_what_is_copied_is_there_and_reaches_the_builder(instructions: list[tuple[str, str]]) -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = [value.split() for value in values(instructions, "COPY") if not value.startswith("--from")]
    sources = {source for *sources, _target in copied for source in sources}
    assert sources == allowed
    for source in sources:
        assert (REPOSITORY / source).exists(), source


def test_the_compose_file_fits_the_schema_of_compose_files() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"),
            str(DEPLOYMENTS / "compose.yaml"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_are_checked_beside_prefect_and_stale_data_are_unhealthy(
    services: dict[str, dict[str, Any]],
) -> None:
    deadman = services["deadman"]
    assert "depends_on" not in deadman
    assert deadman["command"] == ["while true; do ca-etl alerts; sleep 3600; done"]
    assert deadman["healthcheck"]["test"] == ["CMD", "ca-etl", "status", "--fail-if-stale"]


def test_every_service_rotates_its_log_and_comes_back(services: dict[str, dict[str, Any]]) -> None:
    assert set(services) == {"postgres", "server", "setup", "worker", "deadman"}
    for name, service in services.items():
        assert {"max-size", "max-file"} <= set(service["logging"]["options"]), name
        assert service["restart"] == ("on-failure" if name == "setup" else "unless-stopped"), name


def test_only_the_server_is_reached_from_outside_and_only_on_loopback(
    services: dict[str, dict[str, Any]],
) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"server": ["127.0.0.1:4200:4200"]}


def test_the_password_comes_from_outside(services: dict[str, dict[str, Any]]) -> None:
    for name, key in (("postgres", "POSTGRES_PASSWORD"), ("server", "PREFECT_SERVER_DATABASE_PASSWORD")):
        assert services[name]["environment"][key].startswith("${POSTGRES_PASSWORD:?"), name


def test_each_service_waits_for_what_it_needs(services: dict[str, dict[str, Any]]) -> None:
    waits = {
        name: {needed: how["condition"] for needed, how in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }
    assert waits == {
        "postgres": {},
        "server": {"postgres": "service_healthy"},
        "setup": {"server": "service_healthy"},
        "worker": {"server": "service_healthy", "setup": "service_completed_successfully"},
        "deadman": {},
    }
    assert all("test" in services[name]["healthcheck"] for name in ("postgres", "server", "worker"))


def test_the_images_of_ours_write_to_their_volume_alone(services: dict[str, dict[str, Any]]) -> None:
    for name in ("server", "setup", "worker", "deadman"):
        assert services[name]["read_only"] is True
        assert [volume.partition(":")[2] for volume in services[name]["volumes"]] == ["/var/lib/ca_etl"]
