"""Structured logs without secrets: structlog over the standard library, as text or JSON.

Values under telling names (key, token, password, prompt, e-mail …) are struck out wherever they appear, and so is
anything shaped like a vendor's key or an address inside a message.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

SECRET_NAME = re.compile(
    r"(api_?key|secret|password|passwd|token|authorization|cookie|prompt|messages|e_?mail|content|answer)$",
    re.IGNORECASE,
)
SECRET_SHAPE = re.compile(
    r"sk-[A-Za-z0-9_\-]{8,}|AIza[A-Za-z0-9_\-]{10,}|r8_[A-Za-z0-9]{10,}|psr_[A-Za-z0-9_\-]{8,}"
    r"|Bearer\s+[A-Za-z0-9._\-]{8,}|[\w.+-]+@[\w-]+\.[\w.-]+",
)
STRUCK = "[redacted]"
# A count of tokens is a figure, not a secret.
PLAIN_NAMES = frozenset({"max_tokens", "input_tokens", "output_tokens", "cached_tokens"})


def configure_logging(level: str = "INFO", form: str = "text") -> None:
    """Sends all logs, ours and the libraries', through one redacting chain to stderr."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # A traceback becomes text before secrets are struck out, and never shows the values of variables: prompts
        # and keys are among them.
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: Any
    if form == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for noisy in (
        "uvicorn.error",
        "httpx",
        "httpx2",
        "openai",
        "anthropic",
        "google_genai",
        "procrastinate",
        "asyncio",
        "alembic",
    ):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module: `log = get_logger(__name__)`."""
    return structlog.get_logger(name)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Strikes secrets and personal data out of one log event."""
    for name, value in event.items():
        event[name] = _struck(name, value)
    return event


def _struck(name: Any, value: Any) -> Any:
    """What may be shown of a value under a name, however deep it lies."""
    if isinstance(name, str) and name not in PLAIN_NAMES and SECRET_NAME.search(name):
        return STRUCK
    if isinstance(value, str):
        return SECRET_SHAPE.sub(STRUCK, value)
    if isinstance(value, dict):
        return {key: _struck(key, inner) for key, inner in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_struck(None, inner) for inner in value)
    return value
