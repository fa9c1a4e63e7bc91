"""The style sheets: they are sent as one file, so a class that two of them mean differently is drawn wrong on one page."""

import re

from dashboard.theme import ASSETS, STYLES

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
RULE = re.compile(r"(?:^|[};])\s*(\.pu-[\w-]+)\s*\{")


def test_a_class_is_styled_by_itself_in_one_sheet_alone() -> None:
    homes: dict[str, set[str]] = {}
    for sheet in STYLES:
        text = COMMENT.sub("", (ASSETS / "css" / f"{sheet}.css").read_text())
        for name in RULE.findall(text.partition("@media")[0]):
            homes.setdefault(name, set()).add(sheet)

    assert len(homes) > 200
    assert {name: sheets for name, sheets in homes.items() if len(sheets) > 1} == {}
