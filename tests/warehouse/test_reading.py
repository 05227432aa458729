"""What a run only consults: a damaged file is a problem as data, a stop ends the run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ca_etl.warehouse.reading import consult, stop_of


def raising(error: BaseException) -> Callable[..., None]:
    def step() -> None:
        raise error

    return step


def test_a_panic_of_rust_and_a_closed_generator_do_not_stop_a_run() -> None:
    class PanicException(BaseException):
        pass

    assert stop_of(PanicException()) is None
    assert stop_of(GeneratorExit()) is None
    assert stop_of(ValueError("Query interrupted")) is None


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad"),
        MemoryError(),
        OverflowError(),
        UnicodeError(),
        OSError(5, "I/O error"),
        RecursionError(),
    ],
)
def test_whatever_damaged_bytes_make_a_library_raise_is_a_problem_as_data(error: Exception) -> None:
    consulted = consult(raising(error), "without", "the thing", "ca-etl doctor")
    assert consulted.value == "without"
    assert consulted.problem is not None
    assert consulted.problem.message.startswith("the thing cannot be read: ")
    assert consulted.problem.next_command == "ca-etl doctor"


def test_a_stop_is_never_a_problem_of_what_is_consulted() -> None:
    with pytest.raises(RuntimeError):
        consult(raising(RuntimeError("Query interrupted")), None, "x", "y")
