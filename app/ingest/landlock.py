"""Landlock: from here on this process opens only the files and folders that it was given (Linux 5.13 and later)."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

# System calls: the same numbers on every architecture (include/uapi/asm-generic/unistd.h).
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH = 1
_VERSION = 1

# Rights over files (include/uapi/linux/landlock.h).
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG, _MAKE_SYM = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 12
_TRUNCATE = 1 << 14
#: Number of rights over files that a version of Landlock knows.
_KNOWN_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_NEWEST_RIGHTS = 16
READ = _READ_FILE | _READ_DIR
LIST = _READ_DIR
WRITE = READ | _WRITE_FILE | _TRUNCATE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SYM
_OF_FILES = _WRITE_FILE | _READ_FILE | _TRUNCATE
#: Binding and connecting TCP sockets (version 4); abstract sockets and signals to other processes (version 6).
_NET_RIGHTS, _SCOPES = 0b11, 0b11


def restrict_files(allowed: Iterable[tuple[Path, int]]) -> bool:
    """Forbid this thread, and what it starts, everything but the rights given to paths; False without Landlock.

    Needs no_new_privs. Paths that do not exist are passed over.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    if version < 1:
        return False
    known = (1 << _KNOWN_RIGHTS.get(version, _NEWEST_RIGHTS)) - 1
    attributes = struct.pack("=QQQ", known, _NET_RIGHTS, _SCOPES)[: _size(version)]
    rules = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        return False
    try:
        for path, rights in allowed:
            _allow(libc, rules, path, rights & known)
        return bool(libc.syscall(_RESTRICT_SELF, rules, 0) == 0)
    finally:
        os.close(rules)


def _size(version: int) -> int:
    """Bytes of `struct landlock_ruleset_attr` that a version takes."""
    return 8 if version < 4 else 16 if version < 6 else 24


def _allow(libc: ctypes.CDLL, rules: int, path: Path, rights: int) -> None:
    with suppress(OSError):
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            rule = struct.pack("=Qi", rights if path.is_dir() else rights & _OF_FILES, place)
            libc.syscall(_ADD_RULE, rules, _RULE_PATH_BENEATH, rule, 0)
        finally:
            os.close(place)
