"""Who is affected by a change set: in sentences, plan by plan, each leading to its users."""

from urllib.parse import quote

from core.entitlements.impact import Impact
from dashboard.components.html import Node, link
from dashboard.plans.change_list import count_words


def show_affected(found: Impact, head: Node) -> None:
    """The sentences; where they are about one plan, `head` leads to all of them."""
    plans = list(dict.fromkeys(one.plan_id for one in found.sentences if one.plan_id))
    if len(plans) == 1:
        with head:
            _users(plans[0], f"See {count_words(found.users, 'user')}")
    with Node("div", "", "pu-affected"):
        for one in found.sentences:
            with Node("p"):
                if len(plans) > 1 and one.plan_id:
                    _users(one.plan_id, one.head)
                else:
                    Node("b", one.head, "is-strong")
                Node("span", f": {one.text}." if one.text else "")
        if not found.sentences:
            Node("p", "Nobody: no user is on what changes.")


def _users(plan_id: str, words: str) -> Node:
    return link(words, f"/users?plan={quote(plan_id)}", target="_blank")
