"""Print how large the house is, and fail where it is larger than it may be.

    python scripts/counts.py

The bounds only ever fall: lower one when a change allows it.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

import grimp

from ca_etl.warehouse.models import discover
from ca_etl.warehouse.sqlfiles import sql_root

REPOSITORY: Final = Path(__file__).parents[1]
BOUNDS: Final[Mapping[str, int]] = {
    "Python files in src/ and flows/": 153,
    "lines of the longest of them": 450,
    "class names that exist twice": 0,
    "lines of the longest select": 110,
    "article models above a rate model": 0,
    "modules in the first circle of imports": 0,
    "files on the way of one rate": 24,
    "files on the way of one article": 24,
}
# The ways are listed in docs/architecture.md, by file, from the request to the last table.
WAY: Final = re.compile(r"^### The way of one (rate|article)\n(.*?)(?=^#)", re.MULTILINE | re.DOTALL)
FILE: Final = re.compile(r"`([\w/]+\.(?:py|sql))`")


def counts() -> Iterator[tuple[str, int]]:
    """Each count of `BOUNDS`, by its name."""
    texts = [
        path.read_text("utf-8")
        for folder in ("src", "flows")
        for path in REPOSITORY.glob(f"{folder}/**/*.py")
    ]
    yield "Python files in src/ and flows/", len(texts)
    yield "lines of the longest of them", max(text.count("\n") for text in texts)
    classes = Counter(
        node.name for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)
    )
    yield "class names that exist twice", sum(number > 1 for number in classes.values())
    models = discover(sql_root())
    yield "lines of the longest select", max(model.sql.count("\n") + 1 for model in models)
    parents = {model.name: model.parents for model in models}
    above = {parent for name in parents if "fct_rate" in name for parent in _ancestors(name, parents)}
    yield "article models above a rate model", sum("article" in name or "text" in name for name in above)
    yield "modules in the first circle of imports", len(_first_circle())
    for thing, files in ways():
        yield f"files on the way of one {thing}", len(files)


def ways() -> Iterator[tuple[str, list[str]]]:
    """What docs/architecture.md lists: rate or article, and the files on its way."""
    text = (REPOSITORY / "docs" / "architecture.md").read_text("utf-8")
    for thing, way in WAY.findall(text):
        yield thing, FILE.findall(way)


def _first_circle() -> list[str]:
    sys.path.insert(0, str(REPOSITORY))  # flows/ is not installed
    graph = grimp.build_graph("ca_etl", "flows", exclude_type_checking_imports=True, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _ancestors(name: str, parents: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for parent in parents.get(name, ()):
        yield parent
        yield from _ancestors(parent, parents)


def main() -> int:
    """Print the counts with their bounds; 1 where one is exceeded."""
    exceeded = False
    for name, number in counts():
        exceeded |= number > BOUNDS[name]
        print(f"{number:6} of {BOUNDS[name]:4}  {name}{'  <- too many' if number > BOUNDS[name] else ''}")
    return int(exceeded)


if __name__ == "__main__":
    sys.exit(main())
