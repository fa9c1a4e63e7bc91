"""Which addresses belong to the HTTP API, and which to the pages."""

PROBES = frozenset({"/healthz", "/readyz"})


def is_api(path: str) -> bool:
    """Whether errors at this address are answered in JSON, and bodies limited."""
    return path.startswith("/api/") or path == "/api" or path in PROBES
