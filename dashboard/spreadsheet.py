"""Lines of a CSV file that is opened in a spreadsheet: what it would take for a formula is given as text."""

import csv
import io
from collections.abc import Iterable

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_line(values: Iterable[object]) -> str:
    """One line, its end included."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow([_harmless(value) for value in values])
    return buffer.getvalue()


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
