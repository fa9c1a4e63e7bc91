"""What was asked and answered, for those who may read it, and the raw record. All of it is a stranger's text."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from core.generation.detail import Detail
from dashboard.components.button import Button, IconButton
from dashboard.components.html import Icon, Node
from dashboard.components.pane import Pane
from dashboard.components.toast import toast

SHOWN_AT_FIRST = 1_500
"""Characters of a text that are sent with the pane; the rest comes when it is asked for."""
IDS = (
    "id", "request_id", "user_id", "api_key_id", "project_id", "provider_id", "type", "style", "strategy", "streamed",
    "requested_provider", "requested_model", "allow_fallback", "finish_reason", "cut", "error_class", "error_code",
    "error_message",
)  # fmt: skip


def content_section(pane: Pane, detail: Detail) -> None:
    """Prompt, system prompt and answer; or why they are not shown."""
    with pane.section("Input and output", note=_tokens(detail.row)):
        if detail.content_withheld:
            Node("p", "Hidden: content is open to superadmins.", "is-quiet").style("font-size: 13px")
            return
        if detail.prompt is None:
            Node("p", "It is not kept any more.", "is-quiet").style("font-size: 13px")
            return
        messages: Sequence[Mapping[str, Any]] = detail.prompt.get("messages") or ()
        if system := detail.prompt.get("system"):
            _text("System prompt", system)
        for message in messages:
            role = str(message.get("role", "user"))
            _text("Prompt" if len(messages) == 1 else role.capitalize(), str(message.get("content", "")))
        if detail.answer is not None:
            _text("Answer", detail.answer)


def raw_section(detail: Detail) -> None:
    """Parameters, trace and ids as they are stored, folded away."""
    row = detail.row
    parts = {
        "Parameters": row["parameters"],
        "Trace": row["trace"],
        "Attempts": [
            {
                name: value
                for name, value in call.items()
                if value is not None and name not in ("cost", "unpriced")
            }
            for call in detail.attempts
        ],
        "Record": {name: str(row[name]) for name in IDS if row.get(name) is not None},
    }
    with Node("details", "", "pu-section"):
        with Node("summary", "", "pu-section-head").style("cursor: pointer; margin: 0; min-height: 24px"):
            Node("h3", "Raw")
            with Node("span", "", "pu-row").style("gap: 4px"):
                count = len(detail.attempts)
                Node("span", f"request, {count} response{'' if count == 1 else 's'}, trace, ids")
                Icon("keyboard_arrow_down")
        for title, value in parts.items():
            if value:
                _raw(title, orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode())


def _tokens(row: Mapping[str, Any]) -> str:
    taken, given = row["input_tokens"], row["output_tokens"]
    if taken is None and given is None:
        return ""
    about = "≈ " if row["usage_estimated"] else ""
    cached = f" ({row['cached_tokens']:,} cached)" if row["cached_tokens"] else ""
    return f"{about}{taken or 0:,} tokens in{cached}, {f'{given:,}' if given else 'none'} out"


def _text(title: str, text: str) -> None:
    with Node("div").style("margin-top: 8px"):
        Node("h4", title, "pu-meta").style("margin: 0 0 2px; font-weight: 500")
        body = Node("p", text[:SHOWN_AT_FIRST] or "empty", "is-second").style(
            "font-size: 13px; white-space: pre-wrap; overflow-wrap: anywhere"
        )
        if len(text) > SHOWN_AT_FIRST:

            def show_all() -> None:
                body.set_text(text)
                more.delete()

            more = Button(f"Show all {len(text):,} characters", show_all, kind="plain", small=True)


def _raw(title: str, text: str) -> None:
    def told(event: Any) -> None:
        done = event.args in (True, [True])
        toast(
            f"{title} copied" if done else "The browser does not let this page copy", "ok" if done else "warn"
        )

    with Node("div", "", "pu-row is-spread").style("margin-top: 8px"):
        Node("h4", title, "pu-meta").style("margin: 0; font-weight: 500")
        IconButton("content_copy", f"Copy: {title}", small=True).on("click", told, js_handler=COPY_BELOW)
    Node("pre", text, "is-mono is-second").style("margin: 0; white-space: pre-wrap; overflow-wrap: anywhere")


COPY_BELOW = """(event) => {
    const text = event.currentTarget.parentElement.nextElementSibling.textContent;
    navigator.clipboard ? navigator.clipboard.writeText(text).then(() => emit(true), () => emit(false)) : emit(false);
}"""
