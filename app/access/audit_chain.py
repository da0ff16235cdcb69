"""Checks the chain of the audit record: each entry's hash is made again here, never asked of the database. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

#: What the first entry of all names as the hash before it.
BEGINNING = bytes(32)
#: Entries are kept for so long at least.
KEPT_DAYS = 180


class Entry(NamedTuple):
    """An entry as it is hashed: `micros` are microseconds since 1970, `detail` is the text of its JSON."""

    seq: int
    micros: int
    who: str
    kind: str
    address: str | None
    event: str
    object: str | None
    detail: str
    previous: bytes
    hash: bytes

    @property
    def at(self) -> datetime:
        """When it was noted."""
        return datetime.fromtimestamp(self.micros / 1e6, UTC)


@dataclass(frozen=True, slots=True)
class Pruning:
    """That all entries until a number were pruned, the last of which had this hash."""

    until: int
    hash: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Heads:
    """What was kept outside the database: the hashes of entries, when they were kept, and what was pruned.

    `forged` is the number of the first line that this data folder did not sign.
    """

    hashes: Mapping[int, bytes] = field(default_factory=dict)
    kept_at: Mapping[int, datetime] = field(default_factory=dict)
    prunings: Sequence[Pruning] = ()
    forged: int | None = None

    @property
    def newest(self) -> int:
        """The number of the newest entry that was kept; 0 where none was."""
        return max(self.hashes, default=0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found: whether all is whole, of how many entries since when, and the first that is not.

    `heads` says with how many kept heads the chain was compared: with none, a cut tail and a chain that was rewritten
    from its beginning would not be seen.
    """

    whole: bool
    entries: int
    first: int | None
    last: int | None
    since: str | None
    heads: int
    pruned_until: int
    broken: int | None = None
    reason: str | None = None

    def plain(self) -> dict[str, Any]:
        """It as plain values."""
        return asdict(self)


def digest(entry: Entry) -> bytes:
    """The hash of an entry; each value stands behind its length in bytes, so that no two entries have one text."""
    values = (
        str(entry.seq), str(entry.micros), entry.who, entry.kind, entry.address, entry.event, entry.object,
        entry.detail, entry.previous.hex(),
    )  # fmt: skip
    hasher = hashlib.sha256()
    hasher.update(b",".join(map(_behind_length, values)))
    return hasher.digest()


def _behind_length(value: str | None) -> bytes:
    if value is None:
        return b"-"
    written = value.encode()
    return b"%d:%b" % (len(written), written)


class _BrokenError(Exception):
    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(reason)
        self.seq, self.reason = seq, reason


@dataclass
class _Walk:
    """A walk along the chain: where it is."""

    heads: Heads
    entries: int = 0
    first: Entry | None = None
    last: Entry | None = None

    def step(self, entry: Entry) -> None:
        if self.last is None:
            self._begin(entry)
        elif entry.seq != self.last.seq + 1:
            raise _BrokenError(self.last.seq + 1, "it is missing")
        elif entry.previous != self.last.hash:
            raise _BrokenError(entry.seq, "it does not follow the one before")
        if digest(entry) != entry.hash:
            raise _BrokenError(entry.seq, "it was changed")
        kept = self.heads.hashes.get(entry.seq)
        if kept is not None and kept != entry.hash:
            raise _BrokenError(entry.seq, "it is another than the one that was kept outside the database")
        self.entries, self.first, self.last = self.entries + 1, self.first or entry, entry

    def _begin(self, entry: Entry) -> None:
        if entry.seq == 1:
            if entry.previous != BEGINNING:
                raise _BrokenError(1, "it is not the beginning")
            return
        found = [
            pruning
            for pruning in self.heads.prunings
            if pruning.until == entry.seq - 1 and pruning.hash == entry.previous
        ]
        if not found:
            raise _BrokenError(
                1, f"entries 1 to {entry.seq - 1} are missing, and no pruning of them was kept"
            )
        _check_age(found[-1], self.heads)

    def end(self) -> None:
        last = 0 if self.last is None else self.last.seq
        if self.heads.newest > last:
            raise _BrokenError(last + 1, f"the record ended at entry {self.heads.newest} or later once")


def _check_age(pruning: Pruning, heads: Heads) -> None:
    """A pruned entry after one that was the newest on a day was made after that day."""
    oldest = pruning.at - timedelta(days=KEPT_DAYS)
    for seq, kept_at in heads.kept_at.items():
        if seq < pruning.until and kept_at > oldest:
            raise _BrokenError(seq + 1, f"it was pruned before it was {KEPT_DAYS} days old")


def check(entries: Iterable[Entry], heads: Heads) -> Verdict:
    """Walk along the whole chain, an entry at a time, and compare it with the heads; the first break ends the walk."""
    walk = _Walk(heads)
    broken = _walked(walk, entries)
    return Verdict(
        whole=broken is None,
        entries=walk.entries,
        first=None if walk.first is None else walk.first.seq,
        last=None if walk.last is None else walk.last.seq,
        since=None if walk.first is None else walk.first.at.isoformat(),
        heads=len(heads.hashes),
        pruned_until=0 if walk.first is None else walk.first.seq - 1,
        broken=None if broken is None else broken.seq,
        reason=None if broken is None else broken.reason,
    )


def _walked(walk: _Walk, entries: Iterable[Entry]) -> _BrokenError | None:
    """Walk to the end, or to the first break, which is returned."""
    if walk.heads.forged is not None:
        reason = f"line {walk.heads.forged} of the kept heads was not signed by this data folder"
        return _BrokenError(0, reason)
    try:
        for entry in entries:
            walk.step(entry)
        walk.end()
    except _BrokenError as found:
        return found
    return None


def follows(entries: Iterable[Entry], seq: int, expected: bytes) -> Entry | None:
    """The last of the entries from `seq` on, where they follow one another and that one has the expected hash.

    With `seq` 0 the first entry is to name `expected` as the hash before it. None where something does not fit.
    """
    last: Entry | None = None
    for entry in entries:
        if last is None:
            right = entry.previous == expected if seq == 0 else (entry.seq, entry.hash) == (seq, expected)
        else:
            right = entry.seq == last.seq + 1 and entry.previous == last.hash
        if not right or digest(entry) != entry.hash:
            return None
        last = entry
    return last
