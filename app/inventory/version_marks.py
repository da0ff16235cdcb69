"""Short marks of a class's data version in a scope, by which pages ask for what they may keep for a while."""

from __future__ import annotations

from hashlib import blake2b

from app.database.scope import scope_key
from app.version import version


def scoped(mark: str) -> str:
    """The mark of data that never changes as it is seen in the scope that holds: by itself where that is the whole."""
    scope = scope_key()
    return f"{mark}-{blake2b(scope.encode(), digest_size=4).hexdigest()}" if scope else mark


def version_mark(class_id: str, data_version: int) -> str:
    """8 hexadecimal digits of a class, its data version, the program's and the scope that holds.

    Of the scope too: a browser that somebody else signs in with keeps what the address of a page before has named.
    """
    told = f"{version()} {class_id} {data_version} {scope_key()}".rstrip()
    return blake2b(told.encode(), digest_size=4).hexdigest()
