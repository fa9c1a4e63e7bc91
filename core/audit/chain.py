"""The chain of hashes over the audit: what exactly is hashed, and how a chain that was read is proved.

    hash = SHA-256(hash of the row before, 32 bytes ‖ the row's canonical form, UTF-8)

The row before number 1 has 32 zero bytes. The canonical form is one JSON object of the row's fields and its number:
names in the order of their code points, no spaces, every character outside of ASCII escaped. All columns are texts as
the database writes them, `at` as seconds since 1970 with six decimals; `before` and `after` are taken apart and written
anew in the same form, their numbers as plain digits. So it hangs neither on a version of PostgreSQL nor on one of ours
(docs/decisions/0008).
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

START = bytes(32)
"""What number 1 follows."""

FIELDS = (
    "id", "at", "actor_kind", "actor_id", "actor_label", "action", "subject_kind", "subject_id", "reason", "before", "after",
    "address", "request_id",
)  # fmt: skip
READ = ", ".join("extract(epoch from at)::text" if name == "at" else f"{name}::text" for name in FIELDS)
"""The fields as a statement selects them."""
STRUCTURED = frozenset({"before", "after"})

Fields = Sequence[str | None]
"""The values of `FIELDS`, as `READ` gives them."""


def link(previous: bytes, seq: int, fields: Fields) -> bytes:
    """The hash of the row with number `seq` that follows the row with the hash `previous`."""
    return hashlib.sha256(previous + canonical(seq, fields).encode()).digest()


def canonical(seq: int, fields: Fields) -> str:
    """What is hashed of a row."""
    row: dict[str, Any] = {
        name: json.loads(value, parse_int=Decimal, parse_float=Decimal)
        if name in STRUCTURED and value is not None
        else value
        for name, value in zip(FIELDS, fields, strict=True)
    }
    return _written({**row, "seq": Decimal(seq)})


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_written(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    return format(value, "f") if isinstance(value, Decimal) else json.dumps(value)


@dataclass(frozen=True, slots=True)
class Flaw:
    """A place where the chain does not hold: the row it was seen at, what was to be expected and what is there."""

    row: str
    expected: str
    found: str


class Proof:
    """Proves a chain row by row in the order of its numbers; keeps nothing but the row before."""

    def __init__(self) -> None:
        self._seq, self._hash = 0, START

    def flaws(self, seq: int, found: bytes, fields: Fields) -> Iterator[Flaw]:
        """What is wrong with the next row, or between it and the one before."""
        row = f"row {seq:,} ({fields[FIELDS.index('action')]}, id {fields[0]})"
        if seq == self._seq:
            yield Flaw(row, "one row of this number", "another one")
        elif seq > self._seq + 1:
            # Its own hash cannot be told without the lost one before it: that row is taken as it is.
            yield Flaw(f"before {row}", _numbers(self._seq + 1, seq - 1), "none")
        elif (expected := link(self._hash, seq, fields)) != found:
            yield Flaw(
                f"{row}, whose fields or whose link to row {seq - 1:,} were changed",
                expected.hex(),
                found.hex(),
            )
        self._seq, self._hash = seq, found


def _numbers(first: int, last: int) -> str:
    return f"row {first:,}" if first == last else f"rows {first:,} to {last:,}"
