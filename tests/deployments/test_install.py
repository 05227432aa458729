"""`scripts/install.py`: uv takes the package index that pip is configured for, and the lock files agree."""

from __future__ import annotations

import ast
import base64
import hashlib
import os
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
VARIABLES = (
    "import os; from install import uv_variables; os.environ.pop('VIRTUAL_ENV', 0); print(uv_variables())"
)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """A package index on loopback with one package, `ca-tiny` 1.0."""
    folder = tmp_path / "simple" / "ca-tiny"
    folder.mkdir(parents=True)
    files = {
        "ca_tiny.py": "SIZE = 'tiny'\n",
        "ca_tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: ca-tiny\nVersion: 1.0\n",
        "ca_tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {
        name: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        for name, text in files.items()
    }
    record = "".join(f"{name},sha256={digest},\n" for name, digest in digests.items())
    with zipfile.ZipFile(folder / "ca_tiny-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in {**files, "ca_tiny-1.0.dist-info/RECORD": record}.items():
            wheel.writestr(name, text)
    (folder / "index.html").write_text('<a href="ca_tiny-1.0-py3-none-any.whl">ca_tiny</a>', encoding="utf-8")
    handler = partial(Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()
        thread.join()


def uv_variables(**environment: str) -> dict[str, str]:
    """The variables of uv, with nothing of pip or uv in the environment but what is given."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "SSL_"))
    }
    done = subprocess.run(
        [sys.executable, "-c", VARIABLES],
        cwd=REPOSITORY / "scripts",
        env={**inherited, "PIP_CONFIG_FILE": os.devnull, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    variables: dict[str, str] = ast.literal_eval(done.stdout)
    return variables


@pytest.mark.parametrize("kind", ["file", "environment"])
def test_uv_installs_from_the_index_that_pip_is_configured_for(index: str, tmp_path: Path, kind: str) -> None:
    config = tmp_path / "pip.conf"
    config.write_text(f"[global]\nindex-url = {index}\n", encoding="utf-8")
    given = {"PIP_CONFIG_FILE": str(config)} if kind == "file" else {"PIP_INDEX_URL": index}
    wheel = tmp_path / "simple" / "ca-tiny" / "ca_tiny-1.0-py3-none-any.whl"
    lock = tmp_path / "tiny.lock"
    lock.write_text(f"ca-tiny==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    target = tmp_path / "target"
    subprocess.run(
        [UV, "pip", "install", "--no-cache", "--no-deps", "--require-hashes", "-r", lock, "--target", target],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **uv_variables(**given)},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert (target / "ca_tiny.py").is_file()


def test_the_environment_wins_over_the_file_and_uv_over_pip(tmp_path: Path) -> None:
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = http://127.0.0.1:1/a\nextra-index-url =\n  http://127.0.0.1:1/b\n"
        "  http://127.0.0.1:1/c\nfind-links = wheels more\ncert = /ca.pem\n",
        encoding="utf-8",
    )
    variables = uv_variables(
        PIP_CONFIG_FILE=str(config), PIP_INDEX_URL="http://127.0.0.1:1/d", UV_FIND_LINKS="own"
    )
    assert {name: value for name, value in variables.items() if name != "VIRTUAL_ENV"} == {
        "UV_SYSTEM_CERTS": "true",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_DEFAULT_INDEX": "http://127.0.0.1:1/d",
        "UV_INDEX": "http://127.0.0.1:1/b http://127.0.0.1:1/c",
        "SSL_CERT_FILE": "/ca.pem",
    }


@pytest.mark.parametrize("package", ["duckdb", "polars", "prefect", "ca_etl"])
def test_what_is_installed_is_compiled(package: str) -> None:
    spec = find_spec(package)
    assert spec is not None
    assert spec.cached is not None
    assert Path(spec.cached).is_file()


@pytest.mark.parametrize(
    ("lock", "some"),
    [
        ("requirements-dev.lock", {"pytest", "ruff", "mypy"}),
        ("tests/compat/analyst.lock", {"duckdb", "frictionless", "matplotlib", "pandas", "uv"}),
    ],
)
def test_all_locks_have_the_same_versions_and_hashes(lock: str, some: set[str]) -> None:
    def packages(name: str) -> dict[str, set[str]]:
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        blocks = re.split(r"^(?=[a-z0-9._-]+==)", text, flags=re.MULTILINE)[1:]
        return {re.split(r"[ ;]", block)[0]: set(re.findall(r"--hash=(\S+)", block)) for block in blocks}

    run, other = packages("requirements.lock"), packages(lock)
    assert {package.partition("==")[0] for package in run} >= {"uv", "hatchling", "prefect", "duckdb"}
    assert {package.partition("==")[0] for package in other} >= some
    assert all(run.values())
    assert all(other.values())
    names = {package.partition("==")[0] for package in run}
    shared = {package: hashes for package, hashes in other.items() if package.partition("==")[0] in names}
    assert shared == {package: hashes for package, hashes in run.items() if package in shared}
