"""What a change comes to, before it is made: its fields before and after, and who carries what is left."""

from collections.abc import Sequence

from core.providers.editing import Difference
from dashboard.components.facts import Box
from dashboard.components.html import Icon, Node


def show_differences(differences: Sequence[Difference]) -> Node:
    """Field by field: before → after."""
    with Node("dl", "", "pu-changes") as made:
        for one in differences:
            Node("dt", one.field)
            Node("dd", one.before, "is-second").set(aria_label=f"before: {one.before}")
            with Node("dd"):
                Icon("arrow_forward")
            Node("dd", one.after, "is-strong").set(aria_label=f"after: {one.after}")
    return made


def show_sentences(sentences: Sequence[str]) -> None:
    """What is left, in a box."""
    if sentences:
        with Box("warn").classes("pu-left"):
            for sentence in sentences:
                Node("p", sentence)
