"""What a search box means: the beginnings of words by which people are found (`user_words`).

A person's words are the e-mail address, and of the name each word, both as it is written ("o'brien", "anna-lena") and
by its letters alone ("brien", "lena"). Every beginning that is typed must begin one of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from core.database import Database
from core.database.reading import read_within

LONGEST = 320
"""Characters of an e-mail address, and so of a search."""
MOST_WORDS = 5
FEW = 50_000
"""So many words may begin as one that is typed does, and all of their people are still gathered and sorted."""
LAST = "\U0010ffff"
"""Sorts behind every other character, byte by byte."""
BEHIND = ",;:"
"""What stands behind a word where it was copied from a text."""
AROUND = frozenset(("()", "[]", "<>", '""', "''", "“”"))
"""What stands on both sides of one. On one side alone it belongs to what is looked for."""


def beginnings(text: str) -> tuple[str, ...]:
    """The beginnings that a text asks for, lower case; none where it can mean nobody."""
    wanted = text.strip().lower()
    if not wanted.isprintable() or len(wanted) > LONGEST:
        return ()
    words = dict.fromkeys(word for word in (_bare(part) for part in wanted.split()) if word)
    # Whoever has a word that begins with "mara" has one that begins with "ma".
    kept = [word for word in words if not any(other != word and other.startswith(word) for other in words)]
    return tuple(kept) if len(kept) <= MOST_WORDS else ()


@dataclass(frozen=True, slots=True)
class Search:
    """Beginnings as SQL, the rarest first. `few`: the people may be gathered before anything else is looked at."""

    words: tuple[str, ...]
    few: bool
    params: dict[str, Any] = field(default_factory=dict[str, Any])

    def gathered(self, user: str) -> str:
        """That a person is one of all whom it means, who are gathered first."""
        conditions = [_begins("w.word", 0), *(_has("w.user_id", number) for number in self._others)]
        # An array on purpose: whatever is thought of its length, each of them is then looked up.
        return f"{user} = any(array(select w.user_id from user_words w where {' and '.join(conditions)}))"

    def at_first_word(self, word: str, user: str) -> list[str]:
        """Of a walk along all words: this one is the first of a person's that the rarest beginning begins, and the
        other beginnings begin others of theirs."""
        begun = f"{_begins('y.word', 0)} and y.word ~<~ {word}"
        return [
            _begins(word, 0),
            f"not exists (select from user_words y where y.user_id = {user} and {begun})",
            *(_has(user, number) for number in self._others),
        ]

    def of_person(self, user: str) -> list[str]:
        """Of a walk along all people: this one has words for all the beginnings."""
        return [_has(user, number) for number in range(len(self.words))]

    @property
    def _others(self) -> range:
        return range(1, len(self.words))


async def search(database: Database, words: Sequence[str], *, seconds: float, gather: bool = False) -> Search:
    """The beginnings as SQL, after a look at how many words begin so where that matters.

    Args:
        gather: whether it is to be known that they are few.

    Raises:
        Fault: `query_too_slow`.
    """
    if len(words) == 1 and not gather:
        return Search(tuple(words), few=False, params=_edges(words))
    counts = ", ".join(
        f"(select count(*) from (select from user_words w where {_begins('w.word', number)} limit {FEW + 1}) t)"
        for number in range(len(words))
    )
    found = (await read_within(database, seconds, f"select {counts}", _edges(words)))[0]
    ordered = tuple(word for _, word in sorted(zip(found, words, strict=True)))
    return Search(ordered, few=min(found) <= FEW, params=_edges(ordered))


def _edges(words: Sequence[str]) -> dict[str, Any]:
    return {
        name: value
        for number, word in enumerate(words)
        for name, value in ((f"first{number}", word), (f"last{number}", word + LAST))
    }


def _has(user: str, number: int) -> str:
    # A scalar on purpose: a join would be planned as a look at every such word.
    begun = _begins("x.word", number)
    return f"(select true from user_words x where x.user_id = {user} and {begun} limit 1)"


def _begins(word: str, number: int) -> str:
    # A range in the index's own order: a prepared `like` could not use the index at all.
    return f"{word} ~>=~ %(first{number})s and {word} ~<~ %(last{number})s"


def _bare(part: str) -> str:
    part = part.rstrip(BEHIND)
    while len(part) > 1 and part[0] + part[-1] in AROUND:
        part = part[1:-1].rstrip(BEHIND)
    return part
