"""Install lock files and this project into the environment of the Python that runs this: `install.py LOCK...`.

With `--locks-only` the project itself is left out. uv does it in seconds and comes from the lock itself, by its hash.
It does not read pip's configuration, so that the package index, certificates and the like are passed on to it from
there. Where uv cannot install, pip does.
"""

from __future__ import annotations

import ast
import compileall
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
UV = [str(Path(sys.executable).with_name("uv")), "pip"]
LOCKS_ONLY = "--locks-only"
# As pip does: the user of a service may not write beside the code, and would compile all of it at each start.
COMPILE = "--compile-bytecode"
# pip's options and the variables by which uv takes the same; lists are separated as uv wants them.
VARIABLES = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "no-index": ("UV_NO_INDEX", " "),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", " "),
}


def main(arguments: Sequence[str]) -> int:
    """Install with uv, else with pip; return the exit status."""
    locks = [argument for argument in arguments if argument != LOCKS_ONLY]
    text = "".join(Path(lock).read_text(encoding="utf-8") for lock in locks)
    (lines_of_uv,) = re.findall(r"^uv==(?:.*\\\n)*.*\n", text, re.MULTILINE)
    # No dependencies are resolved because the lock is complete: pip's resolver would ask for a pin on extras.
    locked = ["install", "--quiet", "--no-deps", "--require-hashes"]
    steps = [[*locked, *(option for lock in locks for option in ("-r", lock))]]
    if LOCKS_ONLY not in arguments:
        steps.append(["install", "--quiet", "--no-deps", "--no-build-isolation", "-e", "."])
    try:
        subprocess.run([*PIP, *locked, "-r", "/dev/stdin"], input=lines_of_uv, text=True, check=True)
        environment = {**os.environ, **uv_variables()}
        for step in steps:
            subprocess.run([*UV, *step, COMPILE], env=environment, check=True)
    except (subprocess.CalledProcessError, OSError):
        sys.stderr.write("uv cannot install the lock here, see above; pip does, in a minute or two\n")
        for step in steps:
            if status := subprocess.run([*PIP, *step], check=False).returncode:
                return status
    if LOCKS_ONLY not in arguments:
        for folder in ("src", "flows"):
            compileall.compile_dir(folder, quiet=2)
    return 0


def uv_variables() -> dict[str, str]:
    """The configuration of pip, from files and environment, as variables of uv; those that are set already win."""
    listed = subprocess.run([*PIP, "config", "list"], capture_output=True, text=True, check=True).stdout
    settings = re.findall(r"^(global|install|:env:)\.([\w-]+)=(.*)$", listed, re.MULTILINE)
    # The later wins, as with pip: the environment is the last.
    settings.sort(key=lambda line: ("global", "install", ":env:").index(line[0]))
    options = {option: str(ast.literal_eval(value)) for _section, option, value in settings}
    variables = {
        # Another certificate store than pip's would refuse an index behind a proxy of a company.
        "UV_SYSTEM_CERTS": "true",
        # As pip takes a package from all its indexes; the hashes of the lock hold which file that may be.
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "VIRTUAL_ENV": sys.prefix,
    }
    for option, (variable, separator) in VARIABLES.items():
        if option in options:
            variables[variable] = separator.join(options[option].split())
    return {
        name: value for name, value in variables.items() if name == "VIRTUAL_ENV" or name not in os.environ
    }


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
