"""Purser's mark, in the colours of the theme."""

from dashboard.components.markup import Drawing, element, join

STEM = "M8 18.5V6.5h5.2a3.9 3.9 0 0 1 0 7.8H9.5M8 10.4h5"


class Logo(Drawing):
    """The mark; decoration, the name stands beside it."""

    def __init__(self) -> None:
        square = element("rect", width=24, height=24, rx=6, stroke="none")
        letter = element(
            "path", d=STEM, fill="none", stroke_width=2, stroke_linecap="round", stroke_linejoin="round"
        )
        super().__init__("svg", join([square, letter]), "pu-logo", viewBox="0 0 24 24", aria_hidden="true")
