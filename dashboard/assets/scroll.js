// Back restores the scroll. The browser alone cannot: when it tries, the rows are not there yet, or still those of the
// address that was left. So the place is kept by address, for this tab, and held while what is shown comes back.
(() => {
  const PATIENCE = 3000; // ms that it is held; whoever does something meanwhile stays where they are
  const HANDS = ["wheel", "touchstart", "pointerdown", "keydown"];
  const name = () => `purser_scroll ${location.pathname}${location.search}`;
  const keep = () => sessionStorage.setItem(name(), Math.round(scrollY));
  let pressed; // the address at which something was pressed: what moves there by itself is no longer where one was
  let held; // ends going back to a place, while that lasts

  addEventListener("scroll", () => held || pressed === name() || keep(), { passive: true });
  addEventListener("click", () => (keep(), (pressed = name())), true);
  for (const hand of HANDS) addEventListener(hand, () => (held?.(), (pressed = undefined)), { capture: true, passive: true });

  function goBack() {
    held?.();
    const place = Number(sessionStorage.getItem(name()));
    if (!place) return;
    const shown = new ResizeObserver(() => scrollTo(scrollX, place));
    const late = setTimeout(() => held?.(), PATIENCE);
    held = () => (shown.disconnect(), clearTimeout(late), (held = undefined));
    shown.observe(document.body);
  }

  addEventListener("popstate", goBack);
  if (performance.getEntriesByType("navigation")[0]?.type !== "navigate") goBack();
})();
