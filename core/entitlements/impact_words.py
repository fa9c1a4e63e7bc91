"""What a change set does to those on a plan, in a sentence: `381 gain voice-over, 6 have it already by override`."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from core.entitlements.tally import Difference, Part

NAMED = 3
"""Features that a sentence names one by one."""
GET = "get"


def sentence(differences: Iterable[Difference], parts: Mapping[str, Part], above: int | None) -> str:
    """All that changes on one plan.

    Args:
        parts: the counts, by the differences' names.
        above: users who have more projects than they may from now on; None where they could not be counted.
    """
    features, others = list[Difference](), list[Difference]()
    for difference in differences:
        (features if difference.feature else others).append(difference)
    said = _features(features, parts)
    said += [_property(difference, parts.get(difference.name, Part()), above) for difference in others]
    return "; ".join(said)


def by_exception(name: str, part: Part) -> str:
    """What the retirement of a feature, or its return, does to those who have it by override alone."""
    count = part.gain or part.lose
    has = "which they have" if part.lose else "which is allowed to them"
    return f"{_number(count)} {_verb(count, 'gain' if part.gain else 'lose')} {name}, {has} by override"


def _features(differences: list[Difference], parts: Mapping[str, Part]) -> list[str]:
    """Features that the same numbers gain or lose share a clause."""
    alike: defaultdict[tuple[bool, int, int, int], list[str]] = defaultdict(list)
    for difference in differences:
        part = parts.get(difference.name, Part())
        count = part.gain if difference.gains else part.lose
        alike[difference.gains, count, part.kept, part.without].append(difference.name)
    return [_clause(*numbers, names) for numbers, names in alike.items()]


def _clause(gains: bool, count: int, kept: int, without: int, names: list[str]) -> str:
    it = "it" if len(names) == 1 else "them"
    said = f"{_number(count)} {_verb(count or 1, 'gain' if gains else 'lose')} {_listed(names)}"
    if kept:
        keep = f"{_has(kept)} {it} already" if gains else f"{_verb(kept, 'keep')} {it}"
        said += f", {kept:,} {keep} by override"
    if without:
        said += f", {without:,} {_verb(without, 'stay') if gains else f'{_has(without)} been'} without {it} by override"
    return said


def _property(difference: Difference, part: Part, above: int | None) -> str:
    said = PHRASES[difference.name](difference, max(part.gain, part.lose), above)
    if part.kept:
        more = "as much" if difference.gains else "more"
        said += f", {part.kept:,} {_has(part.kept)} {more} by override"
    return said


def _instead(verb: str, what: str, after: str = "") -> Callable[[Difference, int, int | None], str]:
    def phrase(difference: Difference, count: int, above: int | None) -> str:
        new, old = _amount(difference.after), _amount(difference.before)
        return f"{_number(count)} {_verb(count or 1, verb) if verb == GET else verb} {new} {what} instead of {old}{after}"

    return phrase


def _projects(difference: Difference, count: int, above: int | None) -> str:
    if difference.gains:
        return _instead("may have", "projects")(difference, count, above)
    most = f"more than {difference.after:,} project{'' if difference.after == 1 else 's'}"
    if above is None:
        return f"how many have {most} takes too long to count; they keep them and cannot add one"
    if above == 0:
        return f"nobody has {most}"
    return f"{above:,} {_has(above)} {most}; they keep them and cannot add one"


def _modalities(difference: Difference, count: int, above: int | None) -> str:
    new = sorted(set(difference.after) - set(difference.before))
    gone = sorted(set(difference.before) - set(difference.after))
    said = [
        f"{_verb(count, verb)} {_listed(names)}" for verb, names in (("gain", new), ("lose", gone)) if names
    ]
    return f"{_number(count)} {' and '.join(said)}"


def _watermark(difference: Difference, count: int, above: int | None) -> str:
    return (
        f"{_number(count)} {'get' if difference.after else 'lose'}{'s' if count == 1 else ''} the watermark"
    )


def _trial_uses(difference: Difference, count: int, above: int | None) -> str:
    if difference.after is None:
        return f"{_number(count)} may generate without end of a trial's uses"
    if difference.before is None:
        return f"{_number(count)} may make {difference.after:,} generations in all from now on"
    return "those on it keep the number of generations that their trial began with"


def _of(*pieces: str) -> Callable[[Difference, int, int | None], str]:
    return lambda difference, count, above: pieces[bool(difference.after) if len(pieces) > 1 else 0].format(
        after=difference.after
    )


PHRASES: Mapping[str, Callable[[Difference, int, int | None], str]] = {
    "tier": _of("all are served by the rules of tier {after}"),
    "daily_generations": _instead("may make", "generations a day"),
    "monthly_credits": _instead(GET, "credits a month", ", from their next period on"),
    "monthly_ceiling": _instead("may spend", "credits a month"),
    "daily_credits": _instead(GET, "free credits a day", ", from tomorrow on"),
    "trial_days": _of("those on it keep the day on which their trial ends"),
    "trial_uses": _trial_uses,
    "max_projects": _projects,
    "modalities": _modalities,
    "watermark": _watermark,
    "routing_strategy": _of("requests of all are routed by {after}"),
    "retired": _of("people can join it again", "they keep it, and nobody can join it any more"),
}


def _verb(count: int, verb: str) -> str:
    return verb + "s" if count == 1 else verb


def _has(count: int) -> str:
    return "has" if count == 1 else "have"


def _number(count: int) -> str:
    return f"{count:,}" if count else "nobody"


def _amount(value: Any) -> str:
    return "any number of" if value is None else f"{value:,}"


def _listed(names: list[str]) -> str:
    if len(names) > NAMED:
        return f"{', '.join(names[: NAMED - 1])} and {len(names) - NAMED + 1} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
