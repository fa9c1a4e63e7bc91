"""Logs tell what happened and nobody's secrets, as text and as JSON."""

import json
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog

from core.log import STRUCK, configure_logging, get_logger

Capture = pytest.CaptureFixture[str]
Logged = Callable[[Callable[[], None]], str]

SECRETS = (
    "sk-proj-abcdefgh12345678",
    "sk-ant-api03-abcdefgh1234",
    "AIzaSyA1234567890abcdef",
    "r8_abcdefghij1234567890",
    "psr_abcdefgh12345678",
    "Bearer abcdef.ghijkl-mnopqr",
    "someone.else+shop@mail.example.com",
)

TELLING = (
    *(
        "api_key",
        "openai_api_key",
        "apikey",
        "password",
        "admin_password",
        "secret",
        "client_secret",
        "token",
    ),
    *(
        "Authorization",
        "cookie",
        "prompt",
        "system_prompt",
        "messages",
        "email",
        "e_mail",
        "answer",
        "content",
    ),
)


@pytest.fixture(params=["text", "json"])
def form(request: pytest.FixtureRequest) -> Iterator[str]:
    """Both forms; what was configured before comes back afterwards."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield request.param
    root.handlers, root.level = handlers, level
    structlog.configure(**before)


@pytest.fixture
def logged(form: str, capsys: Capture) -> Logged:
    """What a deed writes to stderr."""

    def written(deed: Callable[[], None]) -> str:
        configure_logging("DEBUG", form)  # here: pytest exchanges stderr after the fixtures
        deed()
        return capsys.readouterr().err

    return written


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_inside_a_message_is_struck_out(logged: Logged, secret: str) -> None:
    def deed() -> None:
        get_logger("test").info(f"the vendor said: {secret} is wrong", detail=f"again {secret}")
        logging.getLogger("library").warning("sent %s", secret)

    lines = logged(deed)

    assert secret.removeprefix("Bearer ") not in lines
    assert lines.count(STRUCK) == 3
    assert "the vendor said" in lines


@pytest.mark.parametrize("name", TELLING)
def test_a_value_under_a_telling_name_is_struck_out(logged: Logged, name: str) -> None:
    lines = logged(lambda: get_logger("test").info("event", **{name: "hunter2"}))

    assert "hunter2" not in lines
    assert name in lines


def test_what_lies_deeper_is_struck_out_too(logged: Logged) -> None:
    request = {"headers": {"Authorization": "hunter2"}, "to": ["me@example.com"], "model": "gpt-6-luna"}

    lines = logged(
        lambda: get_logger("test").info("event", request=request, pair=("sk-proj-abcdefgh12345678", 3))
    )

    assert "hunter2" not in lines
    assert "example.com" not in lines
    assert "abcdefgh12345678" not in lines
    assert "gpt-6-luna" in lines


def test_counts_stay(logged: Logged) -> None:
    counts = {"max_tokens": 20_001, "input_tokens": 10_017, "output_tokens": 10_019, "cached_tokens": 10_023}

    lines = logged(lambda: get_logger("test").info("event", status=10_200, **counts))

    assert STRUCK not in lines
    for figure in (10_200, *counts.values()):
        assert str(figure) in lines


def test_a_traceback_shows_neither_secrets_nor_the_values_of_variables(logged: Logged) -> None:
    def call(prompt: str) -> None:
        key = "-".join(("sk", "proj", "abcdefgh12345678"))
        raise ValueError(f"refused {key} of me@{prompt.split()[0]}.com")

    def deed() -> None:
        for logger in (get_logger("test"), logging.getLogger("library")):
            try:
                call(" ".join(("example", "very", "private")))
            except ValueError:
                logger.exception("it failed")

    lines = logged(deed)

    assert lines.count("ValueError: refused") == 2
    assert "proj-abcdefgh12345678" not in lines
    assert "me@example.com" not in lines
    assert "very private" not in lines


def test_the_request_id_of_the_context_stands_on_every_line(logged: Logged) -> None:
    def deed() -> None:
        with structlog.contextvars.bound_contextvars(request_id="req-12345678"):
            get_logger("test").info("ours")
            logging.getLogger("library").warning("theirs")

    assert logged(deed).count("req-12345678") == 2


def test_json_is_one_object_a_line(capsys: Capture, form: str) -> None:
    configure_logging("INFO", "json")
    get_logger("test").info("first", n=1)
    try:
        raise ValueError("second\nline")
    except ValueError:
        get_logger("test").exception("broken")

    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())

    assert (first["event"], first["level"], first["n"]) == ("first", "info", 1)
    assert "ValueError" in second["exception"]


def test_below_the_level_nothing_is_said(capsys: Capture, form: str) -> None:
    configure_logging("WARNING", form)

    get_logger("test").info("quiet")
    logging.getLogger("httpx").info("GET https://example.com/?key=1")

    assert capsys.readouterr().err == ""
