// Keys, the sheet that lists them, and row heights: what a person sets for this browser, without asking the server.
(() => {
  const root = document.documentElement;
  const PATIENCE = 1500; // between g and the letter of a page

  // Single keys can be switched off (speech input types them by accident); Ctrl+K, Enter and Esc always work
  const keyless = () => localStorage.purser_keys === "off";
  root.classList.toggle("is-keyless", keyless());

  const layer = () => document.querySelector("dialog[open], .q-dialog, .q-menu, [popover]:popover-open");
  const typing = (target) => target.closest?.("input, textarea, select, [contenteditable]");
  let going = -PATIENCE; // when g was pressed

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (keyless() || typing(event.target) || layer()) return;
    const done = performance.now() - going < PATIENCE ? go(event.key) : single(event);
    if (done) event.preventDefault();
  });

  function single({ key, target }) {
    if (key === "g") return (going = performance.now());
    if (key === "?") return openSheet();
    if (key === "j" || key === "k") return row(target, key === "j" ? 1 : -1);
    if (key !== "/") return false;
    const filter = document.querySelector("[data-filter] input, input[data-filter]");
    filter?.focus();
    return filter;
  }

  function go(key) {
    going = -PATIENCE;
    const link = /^[a-z]$/.test(key) && document.querySelector(`[data-go="${key}"]`);
    link?.click?.();
    return link;
  }

  // Rows: from the one that has the focus, else from the chosen one, else from the first
  function row(target, step) {
    const table = target.closest?.(".pu-table") ?? document.querySelector("main .pu-table:has(.pu-rowlink)");
    const links = [...(table?.querySelectorAll(".pu-rowlink") ?? [])];
    const here = links.indexOf(target.closest?.("tr")?.querySelector(".pu-rowlink"));
    const chosen = links.findIndex((link) => link.closest("tr.is-chosen"));
    const next = links[here >= 0 ? here + step : chosen >= 0 ? chosen + step : 0];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
    return next;
  }

  // The sheet
  const sheet = () => document.querySelector(".pu-sheet");

  function openSheet() {
    const box = sheet();
    if (!box || box.open) return false;
    box.querySelector("[data-keys-switch]").checked = !keyless();
    box.showModal();
    return true;
  }

  // Row heights
  function setRows(height) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `purser_rows=${height}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    document.querySelector(".pu-app")?.setAttribute("data-rows", height);
    for (const button of document.querySelectorAll(".pu-option[data-density]"))
      button.setAttribute("aria-selected", String(button.dataset.density === height));
  }

  // Enter in a dialog's one field presses its verb
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !event.target.closest?.("[data-enter]")) return;
    event.target.closest(".pu-dialog")?.querySelector(".pu-dialog-foot .is-primary")?.click();
  });

  // In the capturing phase: a menu's items keep their clicks to themselves
  document.addEventListener("click", (event) => {
    const hit = (selector) => event.target.closest?.(selector);
    if (hit("[data-density]")) setRows(hit("[data-density]").dataset.density);
    if (hit("[data-keys]")) setTimeout(openSheet); // once what it was chosen in has closed
    if (hit("[data-sheet-close]") || event.target === sheet()) sheet().close();
  }, true);

  document.addEventListener("change", (event) => {
    if (!event.target.matches?.("[data-keys-switch]")) return;
    localStorage.purser_keys = event.target.checked ? "on" : "off";
    root.classList.toggle("is-keyless", keyless());
  });
})();
