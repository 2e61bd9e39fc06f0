"""A loopback mail server for one connection after the other: RFC 5321 with STARTTLS and AUTH PLAIN, or a script."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Mails:
    """What came: each mail's bytes, to whom, who had logged in, and whether it was encrypted."""

    port: int
    bodies: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)


@dataclass
class _Talk:
    """One connection."""

    mails: Mails
    says: Mapping[str, str]
    tls: ssl.SSLContext | None
    opened: socket.socket
    is_encrypted: bool = False

    def run(self) -> None:  # noqa: C901 - a verb a branch
        """Greet, then answer each command until QUIT."""
        self._say(self.says.get("CONNECT", "220 here"))
        recipients: list[str] = []
        while line := self._line():
            verb = line.split(" ")[0].split(":")[0].upper()
            said = self.says.get(f"{verb} {line.partition('<')[2].rstrip('>')}") or self.says.get(verb)
            if said == "HANG":
                threading.Event().wait(5)
                return
            if said is not None:
                self._say(said)
            elif verb == "EHLO":
                more = ["AUTH PLAIN"] if self.is_encrypted else ["STARTTLS"] if self.tls else []
                for each in ["here", *more]:
                    self._say(f"250-{each}")
                self._say("250 8BITMIME")
            elif verb == "STARTTLS" and self.tls is not None:
                self._say("220 go on")
                self.opened = self.tls.wrap_socket(self.opened, server_side=True)
                self.is_encrypted = True
            elif verb == "AUTH":
                self.mails.logins.append(base64.b64decode(line.split()[2]).decode())
                self._say("235 well")
            elif verb == "RCPT":
                recipients.append(line.partition("<")[2].partition(">")[0])
                self._say("250 well")
            elif verb == "DATA":
                self._say("354 go on")
                self._take(recipients)
                self._say("250 taken")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 well")

    def _take(self, recipients: list[str]) -> None:
        lines = iter(self._line, ".")
        self.mails.bodies.append(
            "\r\n".join(each.removeprefix(".") for each in lines).encode("utf-8", "surrogateescape")
        )
        self.mails.recipients.append(recipients)
        self.mails.encrypted.append(self.is_encrypted)

    def _say(self, text: str) -> None:
        self.opened.sendall(f"{text}\r\n".encode())

    def _line(self) -> str:
        read = b""
        while not read.endswith(b"\r\n"):
            piece = self.opened.recv(1)
            if not piece:
                return ""
            read += piece
        return read[:-2].decode("utf-8", "surrogateescape")


@contextmanager
def mail_server(
    says: Mapping[str, str] | None = None, tls: ssl.SSLContext | None = None, *, implicit: bool = False
) -> Iterator[Mails]:
    """Serve until the block ends; ``says`` replaces the answer to a command."""
    listener = socket.create_server(("127.0.0.1", 0))
    mails = Mails(listener.getsockname()[1])

    def accept() -> None:
        while True:
            try:
                opened, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError), opened:
                opened.settimeout(5)
                talked = tls.wrap_socket(opened, server_side=True) if tls and implicit else opened
                with talked:
                    talk = _Talk(mails, says or {}, None if implicit else tls, talked, is_encrypted=implicit)
                    talk.run()
                    talk.opened.close()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield mails
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(6)
