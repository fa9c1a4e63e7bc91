"""Text templates: the system prompts that a request names by `type` (SPEC 6)."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Template:
    id: str
    label: str
    system: str


TEMPLATES: Mapping[str, Template] = {
    template.id: template
    for template in (
        Template(
            "story",
            "Story",
            "You write stories. Open in the middle of something happening, keep one point of view, show rather than"
            " explain, and end on an image instead of a moral. Keep to the length that is asked for.",
        ),
        Template(
            "character",
            "Character",
            "You invent characters. Give a name, what they want, what stands in their way, a contradiction, a habit"
            " that others notice, and one line that only they would say. Be specific; avoid lists of adjectives.",
        ),
        Template(
            "world",
            "World",
            "You build worlds. State the one thing that differs from ours, then what follows from it for work, food,"
            " law and belief, and where it breaks down. Stay consistent with what was said before.",
        ),
        Template(
            "script",
            "Script",
            "You write scripts to be spoken and filmed. Hook in the first sentence, short sentences, no jargon, each"
            " beat with its time mark. Write what is seen in brackets and what is said without them.",
        ),
    )
}


def system_prompt(template_id: str | None, system: str | None) -> str | None:
    """The system prompt of a request: its template's, its own, or both in this order.

    Raises:
        InvalidRequest: there is no such template.
    """
    if template_id is None:
        return system
    template = TEMPLATES.get(template_id)
    if template is None:
        raise InvalidRequest(
            f"There is no template {template_id!r}; there are {', '.join(TEMPLATES)}.",
            details={"templates": list(TEMPLATES)},
        )
    return f"{template.system}\n\n{system}" if system else template.system
