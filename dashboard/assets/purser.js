// What must happen in the browser without asking the server: theme, navigation, pane, and a few keys.
// Everything is delegated from the document, so it works for whatever the page builds later.
(() => {
  const root = document.documentElement;
  const darkSystem = matchMedia("(prefers-color-scheme: dark)");

  // Theme: system → the opposite of it → the other → system; kept in a cookie that the server reads
  const chosenTheme = () => document.cookie.match(/(?:^|; )purser_theme=(light|dark)/)?.[1] ?? "system";

  function applyTheme(theme) {
    root.style.colorScheme = theme === "system" ? "light dark" : theme;
    window.Quasar?.Dark.set(theme === "system" ? "auto" : theme === "dark");
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.setAttribute("aria-label", `Theme: ${theme}`);
      button.title = `Theme: ${theme}`;
    }
  }

  function cycleTheme() {
    const system = darkSystem.matches ? "dark" : "light";
    const opposite = darkSystem.matches ? "light" : "dark";
    const next = { system: opposite, [opposite]: system, [system]: "system" }[chosenTheme()];
    remember("purser_theme", next);
    applyTheme(next);
  }

  function remember(name, value) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${name}=${value}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  }

  // Navigation: wide screens fold the sidebar to a rail (remembered), narrow ones open it as a drawer
  const wide = matchMedia("(width >= 1280px)");

  function fitNavigation() {
    root.classList.toggle("is-rail", !wide.matches || localStorage.purser_nav === "rail");
    if (wide.matches) document.querySelector(".pu-side:popover-open")?.hidePopover();
  }

  function toggleNavigation(button) {
    if (!wide.matches) return document.querySelector(".pu-side").togglePopover({ source: button });
    localStorage.purser_nav = root.classList.contains("is-rail") ? "full" : "rail";
    fitNavigation();
  }

  fitNavigation();
  wide.addEventListener("change", fitNavigation);

  // Keys: Esc closes the pane (the focus goes back to its row), / goes to the filter, arrows move in tabs and segments
  const busyLayer = () => document.querySelector(".q-dialog, .q-menu, [popover]:popover-open");
  const typing = (target) => target.closest?.("input, textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && !busyLayer()) document.querySelector(".pu-pane:not([hidden]) [data-pane-close]")?.click();
    if (event.key === "/" && !typing(event.target) && !busyLayer()) {
      const filter = document.querySelector("[data-filter] input, input[data-filter]");
      if (filter) (event.preventDefault(), filter.focus());
    }
    moveWithin(event, "[role=tablist], [role=radiogroup]", { ArrowRight: 1, ArrowLeft: -1 })?.click();
    moveWithin(event, "[role=listbox]", { ArrowDown: 1, ArrowUp: -1 });
  });

  function moveWithin(event, selector, steps) {
    const group = event.target.closest?.(selector);
    if (!group || !steps[event.key]) return null;
    const all = [...group.querySelectorAll("[role=tab], [role=radio], [role=option]")];
    const now = all.indexOf(event.target.closest("[role]"));
    const next = all[now < 0 ? 0 : (now + steps[event.key] + all.length) % all.length];
    event.preventDefault();
    next?.focus();
    return next;
  }

  document.addEventListener("click", (event) => {
    const hit = (selector) => event.target.closest?.(selector);
    if (hit("[data-theme-toggle]")) cycleTheme();
    if (hit("[data-nav-toggle]")) toggleNavigation(hit("[data-nav-toggle]"));
    if (hit("[data-pane-close]")) document.querySelector("tr.is-chosen .pu-rowlink")?.focus();
    if (hit("[data-eye]")) toggleEye(hit("[data-eye]"));
  });

  function toggleEye(button) {
    const field = button.parentElement.querySelector("input");
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
    button.querySelector(".pu-icon").textContent = shown ? "visibility" : "visibility_off";
    field.focus();
  }

  // Charts: dragging over bars tells which stretch
  document.addEventListener("pointerdown", (event) => {
    const chart = event.target.closest?.("[data-brush]");
    const bars = chart?.querySelector("[data-bars]");
    if (!bars || event.button) return;
    event.preventDefault();
    const box = bars.getBoundingClientRect();
    const count = Number(bars.dataset.bars);
    const barAt = (x) => Math.min(count - 1, Math.max(0, Math.floor(((x - box.left) / box.width) * count)));
    const from = barAt(event.clientX);
    const up = (end) => chart.dispatchEvent(new CustomEvent("brush", { detail: [from, barAt(end.clientX)] }));
    addEventListener("pointerup", up, { once: true });
  });

  // Offline: the banner shows, and what would write waits instead of being sent later twice
  const offline = () => root.classList.contains("is-offline");
  const stop = (event) => (event.preventDefault(), event.stopImmediatePropagation());
  document.addEventListener("click", (event) => {
    if (offline() && event.target.closest?.(".pu-btn:not([data-local]):not(a)")) stop(event);
  }, true);
  document.addEventListener("submit", (event) => offline() && stop(event), true);

  function watchConnection() {
    const popup = document.getElementById("popup");
    if (!popup) return;
    let late;
    new MutationObserver(() => {
      clearTimeout(late);
      if (popup.getAttribute("aria-hidden") === "true") root.classList.remove("is-offline");
      else late = setTimeout(() => root.classList.add("is-offline"), 1000);
    }).observe(popup, { attributeFilter: ["aria-hidden"] });
  }

  document.addEventListener("DOMContentLoaded", () => {
    darkSystem.addEventListener("change", () => chosenTheme() === "system" && applyTheme("system"));
    watchConnection();
  });
})();
