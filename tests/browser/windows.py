"""Windows of persons of their own that keep the browser's cache: the first load of a page costs three times the second."""

from collections import defaultdict
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext

Key = tuple[tuple[str, str], ...]


class Windows:
    """Browser contexts, handed out empty and taken back: of what was done in one, only the cache of files is left."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._idle: dict[Key, list[BrowserContext]] = defaultdict(list)

    def take(self, options: dict[str, Any]) -> tuple[Key, BrowserContext]:
        """A context with these options of Playwright's, and what to give it back with."""
        state = options.pop("storage_state", None)
        key = tuple(sorted((name, repr(value)) for name, value in options.items()))
        idle = self._idle[key]
        context = idle.pop() if idle else self._browser.new_context(**options)
        if state:
            context.add_cookies(state["cookies"])
        return key, context

    def give_back(self, key: Key, context: BrowserContext) -> None:
        """Empties it: pages, cookies, what scripts kept, routes, permissions."""
        shown = [urlsplit(page.url) for page in context.pages]
        origins = {f"{at.scheme}://{at.netloc}" for at in shown if at.netloc}
        for page in context.pages:
            page.close()
        context.unroute_all()
        context.set_offline(False)
        context.clear_permissions()
        context.clear_cookies()
        blank = context.new_page()
        session = context.new_cdp_session(blank)
        for origin in origins:
            session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "local_storage"})
        blank.close()
        self._idle[key].append(context)
