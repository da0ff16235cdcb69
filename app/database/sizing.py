"""Sizes the embedded server from the machine: memory, shared memory, and durable defaults."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

MIB = 1024 * 1024
#: Below this /dev/shm is too small for parallel queries (containers give 64 MB by default).
SHARED_MEMORY_MIN = 256 * MIB
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def machine_memory() -> int:
    """Bytes of memory this process may use: the machine's, or the container's limit where that is lower."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = (_read_number(Path(name)) for name in _CGROUP_LIMITS)
    return min([total, *(limit for limit in limits if limit)])


def shared_memory() -> int:
    """Bytes of /dev/shm, 0 where there is none."""
    try:
        return shutil.disk_usage("/dev/shm").total  # noqa: S108 - asked for its size, not written to
    except OSError:
        return 0


def server_settings(memory: int, shm: int) -> dict[str, str]:
    """The server's settings for `memory` bytes, of which it shares the machine with web, engine and jobs."""
    return {
        # No network at all: the socket in a private folder is the only door.
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "max_connections": "100",
        # Durable: an acknowledged write survives a power cut.
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "wal_compression": "on",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "shared_buffers": _megabytes(memory // 8, 64, 2048),
        "effective_cache_size": _megabytes(memory // 2, 128, 65536),
        "maintenance_work_mem": _megabytes(memory // 32, 32, 512),
        "work_mem": _megabytes(memory // 256, 8, 64),
        "temp_file_limit": "8GB",
        # The statement of a program that was killed ends with it, and so do its locks: it could run for hours.
        "client_connection_check_interval": "1s",
        # Data of a city fits in memory or on flash: an index is worth its pages.
        "random_page_cost": "1.1",
        "dynamic_shared_memory_type": "mmap" if shm < SHARED_MEMORY_MIN else "posix",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %a ",
        "log_min_messages": "warning",
        # What people filter for and write stands in statements and in details of errors: the log holds neither.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_checkpoints": "off",
    }


def as_config(settings: Mapping[str, str]) -> str:
    """The text of a configuration file, each value quoted."""
    quoted = {name: value.replace("\\", "\\\\").replace("'", "''") for name, value in settings.items()}
    return "".join(f"{name} = '{value}'\n" for name, value in quoted.items())


def _megabytes(size: int, low: int, high: int) -> str:
    return f"{min(max(size // MIB, low), high)}MB"


def _read_number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
