"""What stands around every request: ids, headers, limits of bodies, CORS, proxies, faults, pages."""

import gzip
import logging
import re
from collections.abc import AsyncIterator

import pytest
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from core.config import Rate
from core.log import configure_logging
from dashboard import middleware
from tests.api.conftest import Serve, Site, error_of

router = APIRouter()

PAGE = (
    '<html><head><script type="importmap">{}</script></head><body>'
    """<SCRIPT>const x = "<script src='inner'>";</SCRIPT><script defer src="/a.js"></script></body></html>"""
)


@router.get("/api/boom")
async def boom() -> None:
    prompt = "a prompt"
    raise RuntimeError(f"the inside of it: psr_u_secret, {len(prompt)}")


@router.get("/page")
async def page(request: Request) -> Response:
    assert request.state.purser is request.app.state.purser
    assert request.state.request_id
    headers = {"X-NiceGUI-Content": "page"}
    if "packed" in request.query_params:
        body = gzip.compress(PAGE.encode())
        return Response(body, media_type="text/html", headers={**headers, "Content-Encoding": "gzip"})
    return HTMLResponse(PAGE, headers=headers)


# Request ids


@pytest.mark.parametrize("given", ["abcd1234", "A" * 64, "0193-4f2e-AbC"])
async def test_a_well_formed_request_id_is_kept(sandbox: Site, given: str) -> None:
    answer = await sandbox.anonymous.get("/healthz", headers={"X-Request-ID": given})
    assert answer.headers.get_list("X-Request-ID") == [given]


@pytest.mark.parametrize(
    "given", [None, "short", "A" * 65, "with space 1", "semi;colon", "ünïcödé-1", "under_score"]
)
async def test_any_other_is_replaced(sandbox: Site, given: str | None) -> None:
    headers = {b"X-Request-ID": given.encode()} if given else {}
    answer = await sandbox.anonymous.get("/healthz", headers=headers)
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["X-Request-ID"])


async def test_every_kind_of_answer_carries_one(sandbox: Site) -> None:
    answers = [
        await sandbox.anonymous.get("/api/credits"),
        await sandbox.anonymous.get("/api/nothing"),
        await sandbox.anonymous.get("/nothing"),
        await sandbox.generate(stream=True),
        await sandbox.generate(nix=1),
    ]
    ids = [answer.headers["X-Request-ID"] for answer in answers]
    assert len(set(ids)) == len(ids)


# One shape of errors


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/ai/models/", "/api/credits/x"])
async def test_an_unknown_address_of_the_api_is_a_404_in_json(sandbox: Site, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        error_of(await sandbox.client.request(method, path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/api/credits", "GET"),
        ("GET", "/api/ai/generate-text", "POST"),
        ("DELETE", "/api/ai/models", "GET, POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("OPTIONS", "/api/usage", "GET"),
    ],
)
async def test_a_wrong_method_names_the_right_ones(sandbox: Site, method: str, path: str, allow: str) -> None:
    answer = await sandbox.client.request(method, path)
    error_of(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == allow


@pytest.mark.parametrize("form", ["text", "json"])
async def test_an_unforeseen_exception_tells_nothing_of_its_inside(
    serve: Serve, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    restore = logging.getLogger().handlers, logging.getLogger().level
    configure_logging(form=form)
    site = await serve(None, router)
    answer = await site.anonymous.get("/api/boom", headers={"X-Request-ID": "find-me-1234"})
    error = error_of(answer, 500, "internal_error")
    assert error["details"] == {"requestId": "find-me-1234"}
    assert "inside" not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    logging.getLogger().handlers, logging.getLogger().level = restore
    structlog.reset_defaults()
    logged = capsys.readouterr().err
    assert "find-me-1234" in logged
    assert "RuntimeError" in logged
    assert "psr_u_secret" not in logged
    assert "a prompt" not in logged, "values of variables are nobody's business"


async def test_pages_keep_their_own_errors(sandbox: Site) -> None:
    answer = await sandbox.anonymous.get("/nothing")
    assert answer.json() == {"detail": "Not Found"}


# Bodies


async def chunks(total: int) -> AsyncIterator[bytes]:
    for _ in range(total // 65_536):
        yield b"x" * 65_536


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_beyond_two_megabytes_is_refused(sandbox: Site, announced: bool) -> None:
    size = middleware.BODY_LIMIT + 65_536
    answer = await sandbox.client.post(
        "/api/ai/generate-text",
        content=b"x" * size if announced else chunks(size),
        headers={"Content-Type": "application/json"},
    )
    assert (
        error_of(answer, 413, "too_large")["message"] == "The body is larger than the 2 MB that Purser takes."
    )
    assert (await sandbox.generate()).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        (b"", 422, "invalid_request"),
        (b"[]", 422, "invalid_request"),
        (b"null", 422, "invalid_request"),
        (b'{"prompt": "\xff"}', 400, "invalid_request"),
        (b"[" * 200_000, 400, "invalid_request"),
        (b'{"prompt": "x", "maxTokens": 1' + b"0" * 5_000 + b"}", 400, "invalid_request"),
        (b'{"prompt": "x", "temperature": NaN}', 422, "invalid_request"),
        (b'{"prompt": "\\ud800"}', 400, "invalid_request"),
        (b'{"\\ud800": 1}', 422, "invalid_request"),
    ],
)
async def test_a_broken_body_is_the_callers_fault(sandbox: Site, body: bytes, status: int, code: str) -> None:
    answer = await sandbox.client.post(
        "/api/ai/generate-text", content=body, headers={"Content-Type": "application/json"}
    )
    error_of(answer, status, code)


async def test_a_body_that_is_no_json_is_told_what_to_be(sandbox: Site) -> None:
    answer = await sandbox.client.post("/api/ai/generate-text", data={"prompt": "x"})
    assert "application/json" in error_of(answer, 422, "invalid_request")["message"]


# Headers, CORS, proxies


async def test_answers_of_the_api_are_not_to_be_kept_framed_or_sniffed(sandbox: Site) -> None:
    headers = (await sandbox.client.get("/api/credits")).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


PREFLIGHT = {
    "Origin": "https://app.example.com",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,x-user",
}


async def test_cors_is_closed_unless_an_origin_is_listed(serve: Serve) -> None:
    site = await serve()
    answer = await site.client.options("/api/ai/generate-text", headers=PREFLIGHT)
    assert "access-control-allow-origin" not in answer.headers


async def test_a_listed_origin_may_call_and_read_the_headers_and_no_other_may(serve: Serve) -> None:
    site = await serve(cors_origins=("https://app.example.com",))
    answer = await site.client.options("/api/ai/generate-text", headers=PREFLIGHT)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    refused = await site.anonymous.get("/api/credits", headers={"Origin": "https://app.example.com"})
    assert refused.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "X-Request-ID" in refused.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in refused.headers
    other = await site.anonymous.get("/api/credits", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_forwarded_address_counts_only_from_a_trusted_proxy(serve: Serve, trusted: bool) -> None:
    site = await serve(rate_api=Rate(1, 3600), **({"trusted_proxies": ("127.0.0.1",)} if trusted else {}))
    statuses = [
        (await site.client.get("/api/credits", headers={"X-Forwarded-For": f"203.0.113.{n}"})).status_code
        for n in (1, 2)
    ]
    assert statuses == ([200, 200] if trusted else [200, 429])


# Pages


@pytest.mark.parametrize("packed", [False, True])
async def test_a_pages_own_scripts_get_the_nonce_and_nothing_else_does(serve: Serve, packed: bool) -> None:
    site = await serve(None, router)
    answer = await site.anonymous.get("/page", params={"packed": "1"} if packed else {})
    found = re.search(r"'nonce-([\w-]+)'", answer.headers["Content-Security-Policy"])
    assert found
    nonce = f' nonce="{found[1]}"'
    assert answer.text == (
        f'<html><head><script{nonce} type="importmap">{{}}</script></head><body>'
        f"""<script{nonce}>const x = "<script src='inner'>";</SCRIPT><script{nonce} defer src="/a.js"></script></body></html>"""
    )
    again = await site.anonymous.get("/page")
    assert found[1] not in again.text


async def test_a_pages_policy_is_closed(serve: Serve) -> None:
    site = await serve(None, router)
    policy = (await site.anonymous.get("/page")).headers["Content-Security-Policy"]
    for rule in (
        "default-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ):
        assert rule in policy.split("; ")
