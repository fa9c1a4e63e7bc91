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
    chooseTheme({ system: opposite, [opposite]: system, [system]: "system" }[chosenTheme()]);
  }

  function chooseTheme(theme) {
    remember("purser_theme", theme);
    applyTheme(theme);
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

  // Keys: Esc closes the pane (the focus goes back to its row), arrows move in tabs and segments; the rest is in keys.js
  const busyLayer = () => document.querySelector("dialog[open], .q-dialog, .q-menu, [popover]:popover-open");

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && !busyLayer()) document.querySelector(".pu-pane:not([hidden]) [data-pane-close]")?.click();
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
    if (hit("[data-theme]")) chooseTheme(hit("[data-theme]").dataset.theme);
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

  // What is not saved: leaving asks first, as long as something on the page says so (`data-unsaved`)
  addEventListener("beforeunload", (event) => document.querySelector("[data-unsaved]:not([hidden])") && event.preventDefault());

  // A file into a text field: `data-file-into` is the field's label; the file itself stays in the browser
  document.addEventListener("change", async (event) => {
    const into = event.target.dataset?.fileInto;
    const file = into && event.target.files[0];
    const field = document.querySelector(`textarea[aria-label="${into}"]`) ?? document.getElementById(into);
    if (!file || !field) return;
    field.value = file.size > 500_000 ? "" : await file.text();
    field.dispatchEvent(new Event("input", { bubbles: true }));
    event.target.value = "";
  });

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

// Times that go on by themselves (components/ticking.py): counted from absolute moments, by the server's clock
(() => {
  const NOISE = 2000; // a page takes a moment from being written to being there
  const zones = {};
  let ahead; // by how many ms the server's clock is ahead of this one

  function now() {
    if (ahead === undefined) {
      const said = document.querySelector("[data-now]")?.dataset.now;
      if (!said) return Date.now();
      const loading = performance.getEntriesByType("navigation")[0]?.responseStart ?? 0;
      const came = Date.now() - performance.now() + loading;
      ahead = Date.parse(said) - came;
      if (Math.abs(ahead) < NOISE) ahead = 0;
    }
    return Date.now() + ahead;
  }

  function length(ms) {
    const s = Math.max(0, Math.floor(ms / 1000));
    const two = (number) => String(number).padStart(2, "0");
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${Math.floor(s / 60)}m ${two(s % 60)}s`;
    if (s < 86400) return `${Math.floor(s / 3600)}h ${two(Math.floor((s % 3600) / 60))}m`;
    return `${Math.floor(s / 86400)}d ${Math.floor((s % 86400) / 3600)}h`;
  }

  function clock(zone) {
    zones[zone] ??= new Intl.DateTimeFormat("en-GB", { timeZone: zone, timeStyle: "medium" });
    return zones[zone].format(now());
  }

  function said(time) {
    const { tick, words, over, zone } = time.dataset;
    if (tick === "clock") return words.replace("{}", clock(zone));
    const moment = Date.parse(time.getAttribute("datetime"));
    const left = tick === "until" ? moment - now() : now() - moment;
    return tick === "until" && left <= 0 && over ? over : words.replace("{}", length(left));
  }

  function advance() {
    for (const time of document.querySelectorAll("[data-tick]")) {
      const { tick, since, until } = time.dataset;
      if (tick === "part") {
        const part = (now() - Date.parse(since)) / (Date.parse(until) - Date.parse(since) || 1);
        time.style.width = `${Math.min(100, Math.max(0, part * 100)).toFixed(2)}%`;
      } else if (tick !== "clock" || !document.documentElement.classList.contains("is-offline")) {
        if (tick === "until") time.toggleAttribute("data-is-over", Date.parse(time.getAttribute("datetime")) <= now());
        const text = time.lastChild; // Vue keeps this very node: it is written into, never replaced
        const next = text?.nodeType === Node.TEXT_NODE && said(time);
        if (next && next !== text.data) text.data = next;
      }
    }
  }

  setInterval(advance, 1000);
  document.addEventListener("visibilitychange", advance);

  // The focus goes round inside an open dialog, both ways: left to the browser it would leave the page between the last
  // stop and the first, and Quasar brings it back to where the dialog began.
  const STOPS = "a[href], button:not([disabled]), input:not([disabled]), select, textarea, [tabindex]";
  document.addEventListener("keydown", (event) => {
    const dialog = event.key === "Tab" && document.activeElement?.closest("[role=dialog]");
    if (!dialog) return;
    const stops = [...dialog.querySelectorAll(STOPS)].filter((one) => one.tabIndex >= 0 && one.getClientRects().length);
    const [end, other] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
    if (!other || (document.activeElement !== end && document.activeElement !== dialog)) return;
    event.preventDefault();
    other.focus();
  });

  // Menus: arrow keys move among their items
  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.("[role=menu]");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!menu || !step) return;
    const items = [...menu.querySelectorAll("[role=menuitem]:not([disabled], [hidden])")];
    const here = items.indexOf(event.target.closest("[role=menuitem]"));
    event.preventDefault();
    items[here < 0 ? (step > 0 ? 0 : items.length - 1) : (here + step + items.length) % items.length]?.focus();
  });
})();
