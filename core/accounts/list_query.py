"""The list of users as SQL: filter, order and place become one statement along one index of `user_stats`."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from core.accounts.models import UserStatus
from core.accounts.queries import parse_id
from core.accounts.words import Search, beginnings, search
from core.database import Database
from core.errors import InvalidRequest

COUNTED_TO = 10_000
LOW_BALANCE = 10
"""Credits below which a balance counts as low, and up to which `low_balance` is quick in every order."""
NO_PLAN = "none"
"""As a filter's `plan`: those who have none."""
SECONDS = 1.0
"""What a page or a count may take before it is refused."""


class Sort(StrEnum):
    """`MATCH` is by the word that a search has found; without a search it is by e-mail."""

    NEWEST = "newest"
    EMAIL = "email"
    BALANCE = "balance"
    USED = "used"
    FAILURES = "failures"
    ACTIVE = "active"
    MATCH = "match"


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list shows. An id as `text` finds its person whatever else the filter says.

    `low_balance`: fewer credits than this; `failing`: a generation failed in seven days; `staff`: whoever may open
    pages; `demo`: the people of the demo instead of the real ones.
    """

    text: str = ""
    plan: str | None = None
    status: str | None = None
    low_balance: int | None = None
    failing: bool = False
    staff: bool = False
    demo: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A line's place in an order: what it is sorted by, and whose it is."""

    order: Sort
    value: Any
    id: UUID

    def written(self) -> str:
        """As it travels in addresses."""
        value = None if self.order is Sort.NEWEST else self.value
        packed = orjson.dumps([self.order, value, self.id.hex])
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()

    @classmethod
    def read(cls, cursor: str, order: Sort | None = None) -> "Place":
        """The place of a cursor, of this order where one is given."""
        try:
            packed = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
            name, value, user_id = orjson.loads(packed)
            place = cls(Sort(name), value, UUID(hex=user_id))
            place._check(order)
        except (ValueError, TypeError, AttributeError, binascii.Error):
            raise InvalidRequest(
                "This is no place in this list; begin with its first page.", code="bad_cursor"
            ) from None
        return place

    def _check(self, order: Sort | None) -> None:
        if order is not None and order is not self.order:
            raise ValueError
        match self.order:
            case Sort.NEWEST:
                fits = self.value is None
            case Sort.EMAIL | Sort.MATCH:
                fits = isinstance(self.value, str) and self.value.isprintable()
            case Sort.ACTIVE:
                fits = datetime.fromisoformat(self.value).tzinfo is not None
            case _:
                fits = type(self.value) is int and abs(self.value) < 2**63
        if not fits:
            raise ValueError


KEYS: Mapping[Sort, str] = {
    Sort.NEWEST: "s.user_id",
    Sort.EMAIL: "s.email",
    Sort.BALANCE: "s.balance",
    Sort.USED: "s.used_7d",
    Sort.FAILURES: "s.failures_7d",
    Sort.ACTIVE: "s.last_active_at",
    Sort.MATCH: "w.word",
}


class Query:
    """A filter in one order, as a statement over `user_stats s`."""

    def __init__(self, order: Sort, source: str) -> None:
        self.order = order
        self.conditions: list[str] = []
        self.params: dict[str, Any] = {}
        self._source = source

    def require(self, condition: str, **params: Any) -> None:
        self.conditions.append(condition)
        self.params.update(params)

    def stand_behind(self, place: "Place", *, descends: bool) -> None:
        """Only what comes after a place, in this direction."""
        key, sign = KEYS[self.order], "<" if descends else ">"
        match self.order:
            case Sort.NEWEST:
                self.require(f"{key} {sign} %(edge_id)s", edge_id=place.id)
            case Sort.EMAIL:
                self.require(f"{key} ~{sign}~ %(edge)s", edge=place.value)
            case Sort.MATCH:
                # The first half is what the index is entered by.
                self.require(
                    f"{key} ~{sign}=~ %(edge)s and ({key} ~{sign}~ %(edge)s or w.user_id {sign} %(edge_id)s)",
                    edge=place.value,
                    edge_id=place.id,
                )
            case _:
                kind = "timestamptz" if self.order is Sort.ACTIVE else "bigint"
                self.require(
                    f"({key}, s.user_id) {sign} (%(edge)s::{kind}, %(edge_id)s)",
                    edge=place.value,
                    edge_id=place.id,
                )

    def page(self, limit: int, *, descends: bool) -> str:
        """The lines, each with the key that it is sorted by."""
        key = KEYS[self.order]
        return (
            f"with page as materialized (select s.*, {key} as key from {self._source}"
            f" where {' and '.join(self.conditions)} order by {self._by(key, 's', descends)} limit {limit})"
            " select u.id, u.email, u.name, u.role, u.status, u.plan_id, p.balance, p.used_7d, p.generations_7d,"
            " p.failures_7d, p.last_active_at, u.created_at, p.demo, p.key"
            f" from page p join users u on u.id = p.user_id order by {self._by('p.key', 'p', descends)}"
        )

    def count(self) -> str:
        # Everybody is counted along an index as well: in the table itself they may stand behind all of the other kind.
        order = " order by s.user_id" if len(self.conditions) == 1 else ""
        return (
            f"select count(*) from (select from {self._source} where {' and '.join(self.conditions)}{order}"
            f" limit {COUNTED_TO + 1}) t"
        )

    def _by(self, key: str, table: str, descends: bool) -> str:
        way, byte_wise = ("desc", "using ~>~") if descends else ("asc", "using ~<~")
        if self.order is Sort.NEWEST:
            return f"{key} {way}"
        if self.order is Sort.EMAIL:
            return f"{key} {byte_wise}"
        user = "w.user_id" if self.order is Sort.MATCH and table == "s" else f"{table}.user_id"
        return f"{key} {byte_wise if self.order is Sort.MATCH else way}, {user} {way}"


async def query_of(database: Database, which: Filter, sort: Sort) -> Query | None:
    """The statement of a filter; None where it can match nobody."""
    text = which.text.strip()
    if not text:
        source = _first("role <> 'user'") if which.staff else "user_stats s"
        query = Query(Sort.EMAIL if sort is Sort.MATCH else sort, source)
    elif identifier := parse_id(text):
        query = Query(Sort.NEWEST, "user_stats s")
        query.require("s.user_id = %(named)s", named=identifier)
        return query
    elif words := beginnings(text):
        found = await search(database, words, seconds=SECONDS, gather=sort is not Sort.MATCH)
        query = _searched(found, sort)
    else:
        return None
    _filter(query, which)
    return query


def ids_matching(which: Filter) -> tuple[str, dict[str, Any]]:
    """The ids (`user_id`) of all who match, as a statement with its `%(name)s` parameters, for whoever goes through all.

    Raises:
        InvalidRequest: a search; what it finds is a matter of pages.
    """
    if which.text.strip():
        raise InvalidRequest("This goes by filters alone, without a search.")
    query = Query(Sort.NEWEST, "user_stats s")
    _filter(query, which)
    return f"select s.user_id from user_stats s where {' and '.join(query.conditions)}", query.params


def _searched(found: Search, sort: Sort) -> Query:
    if sort is Sort.MATCH:
        query = Query(sort, "user_words w join user_stats s on s.user_id = w.user_id")
        conditions = found.at_first_word("w.word", "w.user_id")
    else:
        query = Query(sort, _first(found.gathered("user_id")) if found.few else "user_stats s")
        conditions = [] if found.few else found.of_person("s.user_id")
    query.params.update(found.params)
    query.conditions += conditions
    return query


def _first(condition: str) -> str:
    """The few whom a condition leaves, before anything else is looked at.

    Left to itself, the planner walks along the order: it takes "behind zero failures" for nobody, and it is everybody.
    """
    return f"(select * from user_stats where {condition} offset 0) s"


def _filter(query: Query, which: Filter) -> None:
    # Written out rather than as parameters where a partial index is to be found by it.
    query.require("s.demo" if which.demo else "not s.demo")
    if which.plan == NO_PLAN:
        query.require("s.plan_id is null")
    elif which.plan:
        query.require("s.plan_id = %(plan)s", plan=which.plan)
    if which.status in list(UserStatus):
        query.require(f"s.status = '{which.status}'")
    if which.low_balance is not None:
        query.require(f"s.balance < {which.low_balance:d}")
    if which.failing:
        query.require("s.failures_7d > 0")
    if which.staff:
        query.require("s.role <> 'user'")
