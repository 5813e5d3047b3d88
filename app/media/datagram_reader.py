"""Reads the datagrams that wait at a UDP socket, many in one call, without giving up the interpreter lock.

`socket.recvfrom` lets go of the interpreter lock around every call. While another thread is busy in Python, getting it
back can take the switch interval of 5 ms: 6 to 440 us a packet in the mean, measured here, by how free the other core
is. `recvmmsg(2)` through `ctypes.PyDLL` fetches 64 datagrams in a call that never blocks and keeps the lock: 1 us a
packet, busy or not (recvfrom alone: 1.3). See docs/adr/0011-rtp-receiver.md.
"""

import ctypes
import errno
import os
import socket
import struct
from typing import Protocol

BATCH_DATAGRAMS = 64
MAX_DATAGRAM_BYTES = 2048
"""Longer datagrams are cut: the longest that Asterisk sends, 60 ms of slin, has 972 bytes."""

_MSG_DONTWAIT = 0x40  # <sys/socket.h> of Linux
_NAME_BYTES = 16  # struct sockaddr_in


def source_key(ip: str, port: int) -> int:
    """Return the first 8 bytes of a source's `sockaddr_in` (family, port, address) as a native integer.

    It is the key that readers report: comparing numbers saves making an address tuple for every packet.
    """
    name = struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(ip)
    return int.from_bytes(name, "little" if struct.pack("=H", 1) == b"\1\0" else "big")


class DatagramReader(Protocol):
    """Reads an open, non-blocking IPv4 UDP socket."""

    def read(self) -> list[tuple[int, bytes]]:
        """Return some of the waiting datagrams, each behind its `source_key`; empty when none waits; OSError."""


class _Vector(ctypes.Structure):
    """`struct iovec`."""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    """`struct msghdr`."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_bytes", ctypes.c_uint32),
        ("vectors", ctypes.c_void_p),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_bytes", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    """`struct mmsghdr`."""

    _fields_ = (("header", _Header), ("received", ctypes.c_uint32))


class BatchReader:
    """Reads by recvmmsg(2): Linux only. Its buffers live as long as it does."""

    def __init__(self, receiving: socket.socket) -> None:
        self._recvmmsg = ctypes.PyDLL(None, use_errno=True).recvmmsg
        self._file = receiving.fileno()
        self._messages = (_Message * BATCH_DATAGRAMS)()
        self._vectors = (_Vector * BATCH_DATAGRAMS)()
        self._contents = ctypes.create_string_buffer(BATCH_DATAGRAMS * MAX_DATAGRAM_BYTES)
        self._names = (ctypes.c_uint64 * (BATCH_DATAGRAMS * _NAME_BYTES // 8))()
        for index, (message, vector) in enumerate(zip(self._messages, self._vectors, strict=True)):
            vector.base = ctypes.addressof(self._contents) + index * MAX_DATAGRAM_BYTES
            vector.length = MAX_DATAGRAM_BYTES
            message.header.name = ctypes.addressof(self._names) + index * _NAME_BYTES
            message.header.name_bytes = _NAME_BYTES
            message.header.vectors = ctypes.addressof(vector)
            message.header.vector_count = 1
        self._array = ctypes.byref(self._messages)
        self._bytes = memoryview(self._contents).cast("B")
        # Strided views, so that the keys and the lengths of a batch are one list each.
        self._keys = memoryview(self._names).cast("B").cast("Q")[:: _NAME_BYTES // 8]
        numbers = memoryview(self._messages).cast("B").cast("I")
        self._lengths = numbers[_Message.received.offset // 4 :: ctypes.sizeof(_Message) // 4]

    def read(self) -> list[tuple[int, bytes]]:
        """Return up to BATCH_DATAGRAMS datagrams."""
        count = self._recvmmsg(self._file, self._array, BATCH_DATAGRAMS, _MSG_DONTWAIT, None)
        if count < 0:
            code = ctypes.get_errno()
            if code in {errno.EAGAIN, errno.EINTR}:
                return []
            raise OSError(code, os.strerror(code))
        view, size = self._bytes, MAX_DATAGRAM_BYTES
        datagrams = [
            view[start : start + length].tobytes()
            for start, length in zip(range(0, count * size, size), self._lengths[:count].tolist(), strict=True)
        ]
        return list(zip(self._keys[:count].tolist(), datagrams, strict=True))


class SingleReader:
    """Reads by recvfrom, where there is no recvmmsg(2)."""

    def __init__(self, receiving: socket.socket) -> None:
        self._receiving = receiving

    def read(self) -> list[tuple[int, bytes]]:
        """Return up to BATCH_DATAGRAMS datagrams."""
        datagrams: list[tuple[int, bytes]] = []
        try:
            while len(datagrams) < BATCH_DATAGRAMS:
                datagram, source = self._receiving.recvfrom(MAX_DATAGRAM_BYTES)
                datagrams.append((source_key(*source), datagram))
        except BlockingIOError:
            pass
        return datagrams


def make_reader(receiving: socket.socket) -> DatagramReader:
    """Return the fastest reader that this system has."""
    return BatchReader(receiving) if hasattr(ctypes.PyDLL(None), "recvmmsg") else SingleReader(receiving)
