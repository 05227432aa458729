"""The webhook and the mail, against listeners on loopback that behave and misbehave."""

from __future__ import annotations

import email
import email.policy
import logging
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from ca_etl.errors import UsageError
from ca_etl.operate.alert_delivery import channels, configured
from ca_etl.operate.alert_store import Change, Message
from ca_etl.operate.channels import Channel, ChannelError, Mail, Webhook
from ca_etl.settings import Settings

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OPENED = Message(
    Change.OPENED, "checks_failed", "Checks <failed> & more", "a <!channel>", "ca-etl status", NOON, NOON
)
RESOLVED = Message(
    Change.RESOLVED,
    "run_failed",
    "Runs\nfail",
    "no space",
    "ca-etl status",
    NOON,
    NOON + timedelta(minutes=90),
)
PASSWORD = "hunter2"  # noqa: S105
MakeSettings = Callable[..., Settings]


def webhook(url: str) -> Webhook:
    return Webhook(SecretStr(url), timeouts=(0.5, 0.3))


def failure(channel: Channel, message: Message = OPENED) -> str:
    with pytest.raises(ChannelError) as told:
        channel.send(message)
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__ or told.value.__context__ is None
    return str(told.value)


def test_a_webhook_gets_one_text_in_which_slack_sees_no_mark_up(listener: Any) -> None:
    webhook(listener.url).send(OPENED)
    webhook(listener.url).send(RESOLVED)
    assert listener.got == [
        {
            "text": "ca-etl: Checks &lt;failed&gt; &amp; more\na &lt;!channel&gt;\nNext: ca-etl status",
        },
        {"text": "ca-etl: resolved after 1 h 30 min: Runs fail\nIt was: no space"},
    ]


@pytest.mark.parametrize("status", [300, 404, 500])
def test_an_answer_that_is_no_success_is_a_failure(listener: Any, status: int) -> None:
    listener.status = status
    assert failure(webhook(listener.url)) == f"the webhook answered {status}"


def test_a_redirect_is_not_followed(listen: Callable[..., Any]) -> None:
    elsewhere = listen()
    listener = listen(status=307, location=elsewhere.url)
    assert failure(webhook(listener.url)) == "the webhook answered 307"
    assert elsewhere.got == []


@pytest.mark.parametrize(("manner", "named"), [("hangs", "ReadTimeout"), ("closes", "ConnectionError")])
def test_a_listener_that_hangs_or_closes_is_a_failure_of_a_kind(
    listener: Any, manner: str, named: str
) -> None:
    listener.manner = manner
    assert failure(webhook(listener.url)) == f"the webhook was not reached: {named}"


def test_nobody_listening_is_a_failure_that_names_no_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert failure(webhook(f"http://127.0.0.1:{port}/a-secret")) == (
        "the webhook was not reached: ConnectionError"
    )


def test_no_log_line_at_any_level_names_the_path_of_a_webhook(
    listener: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    webhook(listener.url).send(OPENED)
    listener.status = 500
    failure(webhook(listener.url))
    assert "secret" not in caplog.text
    logging.getLogger("urllib3.connectionpool").debug("afterwards it speaks again")
    assert "afterwards" in caplog.text


def mail(settings_with: MakeSettings, port: int, **values: Any) -> Mail:
    settings = settings_with(
        **{
            "alert_mail": f"smtp://ca%40example.org@127.0.0.1:{port}",
            "alert_mail_to": ("a@example.org", "b@example.org"),
            **values,
        }
    )
    return Mail.of(settings, settings.alert_mail)


def test_a_mail_reaches_all_recipients_with_subject_and_body(
    mail_server: Any, settings_with: MakeSettings
) -> None:
    mail(settings_with, mail_server.port).send(RESOLVED)
    (text,) = mail_server.mails
    got = email.message_from_string(text, policy=email.policy.default)
    assert got["Subject"] == "ca-etl: resolved after 1 h 30 min: Runs fail"
    assert (got["From"], got["To"]) == ("ca@example.org", "a@example.org, b@example.org")
    assert got["Date"].datetime == RESOLVED.at
    assert got.get_content().strip() == "It was: no space"
    assert mail_server.recipients == ["a@example.org", "b@example.org"]


def test_a_mail_that_is_sent_twice_is_the_same_mail(mail_server: Any, settings_with: MakeSettings) -> None:
    for message in (OPENED, OPENED, RESOLVED):
        mail(settings_with, mail_server.port).send(message)
    ids = [email.message_from_string(text)["Message-ID"] for text in mail_server.mails]
    assert [ids.count(each) for each in ids] == [2, 2, 1]


def test_a_mail_of_which_one_recipient_is_refused_counts_as_sent(
    mail_server: Any, settings_with: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    mail_server.refuses = frozenset({"a@example.org"})
    mail(settings_with, mail_server.port).send(OPENED)
    assert mail_server.recipients == ["b@example.org"]
    assert "refused 1 of 2 recipients" in caplog.text


def test_a_mail_that_nobody_takes_is_a_failure(mail_server: Any, settings_with: MakeSettings) -> None:
    mail_server.refuses = frozenset({"a@example.org", "b@example.org"})
    assert failure(mail(settings_with, mail_server.port)) == ("the mail was not sent: SMTPRecipientsRefused")


def test_a_password_of_its_own_setting_logs_in(mail_server: Any, settings_with: MakeSettings) -> None:
    mail_server.password = PASSWORD
    mail(settings_with, mail_server.port, alert_mail_password=PASSWORD).send(OPENED)
    assert len(mail_server.mails) == 1


def test_a_wrong_password_is_told_by_code_even_where_the_server_repeats_it(
    mail_server: Any, settings_with: MakeSettings
) -> None:
    mail_server.password = f"not {PASSWORD}"
    assert failure(mail(settings_with, mail_server.port, alert_mail_password=PASSWORD)) == (
        "the mail was not sent: SMTPAuthenticationError 535"
    )


def test_a_server_that_speaks_no_tls_is_a_failure_under_smtps(
    mail_server: Any, settings_with: MakeSettings
) -> None:
    assert failure(
        mail(
            settings_with,
            mail_server.port,
            alert_mail=f"smtps://127.0.0.1:{mail_server.port}",
            alert_mail_from="ca@example.org",
        )
    ).startswith("the mail was not sent: SSL")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"alert_mail": "imap://hunter2@host"}, "no address of a mail server"),
        ({"alert_mail": "smtp://hunter2@host:many"}, "no address of a mail server"),
        ({"alert_mail": "smtp:hunter2"}, "names no host"),
        ({"alert_mail_to": ()}, "names nobody"),
        ({"alert_mail_to": ("a@b.org\nBcc: c@d.org",)}, "no mail address"),
        ({"alert_mail": "smtp://hunter2@host"}, "no mail address"),
    ],
)
def test_a_mail_setting_that_makes_no_sense_is_named_without_its_value(
    settings_with: MakeSettings, values: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError, match=told) as error:
        mail(settings_with, 25, **values)
    assert "hunter2" not in str(error.value) + error.value.hint


def test_a_webhook_that_is_no_address_is_a_warning_without_its_value(settings_with: MakeSettings) -> None:
    settings = settings_with(alert_webhook="hunter2")
    made, warnings = channels(settings)
    assert (made, configured(settings)) == ((), ("webhook",))
    assert warnings == ("CA_ETL_ALERT_WEBHOOK is no http or https address; alerts wait",)


def test_settings_and_channels_show_no_secret(settings_with: MakeSettings) -> None:
    settings = settings_with(
        alert_webhook="http://127.0.0.1/hunter2",
        alert_mail="smtp://user%40example.org:hunter2@127.0.0.1:25",
        alert_mail_password=PASSWORD,
        alert_mail_to=("a@example.org",),
    )
    made, _ = channels(settings)
    assert [each.name for each in made] == ["webhook", "mail"]
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump_json()} {made!r}"
