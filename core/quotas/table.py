"""Sliding windows in memory: how often each subject has asked here, and elsewhere as far as is known."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from core.config import Rate

CAPACITY = 20_000
"""Subjects that one table remembers; beyond, whoever was quiet longest is forgotten."""

Count = tuple[str, int, int]
"""Subject, number of the window, requests."""


@dataclass(slots=True)
class _Window:
    """A subject's present window. `told` of our `own` requests stand in the database, with those of `others`."""

    number: int
    own: int = 0
    others: int = 0
    before: int = 0
    told: int = 0


class RateTable:
    """One rate. The window slides by weighing the one before: a burst across a boundary is seen, and a handful of
    numbers are all that is kept of a subject.

    Windows are numbered by the clock of the world, so that all processes speak of the same one.
    """

    def __init__(
        self, rate: Rate, *, capacity: int = CAPACITY, clock: Callable[[], float] = time.time
    ) -> None:
        self.rate = rate
        self._capacity = capacity
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self._untold: dict[str, None] = {}
        self._late: list[Count] = []

    def __len__(self) -> int:
        return len(self._windows)

    def take(self, subject: str) -> float | None:
        """Counts one request; None where it is within the rate, else the seconds to wait (and it is not counted)."""
        moment, into = divmod(self._clock(), self.rate.seconds)
        number, passed = int(moment), into / self.rate.seconds
        window = self._windows.pop(subject, None)
        if window is None:
            window = _Window(number)
            if len(self._windows) >= self._capacity:
                self._forget(next(iter(self._windows)))
        elif window.number != number:
            window = self._turned(subject, window, number)
        # Put in last again: the first of the dictionary is who was quiet longest.
        self._windows[subject] = window
        wait = self._wait(window.own + window.others, window.before, passed)
        if wait is None:
            window.own += 1
            self._untold[subject] = None
        return wait

    def untold(self, most: int) -> list[Count]:
        """What was counted here since it was last told, at most so many subjects; it counts as told from now on."""
        counts, self._late = self._late[:most], self._late[most:]
        while self._untold and len(counts) < most:
            subject = next(iter(self._untold))
            del self._untold[subject]
            window = self._windows[subject]
            counts.append((subject, window.number, window.own - window.told))
            window.told = window.own
        return counts

    def take_back(self, counts: list[Count]) -> None:
        """These could not be told: they are told another time, unless their window is over."""
        for subject, number, count in counts:
            window = self._windows.get(subject)
            if window and window.number == number:
                window.told -= count
                self._untold[subject] = None

    def learn(self, subject: str, number: int, used: int) -> None:
        """What all processes together have counted."""
        present = int(self._clock() // self.rate.seconds)
        window = self._windows.get(subject)
        if window is None:
            # Whoever has been here is not forgotten for strangers: those are learnt of when they come.
            if number not in (present, present - 1) or len(self._windows) >= self._capacity:
                return
            window = self._windows[subject] = _Window(present)
        if window.number != present:
            window = self._windows[subject] = self._turned(subject, window, present)
        if number == present:
            window.others = max(window.others, used - window.told)
        elif number == present - 1:
            window.before = max(window.before, used)

    def _turned(self, subject: str, window: _Window, number: int) -> _Window:
        """The subject's window `number`, after an earlier one."""
        if window.own > window.told and len(self._late) < self._capacity:
            self._late.append((subject, window.number, window.own - window.told))
        self._untold.pop(subject, None)
        return _Window(number, before=window.own + window.others if window.number == number - 1 else 0)

    def _forget(self, subject: str) -> None:
        del self._windows[subject]
        self._untold.pop(subject, None)

    def _wait(self, current: int, before: int, passed: float) -> float | None:
        room = self.rate.count - 1
        if before * (1 - passed) + current <= room:
            return None
        if current <= room:  # the window before still weighs: until enough of it has passed
            return (1 - (room - current) / before - passed) * self.rate.seconds
        return (1 - passed + 1 - room / current) * self.rate.seconds
