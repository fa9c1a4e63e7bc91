"""What a page must be for the eye and the hand: no wider than the window, with targets large enough, each stop in sight."""

from playwright.sync_api import Page

MOST_STOPS = 120


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than its window; not more than 0 where nothing scrolls sideways."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def moved(page: Page) -> float:
    """How far things were pushed about since the page was opened, by nothing that a person did (Layout Instability API)."""
    return round(page.evaluate(MOVED), 3)


def squeezed(page: Page) -> list[str]:
    """The buttons in sight whose words stand out of them."""
    return page.evaluate(SQUEEZED)


def small_targets(page: Page, least: int) -> list[str]:
    """Whatever can be pressed and is lower than `least` pixels, with its size; a row is pressed as a whole."""
    return page.evaluate(SMALL, least)


def keyboard_stops(page: Page) -> list[str]:
    """Goes once round by Tab: the names of all stops. Fails at one without name or ring, or that is out of sight."""
    stops: list[str] = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop["name"] in (None, "Skip to the content") and stops:
            return stops
        stops.append(stop["name"])
        assert stop["name"], stop
        assert stop["ring"], stop
        assert stop["seen"], stop
    return stops


STOP = """() => {
    const here = document.activeElement;
    if (here === document.body) return { name: null };
    const shown = here.closest("tr:has(.pu-rowlink)") ?? here.closest(".q-toggle") ?? here;
    const box = shown.getBoundingClientRect(), style = getComputedStyle(shown);
    const middle = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return {
        name: here.getAttribute("aria-label") || here.innerText || here.title,
        ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        seen: box.top >= 0 && box.bottom <= innerHeight && (shown.contains(middle) || middle?.contains(shown)),
    };
}"""

MOVED = """() => new Promise(done => {
    const sum = list => list.reduce((sum, shift) => sum + (shift.hadRecentInput ? 0 : shift.value), 0);
    new PerformanceObserver(seen => done(sum(seen.getEntries()))).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => done(0), 100);
})"""

SQUEEZED = """() => [...document.querySelectorAll(".pu-btn")]
    .filter(e => e.offsetParent && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === "visible")
    .map(e => `${e.innerText}: ${e.scrollWidth} in ${e.clientWidth} px`)"""

SMALL = """least => [...document.querySelectorAll("main button, main a, aside button, aside a, aside [role=switch]")]
    .filter(e => e.offsetParent)
    .map(e => [e.getAttribute("aria-label") || e.innerText, e.closest("tr[data-link]") ?? e])
    .map(([name, e]) => [name, e.getBoundingClientRect()])
    .filter(([, box]) => box.height < least - 0.5 || box.width < Math.min(least, 24) - 0.5)
    .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""
