"""Every exception that the SDKs and what lies below them define is sorted on purpose, none by default."""

import contextlib
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import aiohttp
import anthropic
import anthropic._exceptions
import anthropic.types.shared as anthropic_shared
import google.auth.exceptions
import google.genai
import httpx2
import httpx2._exceptions
import openai
import pytest
from google.genai import errors as google_errors

from core.errors import ErrorClass
from core.providers import failures
from core.providers.answer import Answer
from core.providers.base import Connection
from core.providers.registry import build
from core.providers.sdk import UNCLASSIFIED, SdkProvider
from tests.integration.providers.conftest import KEY

A, Q, R, O = ErrorClass.AUTHENTICATION, ErrorClass.QUOTA, ErrorClass.RATE_LIMIT, ErrorClass.OVERLOADED  # noqa: E741  # a table's initials
T, C, I, M, S = (  # noqa: E741  # likewise
    ErrorClass.TIMEOUT,
    ErrorClass.CONNECTION,
    ErrorClass.INVALID_REQUEST,
    ErrorClass.MODEL_NOT_FOUND,
    ErrorClass.SERVER,
)
B = ErrorClass.CONTENT_BLOCKED

OPENAI = {
    "OpenAIError": S, "APIError": S, "APIStatusError": I, "APIResponseValidationError": S,
    "APIConnectionError": C, "APITimeoutError": T,
    "BadRequestError": I, "AuthenticationError": A, "OAuthError": A, "PermissionDeniedError": A, "NotFoundError": M,
    "ConflictError": S, "UnprocessableEntityError": I, "RateLimitError": R, "InternalServerError": S,
    "LengthFinishReasonError": S, "ContentFilterFinishReasonError": B, "InvalidWebhookSignatureError": A,
    "SubjectTokenProviderError": A, "WebSocketConnectionClosedError": C, "WebSocketQueueFullError": O,
}  # fmt: skip

ANTHROPIC = {
    "AnthropicError": S, "APIError": S, "APIStatusError": I, "APIResponseValidationError": S,
    "APIWebhookValidationError": S, "APIConnectionError": C, "APITimeoutError": T,
    "RetryableError": O, "CredentialsError": A, "IdentityTokenFileError": A,
    "BadRequestError": I, "AuthenticationError": A, "PaymentRequiredError": Q, "PermissionDeniedError": A,
    "NotFoundError": M, "RequestTimeoutError": T, "ConflictError": S, "PreconditionFailedError": I,
    "ContentTooLargeError": I, "UnprocessableEntityError": I, "RateLimitError": R,
    "RequestHeaderFieldsTooLargeError": I, "ClientClosedRequestError": C, "InternalServerError": S,
    "HTTPNotImplementedError": S, "ServiceUnavailableError": O, "GatewayTimeoutError": T, "OverloadedError": O,
}  # fmt: skip

GOOGLE = {
    "APIError": S, "ClientError": I, "ServerError": S, "UnknownFunctionCallArgumentError": I,
    "UnsupportedFunctionError": I, "FunctionInvocationError": S, "UnknownApiResponseError": S,
    "ContinuationInterruptedError": C,
}  # fmt: skip

HTTPX2 = {
    "HTTPError": C, "RequestError": C, "TransportError": C, "TimeoutException": T, "ConnectTimeout": C,
    "ReadTimeout": T, "WriteTimeout": T, "PoolTimeout": C, "NetworkError": C, "ConnectError": C, "ReadError": C,
    "WriteError": C, "CloseError": C, "ProtocolError": C, "LocalProtocolError": C, "RemoteProtocolError": C,
    "ProxyError": C, "UnsupportedProtocol": C, "DecodingError": S, "TooManyRedirects": S, "HTTPStatusError": S,
    "InvalidURL": C, "CookieConflict": S, "StreamError": C, "StreamConsumed": C, "StreamClosed": C,
    "ResponseNotRead": C, "RequestNotRead": C,
}  # fmt: skip

REQUEST = httpx2.Request("POST", "https://vendor.example/v1")
BARE_STATUS = 418  # of status errors that stand for no status of their own


def defined_in(module: Any) -> dict[str, type[Exception]]:
    """The exceptions that a module of a package defines, deprecated other names left out.

    The packages give their public exceptions the package's own name for a module.
    """
    package = module.__name__.partition(".")[0]
    return {
        found.__name__: found
        for found in vars(module).values()
        if isinstance(found, type)
        and issubclass(found, Exception)
        and not issubclass(found, Warning)
        and found.__module__.partition(".")[0] == package
    }


def descendants(root: type[Exception]) -> Iterator[type[Exception]]:
    for child in root.__subclasses__():
        yield child
        yield from descendants(child)


def explain(kind: str, failure: Exception) -> ErrorClass:
    provider = build(Connection(kind, "https://vendor.example/v1", KEY))
    assert isinstance(provider, SdkProvider)
    error = provider._explain(failure, Answer("model"), 5)
    assert error.vendor_code != UNCLASSIFIED, type(failure)
    return error.error_class


def an_instance(found: type[Exception], root: type[Exception]) -> Exception:
    """The exception as the SDK would raise it, with a response where it carries one."""
    if hasattr(found, "status_code") or issubclass(found, (openai.APIStatusError, anthropic.APIStatusError)):
        status = getattr(
            found, "status_code", 500 if found.__name__ == "InternalServerError" else BARE_STATUS
        )
        response = httpx2.Response(status, request=REQUEST)
        if found.__name__ == "OAuthError":
            return found(response=response, body=None)  # pyright: ignore[reportCallIssue] - its own signature
        return found("No.", response=response, body=None)  # pyright: ignore[reportCallIssue] - as all status errors
    if found.__name__ in ("APIError", "APIWebhookValidationError"):
        return found("No.", REQUEST, body=None)  # pyright: ignore[reportCallIssue] - as the SDKs define it
    # For all others the class alone decides.
    return found.__new__(found)


def test_every_exception_of_openai_has_its_class() -> None:
    found = defined_in(importlib.import_module("openai._exceptions"))
    assert set(found) == set(OPENAI)
    for name, exception in found.items():
        assert explain("openai", an_instance(exception, openai.OpenAIError)) is OPENAI[name], name


def test_every_exception_of_anthropic_has_its_class() -> None:
    found = defined_in(anthropic._exceptions)
    assert set(found) == set(ANTHROPIC)
    for name, exception in found.items():
        assert explain("anthropic", an_instance(exception, anthropic.AnthropicError)) is ANTHROPIC[name], name


def test_every_error_code_of_anthropic_is_sorted_by_what_it_names() -> None:
    """Errors with a `details.error_code` have classes of their own, from `anthropic.types.shared`."""
    for module in pkgutil.iter_modules(anthropic_shared.__path__, "anthropic.types.shared."):
        importlib.import_module(module.name)
    named = {
        child for child in descendants(anthropic.APIStatusError) if "error_code" in child.__annotations__
    }
    classes: dict[str, ErrorClass] = {}
    for child in named:
        parent = next(base for base in child.__mro__ if base.__name__ in ANTHROPIC)
        code = child.__annotations__["error_code"].__args__[0]
        response = httpx2.Response(getattr(parent, "status_code", BARE_STATUS), request=REQUEST)
        body = {"error": {"message": "No.", "type": "invalid_request_error", "details": {"error_code": code}}}
        classes[code] = explain("anthropic", parent("No.", response=response, body=body))
    spent = {code for code, error_class in classes.items() if error_class is Q}
    assert {
        code for code in classes if code.endswith(("spend_limit_reached", "billing_unavailable"))
    } == spent
    assert classes["ramp_limit_exceeded"] is R
    assert classes["organization_on_hold"] is classes["cmek_key_disabled"] is A


def test_every_exception_of_google_has_its_class() -> None:
    found = defined_in(google_errors)
    assert set(found) == set(GOOGLE)
    codes = {"ClientError": BARE_STATUS, "ServerError": 500, "APIError": 302}
    for name, exception in found.items():
        failure = exception(codes[name], {}) if name in codes else exception.__new__(exception)
        assert explain("gemini", failure) is GOOGLE[name], name


def test_exceptions_that_google_defines_elsewhere_have_their_class_too() -> None:
    found: dict[str, type[Exception]] = {}
    for module in pkgutil.iter_modules(google.genai.__path__, "google.genai."):
        if "test" not in module.name and not module.ispkg:
            with contextlib.suppress(ImportError):  # parts that need extras which are not installed
                found |= defined_in(importlib.import_module(module.name))
    assert set(found) >= {*GOOGLE, "EphemeralTokenAPIKeyError", "ContinuationTimeoutError"}
    for name in set(found) - set(GOOGLE):
        assert failures.class_of_exception(found[name].__new__(found[name])) is not None, name
    for name, exception in defined_in(google.auth.exceptions).items():
        assert failures.class_of_exception(exception.__new__(exception)) is not None, name


@pytest.mark.parametrize("kind", ["openai", "anthropic", "gemini"])
def test_every_exception_of_httpx2_has_its_class(kind: str) -> None:
    found = defined_in(httpx2._exceptions)
    assert set(found) == set(HTTPX2)
    for name, exception in found.items():
        assert explain(kind, exception.__new__(exception)) is HTTPX2[name], name


@pytest.mark.parametrize("kind", ["openai", "anthropic", "gemini"])
def test_every_exception_of_aiohttps_client_has_its_class(kind: str) -> None:
    roots = (aiohttp.ClientError, aiohttp.InvalidURL)
    found = {
        each for root in roots for each in (root, *descendants(root)) if each.__module__.startswith("aiohttp")
    }
    assert len(found) > 15
    for exception in found:
        failure = exception.__new__(exception)
        if isinstance(failure, aiohttp.ClientResponseError):
            failure.status, failure.headers = 0, None
        expected = C
        if issubclass(exception, aiohttp.ClientResponseError):
            expected = S
        elif issubclass(exception, TimeoutError) and not issubclass(
            exception, aiohttp.ConnectionTimeoutError
        ):
            expected = T
        assert explain(kind, failure) is expected, exception


def test_the_table_names_no_exception_that_does_not_exist() -> None:
    modules: dict[str, list[Any]] = {
        "openai": [importlib.import_module("openai._exceptions")],
        "anthropic": [anthropic._exceptions],
        "google": [
            google_errors,
            importlib.import_module("google.genai._api_client"),
            importlib.import_module("google.genai._interactions_continuation"),
            google.auth.exceptions,
        ],
        "httpx2": [httpx2],
        "httpx": [importlib.import_module("httpx")],
        "aiohttp": [aiohttp],
    }
    for name in failures.EXCEPTIONS:
        root, _, exception = name.partition(".")
        homes = modules.get(root) or [importlib.import_module(root)]
        assert any(hasattr(home, exception) for home in homes), name


def test_a_mistake_of_our_own_is_kept_apart(caplog: pytest.LogCaptureFixture) -> None:
    provider = build(Connection("openai", "https://vendor.example/v1", KEY))
    assert isinstance(provider, SdkProvider)
    error = provider._explain(KeyError("ours"), Answer("model"), 5)
    assert (error.error_class, error.vendor_code) == (S, UNCLASSIFIED)
    assert "ours" not in error.message
