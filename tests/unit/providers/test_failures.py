"""Sorting failures: codes, words, statuses, headers, and what a person gets to read."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime

import pytest

from core.errors import ErrorClass
from core.providers import failures

NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": "Fri, 20 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Fri, 20 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Friday, 20-Nov-26 12:00:10 GMT"}, 10.0),
        ({"retry-after": "in a while"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_milliseconds_or_a_date(
    headers: dict[str, str] | None, seconds: float | None
) -> None:
    assert failures.retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("status", "error_class"),
    [
        (400, ErrorClass.INVALID_REQUEST),
        (401, ErrorClass.AUTHENTICATION),
        (402, ErrorClass.QUOTA),
        (403, ErrorClass.AUTHENTICATION),
        (404, ErrorClass.MODEL_NOT_FOUND),
        (408, ErrorClass.TIMEOUT),
        (413, ErrorClass.INVALID_REQUEST),
        (422, ErrorClass.INVALID_REQUEST),
        (429, ErrorClass.RATE_LIMIT),
        (500, ErrorClass.SERVER),
        (501, ErrorClass.SERVER),
        (502, ErrorClass.SERVER),
        (503, ErrorClass.OVERLOADED),
        (504, ErrorClass.TIMEOUT),
        (520, ErrorClass.SERVER),
        (529, ErrorClass.OVERLOADED),
        (307, ErrorClass.SERVER),
    ],
)
def test_a_status_without_words_has_its_class(status: int, error_class: ErrorClass) -> None:
    assert failures.classify(status, (), "") is error_class


@pytest.mark.parametrize(
    ("status", "codes", "message", "error_class"),
    [
        (429, ("insufficient_quota",), "", ErrorClass.QUOTA),
        (429, (None, "insufficient_quota"), "", ErrorClass.QUOTA),
        (400, ("content_filter",), "", ErrorClass.CONTENT_BLOCKED),
        (400, (), "You have reached your specified API usage limits.", ErrorClass.QUOTA),
        (400, (), "Your credit balance is too low to access the API.", ErrorClass.QUOTA),
        (429, (), "Your prepayment credits are depleted.", ErrorClass.QUOTA),
        (400, (), "foo/bar is not a valid model ID", ErrorClass.MODEL_NOT_FOUND),
        (400, (), "Model Not Exist", ErrorClass.MODEL_NOT_FOUND),
        (400, (), "The model `x` has been decommissioned", ErrorClass.MODEL_NOT_FOUND),
        (400, ("invalid_request_error",), "temperature must be below 2", ErrorClass.INVALID_REQUEST),
        (400, (), "API key not valid. Please pass a valid API key.", ErrorClass.AUTHENTICATION),
        (500, (), "model x not found in cache", ErrorClass.SERVER),
        (None, ("502",), "", ErrorClass.SERVER),
        (None, ("429",), "", ErrorClass.RATE_LIMIT),
        (200, ("overloaded_error",), "", ErrorClass.OVERLOADED),
        (200, ("invalid_request_error",), "", ErrorClass.INVALID_REQUEST),
        (None, (), "", ErrorClass.SERVER),
    ],
)
def test_codes_say_more_than_words_and_words_more_than_the_status(
    status: int | None, codes: tuple[str | None, ...], message: str, error_class: ErrorClass
) -> None:
    assert failures.classify(status, codes, message) is error_class


@pytest.mark.parametrize(
    ("failure", "error_class"),
    [
        (TimeoutError(), ErrorClass.TIMEOUT),
        (ConnectionResetError(), ErrorClass.CONNECTION),
        (BrokenPipeError(), ErrorClass.CONNECTION),
        (socket.gaierror(), ErrorClass.CONNECTION),
        (ssl.SSLError(), ErrorClass.CONNECTION),
        (asyncio.IncompleteReadError(b"", 1), ErrorClass.CONNECTION),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), ErrorClass.SERVER),
        (KeyError("ours"), None),
        (TypeError("ours"), None),
    ],
)
def test_failures_below_http_have_their_class_and_our_own_mistakes_have_none(
    failure: Exception, error_class: ErrorClass | None
) -> None:
    assert failures.class_of_exception(failure) is error_class


def test_the_innermost_cause_says_whether_a_connection_was_dropped_or_timed_out() -> None:
    dropped = TimeoutError("as the transport calls it")
    dropped.__cause__ = ConnectionResetError()
    assert failures.class_of_exception(dropped) is ErrorClass.CONNECTION


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "No."}},
        {"error": "No."},
        {"message": "No."},
        {"detail": "No."},
        {"detail": [{"msg": "No.", "loc": ["body"]}]},
        [{"error": {"message": "No."}}],
        "No.",
    ],
)
def test_the_vendors_words_are_found_in_every_shape_of_body(body: object) -> None:
    assert failures.words_of(body) == "No."


@pytest.mark.parametrize("body", [None, "", {}, [], {"error": {}}, "<html><body>502</body></html>", 7])
def test_a_body_without_words_has_none(body: object) -> None:
    assert failures.words_of(body) is None


def test_a_web_page_becomes_a_short_sentence() -> None:
    sentence = failures.sentence("<!DOCTYPE html><html><h1>Bad Gateway</h1></html>", 502)
    assert sentence == "The vendor answered with HTTP 502 Bad Gateway and gave no reason."
    assert failures.sentence(None, 529) == "The vendor answered with HTTP 529 and gave no reason."


def test_a_long_message_is_cut_at_five_hundred_characters() -> None:
    assert len(failures.sentence("word " * 500, 400)) <= 500


def test_line_breaks_become_spaces() -> None:
    assert failures.sentence("one\n\n  two", 400) == "one two"


@pytest.mark.parametrize(
    "key", ["sk-proj-abcdefgh12345678", "odd key of a small vendor", "sk-ab****************wxyz"]
)
def test_a_key_is_struck_out_of_the_vendors_words(key: str) -> None:
    sentence = failures.sentence(f"Incorrect API key provided: {key}.", 401, key=key)
    assert sentence == "Incorrect API key provided: [redacted]."
