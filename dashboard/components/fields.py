"""Form fields: a visible label above the control, help or an error below.

They are NiceGUI's own inputs, so values, validation and the simulated user work as known; only the frame is ours.
Each function gives the input itself.
"""

from collections.abc import Callable, Mapping
from typing import Any

from nicegui import ui
from nicegui.element import Element

from dashboard.components.html import Icon, Node

Validation = Mapping[str, Callable[[Any], bool]]
OnChange = Callable[..., Any]


def text(
    label: str,
    *,
    value: str = "",
    placeholder: str = "",
    note: str = "",
    help_text: str = "",
    icon: str | None = None,
    suffix: str | None = None,
    key: str | None = None,
    silent: bool = False,
    validation: Validation | None = None,
    on_change: OnChange | None = None,
) -> ui.input:
    """A line of text. `note` stands right of the label; `key` shows a key cap; `silent` hides the label from eyes."""
    with _frame(label, note, silent=silent) as named:
        field = ui.input(
            value=value,
            placeholder=placeholder or None,
            suffix=suffix,
            validation=_rules(validation),
            on_change=on_change,
        )
        _dress(field, named, help_text)
        if icon:
            with field.add_slot("prepend"):
                Icon(icon)
        if key:
            with field.add_slot("append"):
                Node("kbd", key, aria_hidden="true")
    return field


def area(
    label: str,
    *,
    value: str = "",
    rows: int = 3,
    placeholder: str = "",
    note: str = "",
    help_text: str = "",
    limit: int | None = None,
    validation: Validation | None = None,
    on_change: OnChange | None = None,
) -> ui.textarea:
    """Several lines of text; `limit` counts them down at the right of the label."""
    with _frame(label, note) as named:
        field = ui.textarea(
            value=value, placeholder=placeholder or None, validation=_rules(validation), on_change=on_change
        )
        field.props(f"rows={rows}")
        _dress(field, named, help_text)
    if limit:
        field.props(f"maxlength={limit}")
        named.note.bind_text_from(field, "value", lambda said: f"{len(said or ''):,} of {limit:,}")
    return field


def number(
    label: str,
    *,
    value: float | None = None,
    low: float | None = None,
    high: float | None = None,
    step: float | None = None,
    suffix: str | None = None,
    note: str = "",
    help_text: str = "",
    inline: bool = False,
    width: int | None = None,
    validation: Validation | None = None,
    on_change: OnChange | None = None,
) -> ui.number:
    """A number. The bounds are the browser's only: check them where the value is used. `inline` sets it beside its label."""
    with _frame(label, note, inline=inline) as named:
        field = ui.number(
            value=value,
            min=low,
            max=high,
            step=step,
            suffix=suffix,
            validation=_rules(validation),
            on_change=on_change,
        )
        _dress(field, named, help_text)
        field.classes("pu-number")
        if width:
            field.style(f"width: {width}px")
    return field


def select(
    label: str,
    options: Mapping[Any, str] | list[Any],
    *,
    value: Any = None,
    note: str = "",
    inside: str = "",
    help_text: str = "",
    clearable: bool = False,
    search: bool = False,
    silent: bool = False,
    validation: Validation | None = None,
    on_change: OnChange | None = None,
) -> ui.select:
    """One of several; `options` maps values to words. `search` lets a person type to find;
    `inside` stands within the control, at the right."""
    with _frame(label, note, silent=silent) as named:
        field = ui.select(
            options if isinstance(options, list) else dict(options),
            value=value,
            with_input=search,
            clearable=clearable,
            validation=_rules(validation),
            on_change=on_change,
        )
        _dress(field, named, help_text)
        field.props('options-dense dropdown-icon=arrow_drop_down popup-content-class="pu-options"')
        if inside:
            with field.add_slot("append"):
                Node("span", inside, "pu-inside")
    return field


def slider(
    label: str,
    *,
    low: float,
    high: float,
    step: float,
    value: float,
    note: str = "",
    show: Callable[[float], str] = "{:g}".format,
    on_change: OnChange | None = None,
) -> ui.slider:
    """A slider with its value at the right of the label, written by `show`."""
    with _frame(label, note, labels=False) as named:
        field = ui.slider(min=low, max=high, step=step, value=value, on_change=on_change)
        field.props("track-size=4px thumb-size=16px").props["aria-labelledby"] = named.label.html_id
        with named.head:
            Node("output", show(value)).bind_text_from(field, "value", lambda said: show(said))
    return field


def switch(label: str, *, value: bool = False, on_change: OnChange | None = None) -> ui.switch:
    """On or off, at once; the words left, the switch right."""
    return ui.switch(label, value=value, on_change=on_change).classes("pu-switch").props("left-label")


def checkbox(label: str, *, value: bool = False, on_change: OnChange | None = None) -> ui.checkbox:
    """Yes or no, kept until the form is saved."""
    return ui.checkbox(label, value=value, on_change=on_change)


def note_of(field: Element) -> Node:
    """The words beside a field's label, to change them in place."""
    return _frame_of(field).note


def show(field: Element, shown: bool) -> None:
    """Show or hide a field together with its label."""
    _frame_of(field).show(shown)


class _Frame(Node):
    """The label's row above a control."""

    def __init__(self, label: str, note: str, *, inline: bool, silent: bool, labels: bool) -> None:
        super().__init__("div", "", f"pu-field{' is-inline' if inline else ''}")
        with self:
            self.head = Node("div", "", "pu-hidden" if silent else "pu-field-head")
            with self.head:
                self.label = Node("label" if labels else "span", label, "pu-label")
                self.note = Node("span", note, "pu-note")


def _frame(
    label: str, note: str, *, inline: bool = False, silent: bool = False, labels: bool = True
) -> _Frame:
    return _Frame(label, note, inline=inline, silent=silent, labels=labels)


def _frame_of(field: Element) -> _Frame:
    frame = field.parent_slot.parent if field.parent_slot else None
    assert isinstance(frame, _Frame), "the field is made by this module"
    return frame


def _dress(field: ui.input | ui.textarea | ui.number | ui.select, named: _Frame, help_text: str) -> None:
    """Tie the label to the control, and take the measures of UX.md."""
    field.props("outlined dense hide-bottom-space no-error-icon")
    control = f"{field.html_id}_control"
    field.props["for"] = control
    named.label.set(for_=control)
    if help_text:
        note = Node("p", help_text, "pu-help")
        field.props["aria-describedby"] = note.html_id


def _rules(validation: Validation | None) -> dict[str, Callable[[Any], bool]] | None:
    return dict(validation) if validation else None
