"""Short marks of a class's data version, by which pages ask for what they may keep for a while. Pure."""

from __future__ import annotations

from hashlib import blake2b

from app.version import version


def version_mark(class_id: str, data_version: int) -> str:
    """8 hexadecimal digits of a class, its data version and the program's."""
    return blake2b(f"{version()} {class_id} {data_version}".encode(), digest_size=4).hexdigest()
