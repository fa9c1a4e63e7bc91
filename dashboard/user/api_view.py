"""What the user's own key would be answered now: the API's routes are asked, and their answers shown as they are."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import orjson
from fastapi import Request

from core.accounts.person import Person
from core.errors import PurserError
from core.vocabulary import Role
from dashboard.api.answers import Answer
from dashboard.api.credits import get_credits
from dashboard.api.errors import error_body
from dashboard.api.features import check_all
from dashboard.api.identity import Caller
from dashboard.api.usage import get_usage
from dashboard.components.button import IconButton
from dashboard.components.card import Card
from dashboard.components.html import Node
from dashboard.components.status import tag
from dashboard.user.desk import Desk
from dashboard.user.handing import hand_over
from dashboard.user.tab import Tab

CALLS: dict[str, Callable[[Request, Caller], Awaitable[Answer]]] = {
    "/api/usage": lambda _, caller: get_usage(caller),
    "/api/credits": lambda _, caller: get_credits(caller),
    "/api/features/check": check_all,
}
NO_PERSON = "Read-only: these calls change nothing, and are not counted against any limit."


class ApiTab(Tab):
    """One card a call. Whoever may not see USD sees the answers without."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        with self.body:
            Node("p", NO_PERSON, "is-second")
            with Node("div", "", "pu-api-cards"):
                self._answers = {path: Exchange(desk, path) for path in CALLS}

    async def load(self, person: Person) -> None:
        desk = self.desk
        user = desk.found.user if desk.screen.sees_costs else replace(desk.found.user, role=Role.USER)
        caller = Caller(
            purser=desk.purser,
            person=user,
            user=user,
            visitor=None,
            named=False,
            address=desk.screen.visitor.address,
            request_id=None,
            looks=True,
        )
        for path, call in CALLS.items():
            try:
                answer = await call(desk.screen.request, caller)
                self._answers[path].show_answer(200, bytes(answer.body))
            except PurserError as refusal:
                self._answers[path].show_answer(
                    refusal.status, orjson.dumps(error_body(refusal), default=str)
                )
        self.succeed()


class Exchange(Card):
    """A call, and its answer as indented JSON."""

    def __init__(self, desk: Desk, path: str) -> None:
        super().__init__(f"GET {path}", ruled=True, cls="pu-api")
        self._said = ""
        with self.end:
            self._status = tag("200")
            IconButton(
                "content_copy",
                f"Copy the answer of {path}",
                lambda: hand_over(desk.screen, self._said, what="Answer", title=f"GET {path}"),
                small=True,
            )
        with self.body:
            self._shown = Node("pre", "", "is-mono", tabindex=0)
            self._shown.set(role="region", aria_label=f"Answer of GET {path}")

    def show_answer(self, status: int, body: bytes) -> None:
        """Shows another answer, in place."""
        self._said = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
        self._shown.set_text(self._said)
        self._status.set_text(str(status))
        self._status.switch("is-ok", status < 400).switch("is-bad", status >= 400)
