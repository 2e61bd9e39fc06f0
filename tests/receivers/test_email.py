"""E-mail: what a mail server gets, that nothing leaves unencrypted, and how its answers are read."""

from __future__ import annotations

import email
import email.policy
import ssl
import time
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import ValidationError

from monitor.delivery import Reason
from monitor.errors import DeliveryFailed, DeliveryRefused
from monitor.notification import MessageType
from monitor.receivers import EgressSettings, EmailSettings, Network, address, problem, send
from tests.receivers.dialect_samples import sample
from tests.receivers.scripted_smtp import Mails, mail_server

NOW = 1_795_298_400_000_000
EPISODE = "<al_4k2d7x3mzq6ph5tnwy2rvb6cja@example.com>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the authority of the server's certificate."""
    folder = tmp_path_factory.mktemp("mail")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    return folder


@pytest.fixture
def tls(folder: Path) -> ssl.SSLContext:
    """Return the server's side."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


def settings(port: int | None = 9, **changed: Any) -> EmailSettings:
    """Return the settings of a mail server on this machine."""
    given = {"name": "post", "host": "127.0.0.1", "port": port, "sender": "driftline@example.com", "timeout": "5s"}
    return EmailSettings.model_validate(given | {"to": ["ann@example.com", "bob@example.com"], "tls": "off"} | changed)


def deliver(mails: Mails, kind: MessageType = MessageType.FIRING, root: Path = Path(), **changed: Any) -> EmailMessage:
    """Send a message, and return the mail as the standard library's parser reads it."""
    send(settings(mails.port, **changed), *sample(kind), NOW, Network(root=root))
    found = email.message_from_bytes(mails.bodies[-1], policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def text_of(mail: EmailMessage, kind: str) -> str:
    """Return the text of a part."""
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def failure(says: Mapping[str, str], **changed: Any) -> DeliveryFailed | DeliveryRefused:
    """Return what sending to a server that answers so raises."""
    with mail_server(says) as mails, pytest.raises((DeliveryFailed, DeliveryRefused)) as caught:
        deliver(mails, **changed)
    assert isinstance(caught.value, DeliveryFailed | DeliveryRefused)
    return caught.value


def test_a_mail_says_what_happened() -> None:
    """People get severity and title as subject, the sentences as text and as HTML, and nothing of a log as markup."""
    with mail_server() as mails:
        mail = deliver(mails)
    assert (mail["Subject"], mail["To"]) == (
        "[warning] flight-delay version 3: drift",
        "ann@example.com, bob@example.com",
    )
    assert mails.recipients == [["ann@example.com", "bob@example.com"]]
    assert "Does it hurt: roc_auc 0.71 [0.69, 0.73], 0.79 in the reference." in text_of(mail, "plain")
    page = text_of(mail, "html")
    assert "&lt;!channel&gt;" in page
    assert "<!channel>" not in page
    assert '<a href="https://monitor.example/">' in page
    assert mail["Auto-Submitted"] == "auto-generated"


def test_mails_of_an_episode_thread() -> None:
    """What resolves refers to the same episode as what fired; each try of a message has the message's id."""
    with mail_server() as mails:
        fired, again, resolved = deliver(mails), deliver(mails), deliver(mails, MessageType.RESOLVED)
    assert [mail["References"] for mail in (fired, resolved)] == [EPISODE, EPISODE]
    assert fired["Message-ID"] == again["Message-ID"] == f"<{sample(MessageType.FIRING)[0]}@example.com>"
    assert resolved["Message-ID"] != fired["Message-ID"]
    assert resolved["Subject"] == "flight-delay version 3: drift, resolved"


@pytest.mark.parametrize("kind", [MessageType.TEST, MessageType.ACTION])
def test_every_message_is_a_mail(kind: MessageType) -> None:
    """A test that knows nothing, and an action, are rendered too."""
    with mail_server() as mails:
        assert text_of(deliver(mails, kind), "plain").strip()


def test_a_password_goes_through_starttls(folder: Path, tls: ssl.SSLContext) -> None:
    """The connection is upgraded, then the password and the mail are sent."""
    with mail_server(tls=tls) as mails:
        deliver(mails, root=folder, tls="starttls", ca_file="ca.pem", user="u", password="secretcanary")
    assert (mails.encrypted, mails.logins) == ([True], ["\0u\0secretcanary"])


def test_tls_from_the_first_byte(folder: Path, tls: ssl.SSLContext) -> None:
    """Implicit TLS needs no upgrade."""
    with mail_server(tls=tls, implicit=True) as mails:
        deliver(mails, root=folder, tls="implicit", ca_file="ca.pem")
    assert mails.encrypted == [True]


def test_a_server_without_starttls_gets_nothing() -> None:
    """Who strips the offer of STARTTLS from the wire gets neither mail nor password."""
    with mail_server() as mails, pytest.raises(DeliveryRefused) as caught:
        deliver(mails, tls="starttls", user="u", password="secretcanary")
    assert (caught.value.reason, mails.bodies, mails.logins) == (Reason.TLS_FAILED, [], [])


def test_a_certificate_that_nobody_vouches_for_ends_it(tls: ssl.SSLContext) -> None:
    """Without the authority's file the server is not believed."""
    with mail_server(tls=tls) as mails, pytest.raises(DeliveryFailed) as caught:
        deliver(mails, tls="starttls")
    assert (caught.value.reason, mails.bodies) == (Reason.TLS_FAILED, [])


@pytest.mark.parametrize(
    ("says", "kind", "reason"),
    [
        ({"MAIL": "451 later, secretcanary"}, DeliveryFailed, Reason.UNAVAILABLE),
        ({"RCPT": "450 greylisted"}, DeliveryFailed, Reason.UNAVAILABLE),
        ({"RCPT": "550 unknown"}, DeliveryRefused, Reason.REJECTED),
        ({"MAIL": "530 log in"}, DeliveryRefused, Reason.UNAUTHORIZED),
        ({"DATA": "554 no"}, DeliveryRefused, Reason.REJECTED),
        ({"CONNECT": "421 busy"}, DeliveryFailed, Reason.UNAVAILABLE),
        ({"CONNECT": "HTTP/1.1 200 OK"}, DeliveryFailed, Reason.PROTOCOL_ERROR),
    ],
)
def test_a_server_s_no_is_read(says: dict[str, str], kind: type[Exception], reason: Reason) -> None:
    """4xx is later, 5xx is never, and the server's words are not repeated."""
    error = failure(says)
    assert (type(error), error.reason) == (kind, reason)
    assert "canary" not in str(error)


def test_one_recipient_s_no_is_not_all_s() -> None:
    """Where one mailbox is gone the others have the mail, and are not sent it again."""
    with mail_server({"RCPT ann@example.com": "550 unknown"}) as mails:
        deliver(mails)
    assert mails.recipients == [["bob@example.com"]]


def test_a_server_that_hangs_is_left() -> None:
    """The whole attempt has one deadline."""
    began = time.monotonic()
    error = failure({"MAIL": "HANG"}, timeout="300ms")
    assert (error.reason, time.monotonic() - began < 8) == (Reason.TIMEOUT, True)


def test_a_mail_server_s_address_is_checked_too() -> None:
    """Where only public addresses may be called, a mail server on this machine is none."""
    network = Network(egress=EgressSettings(egress="strict"))
    with mail_server() as mails, pytest.raises(DeliveryRefused, match="loopback"):
        send(settings(mails.port), *sample(MessageType.TEST), NOW, network)
    assert "loopback" in str(problem(settings(), network))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"user": "u"}, "user and password together"),
        ({"user": "u", "password": "secretcanary"}, "only with tls"),
        ({"to": []}, "at least 1"),
        ({"to": ["ann@example.com\r\nBcc: eve@example.com"]}, "pattern"),
        ({"sender": "nobody"}, "pattern"),
    ],
)
def test_settings_that_cannot_work_are_refused(changed: dict[str, Any], why: str) -> None:
    """A password in clear, half a login or an address that is none is told when the config is read."""
    with pytest.raises(ValidationError, match=why) as caught:
        settings(**changed)
    assert "canary" not in str(caught.value)


def test_a_port_goes_with_its_encryption() -> None:
    """Without a port each way has its own."""
    found = [address(settings(port=None, tls=each)) for each in ("starttls", "implicit", "off")]
    assert found == [f"smtp://127.0.0.1:{port}" for port in (587, 465, 25)]
