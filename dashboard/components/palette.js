// The palette: a modal search box over the page. It asks by GET and opens links; nothing in it writes.
// All text goes through Vue, which escapes it; what was opened from here is remembered in this browser alone.
const WAIT = 120; // ms after the last key
const KEPT = 6;

const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
const local = (href) => typeof href === "string" && /^\/(?![\/\\])/.test(href);

export default {
  props: ["address", "person"],
  template: `
    <dialog ref="box" class="pu-palette" aria-label="Search" @click="$event.target === $refs.box && close()" @close="over">
      <div class="pu-palette-field">
        <i class="pu-icon" aria-hidden="true">search</i>
        <input ref="field" type="text" role="combobox" aria-label="Search users, generations, models, pages, actions" aria-autocomplete="list"
          aria-expanded="true" aria-controls="pu-found" :aria-activedescendant="entries.length ? 'pu-found-' + at : null"
          placeholder="Search…" autocomplete="off" autocapitalize="off" spellcheck="false" maxlength="400"
          :value="text" @input="typed($event.target.value)" @paste="pasted = true" @keydown="key" />
        <span v-if="waiting" class="pu-palette-busy" aria-hidden="true"></span>
        <button type="button" class="pu-palette-close" aria-label="Close" @click="close"><kbd aria-hidden="true">Esc</kbd><i class="pu-icon" aria-hidden="true">close</i></button>
      </div>
      <div class="pu-palette-found" ref="found">
        <p v-if="failed" class="pu-palette-said" role="alert">{{ failed }}</p>
        <p v-else-if="none" class="pu-palette-said">Nothing found for “{{ asked }}”. Try a whole id, or how an e-mail address or a name begins.</p>
        <div id="pu-found" role="listbox" aria-label="Found" :aria-busy="String(waiting)">
          <div v-for="group in groups" :key="group.name" role="group" :aria-label="group.name">
            <div class="pu-palette-group" role="presentation">{{ group.name }}</div>
            <component v-for="e in group.entries" :key="e.at" :is="e.href ? 'a' : 'button'" :id="'pu-found-' + e.at" role="option" tabindex="-1"
              class="pu-palette-entry" :href="e.href" :type="e.href ? null : 'button'" :aria-selected="String(e.at === at)" v-bind="e.data"
              @pointermove="at = e.at" @click="chosen($event, e)">
              <i class="pu-icon" aria-hidden="true">{{ e.icon }}</i>
              <span><template v-for="(part, n) in marked(e.title)" :key="n"><b v-if="part.hit">{{ part.text }}</b><template v-else>{{ part.text }}</template></template><span v-if="e.note" class="pu-palette-note">{{ e.note }}</span></span>
              <span v-if="e.aside" class="pu-palette-aside">{{ e.aside }}</span>
              <span v-if="e.keys" class="pu-palette-keys" aria-hidden="true"><kbd v-for="cap in e.keys" :key="cap">{{ cap }}</kbd></span>
              <span v-if="e.number" class="pu-palette-aside is-number">{{ e.number }}</span>
              <span v-if="e.chip" :class="'pu-chip is-' + e.chip.tone">{{ e.chip.word }}<i class="pu-icon" aria-hidden="true">{{ e.chip.icon }}</i></span>
              <kbd v-else aria-hidden="true"><i class="pu-icon">keyboard_return</i></kbd>
            </component>
          </div>
        </div>
      </div>
      <div class="pu-palette-foot" aria-hidden="true">
        <span><kbd><i class="pu-icon">arrow_upward</i></kbd><kbd><i class="pu-icon">arrow_downward</i></kbd>choose</span>
        <span><kbd><i class="pu-icon">keyboard_return</i></kbd>open</span>
        <span>An e-mail or id jumps straight there</span>
      </div>
      <div class="pu-hidden" role="status">{{ said }}</div>
    </dialog>`,
  data: () => ({ text: "", asked: "", found: [], at: 0, failed: "", waiting: false, pasted: false, enter: null }),
  computed: {
    groups() {
      const recent = this.asked ? [] : this.recent();
      let at = 0;
      return [...(recent.length ? [{ name: "Recent", entries: recent }] : []), ...this.found]
        .filter((group) => group.entries.length)
        .map((group) => ({ ...group, entries: group.entries.map((entry) => ({ ...entry, at: at++ })) }));
    },
    entries() {
      return this.groups.flatMap((group) => group.entries);
    },
    none() {
      return this.asked && !this.waiting && !this.entries.length;
    },
    said() {
      return this.waiting || this.failed ? "" : `${this.entries.length} found`;
    },
  },
  mounted() {
    this.listeners = [
      ["keydown", (event) => {
        if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
          event.preventDefault();
          this.$refs.box.open ? this.close() : this.open();
        }
      }],
      ["click", (event) => event.target.closest?.("[data-palette]") && this.open()],
    ];
    for (const [name, listener] of this.listeners) document.addEventListener(name, listener, true);
    if (/Mac|iP/.test(navigator.platform))
      for (const cap of document.querySelectorAll("[data-palette] kbd")) cap.textContent = "Cmd K";
  },
  unmounted() {
    for (const [name, listener] of this.listeners) document.removeEventListener(name, listener, true);
  },
  methods: {
    open() {
      if (this.$refs.box.open) return;
      Object.assign(this, { text: "", asked: "", found: [], at: 0, failed: "", pasted: false, enter: null });
      document.querySelector("[popover]:popover-open")?.hidePopover();
      this.$refs.box.showModal();
      this.$refs.field.focus();
      this.ask();
    },
    close() {
      this.$refs.box.close(); // the browser gives the focus back to where it was
    },
    over() {
      clearTimeout(this.later);
      this.request?.abort();
    },
    typed(text) {
      this.text = text;
      this.enter = null;
      clearTimeout(this.later);
      this.request?.abort(); // an answer to what was typed before is no answer any more
      if (this.pasted) this.ask();
      else this.later = setTimeout(() => this.ask(), WAIT);
      this.waiting = true;
      this.pasted = false;
    },
    async ask() {
      clearTimeout(this.later);
      this.request?.abort();
      const request = (this.request = new AbortController());
      const text = this.text.trim();
      this.waiting = true;
      let found = [], failed = "";
      try {
        const answer = await fetch(`${this.address}?q=${encodeURIComponent(text)}`, { signal: request.signal, headers: { Accept: "application/json" } });
        if (answer.status === 401) return location.reload();
        const said = await answer.json();
        if (answer.ok) found = said.groups;
        else failed = said.message;
      } catch (error) {
        if (request.signal.aborted) return;
        failed = "Purser does not answer. Try again in a moment.";
      }
      if (request.signal.aborted) return;
      Object.assign(this, { found, failed, asked: text, at: 0, waiting: false });
      this.$refs.found.scrollTop = 0;
      if (this.enter) this.$nextTick(() => this.press(this.enter));
    },
    key(event) {
      if (event.isComposing) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && this.entries.length) {
        event.preventDefault();
        this.at = (this.at + step + this.entries.length) % this.entries.length;
        this.$nextTick(() => document.getElementById(`pu-found-${this.at}`)?.scrollIntoView({ block: "nearest" }));
      } else if (event.key === "Enter") {
        event.preventDefault();
        const how = { aside: event.ctrlKey || event.metaKey };
        if (!this.waiting) return this.press(how);
        this.enter = how; // what is typed has no answer yet: it is asked at once, and its first opened
        this.ask();
      }
    },
    press({ aside }) {
      this.enter = null;
      const entry = document.getElementById(`pu-found-${this.at}`);
      if (aside && entry?.href) window.open(entry.href, "_blank", "noopener");
      else entry?.click();
    },
    chosen(event, entry) {
      if (entry.href && entry.object) this.remember(entry);
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      this.close();
    },
    marked(title) {
      const hits = words(this.asked);
      if (!hits.length) return [{ text: title }];
      const pattern = new RegExp(`(${hits.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "i");
      return title.split(pattern).map((text, n) => ({ text, hit: n % 2 === 1 })).filter((part) => part.text);
    },
    recent() {
      try {
        return JSON.parse(localStorage[`purser_recent:${this.person}`] ?? "[]").filter((entry) => local(entry.href));
      } catch {
        return [];
      }
    },
    remember({ icon, title, note, href, object }) {
      const others = this.recent().filter((entry) => entry.href !== href);
      localStorage[`purser_recent:${this.person}`] = JSON.stringify([{ icon, title, note, href, object }, ...others].slice(0, KEPT));
    },
  },
};
