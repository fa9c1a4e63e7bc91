"""Writes that may be repeated: `Idempotency-Key` brings the first answer again, and refuses another call under its key.

Keys are remembered for a week, for each key or person that calls. What is compared is all that a call says: method and
address, whom it is for, and its body.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Header

from core.credits.idempotency import LONGEST_KEY, once
from core.database import Session
from dashboard.api.answers import Answer, to_json
from dashboard.api.identity import Caller

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=LONGEST_KEY,
        pattern=r"^[\x21-\x7e]+$",
        description="The same call under the same key gets the first answer again, for a week; another call is refused"
        " (`idempotency_conflict`).",
    ),
]


@dataclass(frozen=True, slots=True)
class Told:
    """An answer with a status of its own."""

    content: Mapping[str, Any]
    status: int = 200


Work = Callable[[Session], Awaitable[Mapping[str, Any] | Told]]


async def once_only(caller: Caller, key: str | None, body: Any, work: Work) -> Answer:
    """Does `work` in one transaction and answers what it returns; the same call under the same key gets that again.

    A second call that comes while the first is at work waits for it. An answer given again says so in its header
    `Idempotent-Replayed`.

    Args:
        key: the header's value; None where there is none, and the work is done each time.
        body: what the call says, as JSON; its address and the user it is for are added here.

    Raises:
        InvalidRequest: a key that is empty, too long, or not printable.
        Conflict: `idempotency_conflict`, the key was used for another call.
        Whatever `work` raises: then nothing is kept, and the same key may be tried again.
    """
    async with caller.purser.database.transaction() as session:
        if key is None:
            told = _told(await work(session))
            return Answer(told.content, status_code=told.status)
        by = caller.person.key.id if caller.person.key else caller.person.id
        asked = {"call": caller.call, "user": str(caller.user.id) if caller.user else None, "body": body}
        call = await once(session, str(by), key, orjson.loads(to_json(asked)))
        if call.answer is not None:
            return Answer(
                call.answer["content"],
                status_code=call.answer["status"],
                headers={"Idempotent-Replayed": "true"},
            )
        told = _told(await work(session))
        content = orjson.loads(to_json(told.content))
        await call.keep({"status": told.status, "content": content})
        return Answer(content, status_code=told.status)


def _told(said: Mapping[str, Any] | Told) -> Told:
    return said if isinstance(said, Told) else Told(said)
