"""Frames between the engine process and its clients: four bytes of length, then one msgpack value."""

from __future__ import annotations

import socket
import struct
from typing import Any

import msgpack

from app.errors import Unavailable

_LENGTH = struct.Struct("!I")
#: No answer is near this size; a longer frame is a fault, not data.
MAX_FRAME_BYTES = 1 << 30


def send_frame(connection: socket.socket, value: object) -> None:
    """Send one value made of None, bool, int, float, str, bytes, list and dict; half a character arrives as `?`."""
    payload = msgpack.packb(value, use_bin_type=True, unicode_errors="replace")
    connection.sendall(_LENGTH.pack(len(payload)) + payload)


def receive_frame(connection: socket.socket) -> Any:
    """The next value, or None where the other side closed before a new frame began."""
    head = _receive(connection, _LENGTH.size)
    if not head:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MAX_FRAME_BYTES:
        raise Unavailable("The engine's message is longer than allowed.", "Restart the server.")
    return msgpack.unpackb(_receive(connection, length), raw=False, strict_map_key=False)


def _receive(connection: socket.socket, length: int) -> bytes:
    """Exactly `length` bytes; empty where the other side closed at once, Unavailable where it closed midway."""
    data = bytearray()
    while len(data) < length:
        part = connection.recv(min(length - len(data), 1 << 20))
        if not part and not data and length == _LENGTH.size:
            return b""
        if not part:
            raise Unavailable("The engine stopped in the middle of an answer.", "Send the request again.")
        data += part
    return bytes(data)
