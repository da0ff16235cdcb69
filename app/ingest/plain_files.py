"""Files that the reading process has written, and may still be changing: taken as they are at one moment."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read_plain(path: Path, most: int) -> bytes:
    """What a file holds now, copied, so that it stays as it was checked; `most` bytes are read.

    Raises:
        OSError: It is not there, or anything but a file itself of at most so many bytes.
    """
    # A link is not followed, and a pipe not waited for.
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(number, "rb") as file:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            raise OSError(errno.EINVAL, "not such a file", path.name)
        return file.read(found.st_size)
