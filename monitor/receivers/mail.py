"""Receiver ``email``: a message of plain text and HTML by SMTP. The messages of an episode refer to it, and so thread.

Sources: RFC 5321 (SMTP), RFC 3207 (STARTTLS), RFC 8314 (TLS from the first byte), RFC 5322 3.6.4 (References).
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import structlog
from pydantic import Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from monitor import wording
from monitor.delivery import Reason
from monitor.errors import DeliveryFailed, DeliveryRefused
from monitor.instant import SECOND, Instant
from monitor.receivers.address import Endpoint
from monitor.receivers.base import NamedSettings
from monitor.receivers.network import Deadline, Network, checked_targets
from monitor.settings import Duration, parse_duration

if TYPE_CHECKING:
    import smtplib
    from email.message import EmailMessage

_PORTS = {"starttls": 587, "implicit": 465, "off": 25}
_READY = 220
_LATER, _FOR_GOOD, _AUTHENTICATION = range(400, 500), range(500, 600), (530, 534, 535, 538)
Mailbox = Annotated[str, Field(pattern=r"^[^\s<>,;:\"()@]{1,64}@[A-Za-z0-9.-]{1,253}$")]


class EmailSettings(NamedSettings):
    """A mail server that takes messages for people."""

    type: Literal["email"] = "email"
    host: str = Field(pattern=r"^[A-Za-z0-9._:-]{1,253}$", description="the server's name or address")
    port: int | None = Field(None, ge=1, le=65_535, description="unset: 587, 465 with implicit TLS, 25 without TLS")
    tls: Literal["starttls", "implicit", "off"] = Field(
        "starttls", description="upgrade the connection, or nothing is sent; TLS from its first byte; or none"
    )
    user: str | None = Field(None, description="whose password it is; unset: the server asks for none")
    password: SecretStr | None = Field(None, description="sent only where the connection is encrypted")
    sender: Mailbox = Field(description="whom messages are from")
    to: tuple[Mailbox, ...] = Field(min_length=1, max_length=50, description="whom messages go to")
    timeout: Duration = Field(
        parse_duration("15s"), gt=parse_duration("0s"), le=parse_duration("60s"), description="for the whole attempt"
    )
    ca_file: Path | None = Field(None, description="certificates to trust instead of the public authorities'")

    @model_validator(mode="after")
    def _safe(self) -> EmailSettings:
        if (self.user is None) != (self.password is None):
            raise PydanticCustomError("E123", "email needs user and password together, or neither")
        if self.password is not None and self.tls == "off":
            raise PydanticCustomError("E123", "email sends a password only with tls: starttls or implicit")
        return self


def leads_to(settings: EmailSettings) -> Endpoint:
    """Return where messages go."""
    port = settings.port or _PORTS[settings.tls]
    return Endpoint(settings.host, port, f"smtp://{settings.host}:{port}")


def send(settings: EmailSettings, message_id: str, body: bytes, now: Instant, network: Network) -> None:
    """Send a message once.

    Raises
    ------
    DeliveryFailed: not taken, and the same call may succeed later.
    DeliveryRefused: it will never be taken.
    """
    import smtplib

    mail = compose(settings, message_id, json.loads(body), now)
    deadline = Deadline(settings.timeout.total_seconds(), leads_to(settings).shown)
    with _faults(deadline), _connected(settings, network, deadline) as server:
        if settings.tls == "starttls":
            server.starttls(context=_context(settings, network, deadline))
        if settings.user is not None and settings.password is not None:
            server.login(settings.user, settings.password.get_secret_value())
        refused = server.send_message(mail)
        with suppress(smtplib.SMTPException, OSError):  # it has the message: how it says good-bye changes nothing
            server.quit()
    if refused:  # to send it again would send it twice to all others
        log = structlog.get_logger("driftline.receivers")
        log.warning("recipients_refused", receiver=settings.name, message=message_id, recipients=len(refused))


def compose(settings: EmailSettings, message_id: str, event: Mapping[str, Any], now: Instant) -> EmailMessage:
    """Return the mail: the same id on every try, and the episode's as what it refers to."""
    from email.message import EmailMessage
    from email.utils import format_datetime

    mail, domain = EmailMessage(), settings.sender.partition("@")[2]
    alert, title = event["data"].get("alert") or {}, wording.title(event)
    state = alert.get("state") if event["type"].startswith("io.driftline.alert.") else None
    mail["Subject"] = f"[{alert.get('severity')}] {title}" if state == "firing" else title
    mail["From"], mail["To"] = settings.sender, ", ".join(settings.to)
    mail["Date"] = format_datetime(datetime.fromtimestamp(now // SECOND, UTC))
    mail["Message-ID"] = f"<{message_id}@{domain}>"
    if alert.get("id"):
        mail["In-Reply-To"] = mail["References"] = f"<{alert['id']}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machine answers
    page = (event["data"].get("links") or {}).get("page")
    mail.set_content(_text(event, page))
    mail.add_alternative(_html(title, event, page), subtype="html")
    return mail


def _text(event: Mapping[str, Any], page: str | None) -> str:
    facts = "\n".join(f"{name}: {value}" for name, value in dict(wording.facts(event)).items())
    parts = ["\n\n".join(wording.sentences(event)), page, facts]
    return "\n\n".join(part for part in parts if part) + "\n"


def _html(title: str, event: Mapping[str, Any], page: str | None) -> str:
    """Return the message as HTML without pictures, styles from elsewhere or live text of a log."""
    told = "".join(f"<p>{escape(each)}</p>" for each in wording.sentences(event))
    link = f'<p><a href="{escape(page)}">Open the alert</a></p>' if page else ""
    rows = (
        f"<tr><td>{escape(str(name))}</td><td>{escape(str(value))}</td></tr>" for name, value in wording.facts(event)
    )
    return f"<html><body><h3>{escape(title)}</h3>{told}{link}<table>{''.join(rows)}</table></body></html>"


@contextmanager
def _connected(settings: EmailSettings, network: Network, deadline: Deadline) -> Iterator[smtplib.SMTP]:
    """Lend a connection to an address that may be called; it is cut when the deadline has passed."""
    import smtplib

    where = leads_to(settings)

    class Guarded(smtplib.SMTP):
        def _get_socket(self, host: str, port: int, _timeout: float) -> socket.socket:
            opened = network.connect(checked_targets(network, host, port, deadline)[0], deadline.left())
            opened.settimeout(deadline.left())
            if settings.tls != "implicit":
                return opened
            return _context(settings, network, deadline).wrap_socket(opened, server_hostname=host)

    server = Guarded(local_hostname=socket.gethostname(), timeout=deadline.left())  # and ask no resolver for it
    watch = threading.Timer(deadline.left(), lambda: _cut(server))  # a step's timeout lets one byte a second pass
    watch.daemon = True
    watch.start()
    try:
        server._host = where.host  # type: ignore[attr-defined]  # noqa: SLF001 - what starttls checks the certificate for
        code, _ = server.connect(where.host, where.port)
        if code != _READY:
            raise _answered(deadline, code)
        yield server
    finally:
        watch.cancel()
        server.close()


def _cut(server: smtplib.SMTP) -> None:
    opened = getattr(server, "sock", None)
    if opened is not None:
        with suppress(OSError):
            opened.shutdown(socket.SHUT_RDWR)


def _context(settings: EmailSettings, network: Network, deadline: Deadline) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=network.root / settings.ca_file if settings.ca_file else None)
    except (OSError, ValueError) as error:
        raise deadline.failed(Reason.TLS_FAILED, "ca_file cannot be read") from error


@contextmanager
def _faults(deadline: Deadline) -> Iterator[None]:
    """Say what a mail server's answer means; its words are not repeated."""
    import smtplib

    try:
        yield
    except smtplib.SMTPNotSupportedError:
        what = "offers no STARTTLS, or no way to log in that is known"
        raise DeliveryRefused(Reason.TLS_FAILED, f"{deadline.address}: {what}") from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise _answered(deadline, min(codes, default=550)) from None
    except smtplib.SMTPServerDisconnected:
        deadline.left()
        raise deadline.failed(Reason.CONNECTION_LOST, "the connection was closed") from None
    except smtplib.SMTPResponseException as error:
        raise _answered(deadline, error.smtp_code) from None
    except (smtplib.SMTPException, UnicodeError) as error:
        raise deadline.failed(Reason.PROTOCOL_ERROR, f"the answer is not SMTP ({type(error).__name__})") from None
    except ssl.SSLError as error:
        raise deadline.failed(Reason.TLS_FAILED, f"no TLS ({(error.reason or 'handshake failed').lower()})") from error
    except TimeoutError:
        raise deadline.passed() from None
    except OSError as error:
        deadline.left()
        raise deadline.failed(Reason.CONNECT_FAILED, f"no connection ({error.strerror or 'I/O error'})") from error


def _answered(deadline: Deadline, code: int) -> DeliveryFailed | DeliveryRefused:
    said = f"{deadline.address} answered {code}"
    if code in _AUTHENTICATION:
        return DeliveryRefused(Reason.UNAUTHORIZED, said)
    if code in _FOR_GOOD:
        return DeliveryRefused(Reason.REJECTED, said)
    if code in _LATER:
        return DeliveryFailed(Reason.UNAVAILABLE, said)
    return DeliveryFailed(Reason.PROTOCOL_ERROR, f"{deadline.address}: the answer is not SMTP")
