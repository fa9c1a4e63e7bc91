"""The description of the API: what the OpenAPI says beyond its operations, and the page at /api/docs.

The page is made here, of the OpenAPI and plain HTML: it needs no script, no network and no account.
"""

from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.responses import HTMLResponse

from dashboard.api.docs_style import STYLE

router = APIRouter()

ABOUT = """\
Purser decides who may use which AI feature, generates with fallback over several providers, and charges exactly.

Send a key as `Authorization: Bearer psr_…`. A **user key** acts for its user. A **service key** acts for the user named in
`X-User` (id or e-mail), within its scopes, or for a visitor without an account at the address in `X-Client-IP`. Pages of Purser itself use the session's cookie.

Every error has one shape, `{"error": {"code", "message", "retryable", "details"?}}`, and every answer carries `X-Request-ID`:
yours where it has 8 to 64 letters, digits and `-`, else a new one. Unknown fields are refused with their names.
"""
TAGS = [
    {"name": "Features", "description": "May this user do this?"},
    {"name": "Plans", "description": "Plans and features as they are defined."},
    {"name": "Models", "description": "Providers, what they run, and how they are."},
    {"name": "Generation", "description": "Text, whole or streamed."},
    {"name": "Usage", "description": "What was used, and what is left."},
    {"name": "Credits", "description": "Balance and ledger."},
    {"name": "Users", "description": "For the product's backend to keep in step."},
    {"name": "Projects", "description": "What generations may be attributed to."},
    {"name": "Health", "description": "For monitors."},
]
SCHEMES: dict[str, Any] = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "A user key (`psr_u_…`) or a service key (`psr_s_…`).",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "purser_session",
        "description": "The session of Purser's own pages.",
    },
}
X_USER: dict[str, Any] = {
    "name": "X-User",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "For service keys: the user that the call is for, by id or e-mail.",
}
X_CLIENT_IP: dict[str, Any] = {
    "name": "X-Client-IP",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "For service keys, in the place of X-User: the address of a visitor without an account, who is on plan"
    " free and counted by it.",
}
FOR_VISITORS = ("/api/ai/generate-text", "/api/features/check", "/api/usage")
SECURITY: list[dict[str, list[str]]] = [{"key": []}, {"session": []}]


def describe(app: FastAPI) -> None:
    """Gives the application's OpenAPI its introduction, its ways to authenticate, `X-User` and `X-Client-IP`."""

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = _schema(app)
        return app.openapi_schema

    app.openapi = openapi


def _schema(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title, version=app.version, description=ABOUT, tags=TAGS, routes=app.routes
    )
    schema["paths"] = {path: item for path, item in schema["paths"].items() if path.startswith("/api/")}
    schema.setdefault("components", {})["securitySchemes"] = SCHEMES
    for path, item in schema["paths"].items():
        for operation in item.values():
            anybody = "Health" in operation.get("tags", ())
            operation["security"] = [{}, *SECURITY] if anybody else SECURITY
            if not anybody:
                operation.setdefault("parameters", []).append(X_USER)
                if path in FOR_VISITORS:
                    operation["parameters"].append(X_CLIENT_IP)
    return schema


@router.get("/api/docs", include_in_schema=False)
async def page(request: Request) -> HTMLResponse:
    """The OpenAPI as a page to read."""
    return HTMLResponse(
        _page(request.app.openapi()),
        headers={
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
            "Cache-Control": "no-cache",
        },
    )


def _page(schema: dict[str, Any]) -> str:
    components = schema["components"]["schemas"]
    operations = [
        (method.upper(), path, operation)
        for path, item in schema["paths"].items()
        for method, operation in item.items()
    ]
    title = escape(f"{schema['info']['title']} API {schema['info']['version']}")
    contents = "".join(
        f'<li><a href="#{_anchor(method, path)}"><code>{method} {escape(path)}</code></a> {escape(operation["summary"])}</li>'
        for method, path, operation in operations
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main><h1>{title}</h1>{_prose(schema['info']['description'])}"
        '<p>For programs: <a href="/api/openapi.json">openapi.json</a></p>'
        f"<nav aria-label='Operations'><ul>{contents}</ul></nav>"
        + "".join(_operation(*operation) for operation in operations)
        + "<h2>Shapes</h2>"
        + "".join(_shape(name, shape) for name, shape in components.items())
        + "</main></body></html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    rows = "".join(
        f"<tr><td><code>{escape(p['name'])}</code></td><td>{escape(p['in'])}</td><td>{_type(p['schema'])}</td>"
        f"<td>{_inline(p.get('description', ''))}</td></tr>"
        for p in operation.get("parameters", ())
    )
    answers = "".join(
        f"<tr><td><code>{status}</code></td><td>{_content(answer)}</td><td>{_inline(answer['description'])}</td></tr>"
        for status, answer in operation["responses"].items()
    )
    return (
        f'<section id="{_anchor(method, path)}"><h2><code>{method} {escape(path)}</code></h2>'
        f"{_prose(operation.get('description', operation['summary']))}"
        + (f"<p>Body: {_type(body)}</p>" if body else "")
        + (_table(("Parameter", "In", "Type", "Meaning"), rows) if rows else "")
        + _table(("Status", "Answer", "Meaning"), answers)
        + "</section>"
    )


def _shape(name: str, shape: dict[str, Any]) -> str:
    required = set(shape.get("required", ()))
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code>{' *' if field in required else ''}</td><td>{_type(said)}</td>"
        f"<td>{_inline(said.get('description', ''))}</td></tr>"
        for field, said in shape.get("properties", {}).items()
    )
    values = ", ".join(f"<code>{escape(str(value))}</code>" for value in shape.get("enum", ()))
    return (
        f'<section id="{escape(name)}"><h3>{escape(name)}</h3>{_prose(shape.get("description", ""))}'
        + (f"<p>One of {values}</p>" if values else "")
        + (_table(("Field (* always there)", "Type", "Meaning"), rows) if rows else "")
        + "</section>"
    )


def _content(answer: dict[str, Any]) -> str:
    return " or ".join(
        _type(content["schema"]) if kind == "application/json" else escape(kind)
        for kind, content in answer.get("content", {}).items()
    )


def _type(schema: dict[str, Any]) -> str:
    """A schema in a few words, with a link where it has a name."""
    if reference := schema.get("$ref"):
        name = escape(reference.rsplit("/", 1)[-1])
        return f'<a href="#{name}">{name}</a>'
    if options := schema.get("anyOf"):
        return " or ".join(_type(option) for option in options)
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if values := schema.get("enum"):
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in values)
    return escape(schema.get("format") or schema.get("type") or "any")


def _table(heads: tuple[str, ...], rows: str) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _prose(text: str) -> str:
    return "".join(f"<p>{_inline(paragraph)}</p>" for paragraph in text.strip().split("\n\n") if paragraph)


def _inline(text: str) -> str:
    """Text with its `code` and **strong** parts."""
    for mark, tag in (("`", "code"), ("**", "strong")):
        parts = (escape(text, quote=False) if mark == "`" else text).split(mark)
        text = "".join(f"<{tag}>{part}</{tag}>" if number % 2 else part for number, part in enumerate(parts))
    return text


def _anchor(method: str, path: str) -> str:
    return escape(f"{method.lower()}{path.replace('/', '-')}")
