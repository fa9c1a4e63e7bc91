"""`make bench`: the figures of SPEC 13 that exist so far, each with its peer's in the same run."""

import sys

import uvloop
from rich.console import Console
from rich.table import Table

from tests.bench import dashboards, decisions, generation, ledger, lists, process
from tests.bench.measure import Figure, save


def main() -> int:
    console = Console(width=150 if not sys.stdout.isatty() else None)
    figures: list[Figure] = []
    for name, run in (
        ("generation in process", lambda: uvloop.run(generation.measure())),
        ("ledger", lambda: uvloop.run(ledger.measure())),
        ("decisions", decisions.measure),
        ("decisions over HTTP", decisions.measure_http),
        ("lists of a million users", lambda: uvloop.run(lists.measure())),
        ("process and pages", process.measure),
        ("a hundred dashboards", dashboards.measure),
    ):
        console.print(f"measuring {name} …", style="dim")
        figures += run()
    table = Table(title="Purser, measured side by side", show_lines=True)
    for heading in ("what", "ours", "peer, same run", "ratio", "bar", "reach for", ""):
        table.add_column(heading)
    for one in figures:
        table.add_row(
            one.what, one.ours, one.peer, one.ratio, one.bar, one.reach, "met" if one.met else "MISSED"
        )
    console.print(table)
    console.print(f"kept in {save(figures).name}", style="dim")
    return 0 if all(one.met for one in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
