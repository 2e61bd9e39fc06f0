"""A task and an answer on a socket: a few words as JSON, then bytes, each with its length before it."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

CLOSED = (OSError, EOFError)
"""What :func:`received` and :func:`sent` raise where the other side is gone or too slow."""
_LENGTHS = struct.Struct("<QQ")
_PIECE = 2**20


def sent(channel: socket.socket, head: dict[str, Any], content: bytes) -> None:
    """Send words and bytes.

    Raises
    ------
    OSError: the other side is gone; a ``TimeoutError`` if it does not listen.
    """
    told = json.dumps(head).encode()
    channel.sendall(_LENGTHS.pack(len(told), len(content)) + told)
    channel.sendall(content)


def received(channel: socket.socket) -> tuple[dict[str, Any], bytes]:
    """Wait for words and bytes.

    Raises
    ------
    EOFError, OSError: the other side is gone; a ``TimeoutError`` if it is silent.
    """
    words, length = _LENGTHS.unpack(_exactly(channel, _LENGTHS.size))
    head: dict[str, Any] = json.loads(_exactly(channel, words))
    return head, _exactly(channel, length)


def _exactly(channel: socket.socket, length: int) -> bytes:
    content = bytearray()
    while len(content) < length:
        piece = channel.recv(min(_PIECE, length - len(content)))
        if not piece:
            raise EOFError("the other side has closed")
        content += piece
    return bytes(content)
