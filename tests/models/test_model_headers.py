from pathlib import Path

import pytest

from ca_etl.warehouse.model_header import (
    CheckSpec,
    HeaderError,
    read_check_header,
    read_function_header,
    read_model_header,
    split_file,
)

PATH = Path("sql/main/fct_thing.sql")

WHOLE = """/*
description: >-
  A thing,
  in one sentence.
grain: [day, code]
columns:
  day: The day.
  code: The code.
sort: [day]
partition_year: day
checks:
  - not_null: [day]
  - unique: [code]
    severity: warning
    alerts: true
  - accepted: {code: [a, b]}
  - between: {code: [0, null]}
  - references: {code: main.dim_code.code}
  - name: adds_up
    sql: select 1;
*/

select 1;
"""


def read(text: str):
    fields, _ = split_file(text, PATH)
    return read_model_header(fields, PATH, "table")


def test_a_header_describes_the_table_and_the_rest_is_the_query():
    header = read(WHOLE)
    assert header.description == "A thing, in one sentence."
    assert header.grain == ("day", "code")
    assert dict(header.columns) == {"day": "The day.", "code": "The code."}
    assert (header.materialized, header.sort, header.partition_year) == ("table", ("day",), "day")
    assert header.checks == (
        CheckSpec("not_null", "fct_thing_not_null_day", "error", ("day",)),
        CheckSpec("unique", "fct_thing_unique_code", "warning", ("code",), alerts=True),
        CheckSpec("accepted", "fct_thing_accepted_code", "error", ("code",), ("a", "b")),
        CheckSpec("between", "fct_thing_between_code", "error", ("code",), (0, None)),
        CheckSpec("references", "fct_thing_references_code", "error", ("code",), ("main.dim_code.code",)),
        CheckSpec("sql", "fct_thing_adds_up", "error", sql="select 1"),
    )
    assert split_file(WHOLE, PATH)[1] == "select 1"


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("/*", "--", "description"),
        ("description: >-", "description: [", "header"),
        ("description: >-\n  A thing,\n  in one sentence.\n", "", "description"),
        ("grain: [day, code]", "grain: []", "grain"),
        ("grain: [day, code]", "grain: [month]", "grain"),
        ("grain: [day, code]", "grain: day", "grain"),
        ("  code: The code.", "  code:", "columns.code"),
        ("  code: The code.", "  Code: The code.", "columns"),
        ("sort: [day]", "sort: [month]", "sort"),
        ("sort: [day]", "order: [day]", "order"),
        ("sort: [day]", "materialized: incremental", "materialized"),
        ("partition_year: day", "partition_year: month", "partition_year"),
        ("  - not_null: [day]", "  - not_null: [month]", "checks[0].not_null"),
        ("  - not_null: [day]", "  - not_nul: [day]", "checks[0]"),
        ("  - not_null: [day]", "  - day", "checks[0]"),
        ("severity: warning", "severity: warn", "checks[1].severity"),
        ("    severity: warning\n", "", "checks[1].alerts"),
        ("    alerts: true\n", "", "checks[1].alerts"),
        ("alerts: true", "alerts: sometimes", "checks[1].alerts"),
        ("between: {code: [0, null]}", "between: {code: [0]}", "checks[3].between"),
        ("between: {code: [0, null]}", "between: {code: [0.5, 1]}", "checks[3].between"),
        ("main.dim_code.code", "dim_code", "checks[4].references"),
        ("  - name: adds_up\n    sql", "  - sql", "checks[5]"),
    ],
)
def test_a_wrong_header_is_an_error_that_names_file_field_and_next_command(old, new, field):
    assert old in WHOLE
    with pytest.raises(HeaderError) as caught:
        read(WHOLE.replace(old, new, 1))
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{PATH}: header field `{field}`: ")
    assert caught.value.hint == "ca-etl models"


def test_a_staging_file_is_a_view_unless_its_header_states_another_kind():
    fields, _ = split_file(WHOLE, PATH)
    assert read_model_header(fields, PATH, "view").materialized == "view"
    assert read_model_header(fields | {"materialized": "table"}, PATH, "view").materialized == "table"


@pytest.mark.parametrize("missing", ["description", "severity", "model"])
def test_a_check_file_states_its_model_and_its_severity(missing):
    whole = {"description": "It adds up.", "severity": "error", "model": "main.fct_thing"}
    assert read_check_header(whole, PATH).model == "main.fct_thing"
    with pytest.raises(HeaderError, match=missing):
        read_check_header({name: value for name, value in whole.items() if name != missing}, PATH)


def test_a_check_file_states_of_a_warning_whether_it_alerts_and_of_an_error_it_may_not():
    error = {"description": "It adds up.", "severity": "error", "model": "main.fct_thing"}
    assert read_check_header(error, PATH).alerts is False
    assert read_check_header(error | {"severity": "warning", "alerts": True}, PATH).alerts is True
    for wrong in (error | {"severity": "warning"}, error | {"alerts": True}, error | {"alerts": False}):
        with pytest.raises(HeaderError, match="`alerts` must be true or false for a warning"):
            read_check_header(wrong, PATH)


def test_a_function_file_has_a_sentence_for_each_parameter_and_column():
    whole = {"description": "One row.", "parameters": {"day": "A day."}, "columns": {"rate": "A rate."}}
    header = read_function_header(whole, PATH)
    assert (header.parameters, header.columns) == ({"day": "A day."}, {"rate": "A rate."})
    for name in whole:
        with pytest.raises(HeaderError, match=name):
            read_function_header({field: value for field, value in whole.items() if field != name}, PATH)
    with pytest.raises(HeaderError, match=r"`parameters`: 'Day' is not a parameter name in lower case"):
        read_function_header(whole | {"parameters": {"Day": "A day."}}, PATH)
