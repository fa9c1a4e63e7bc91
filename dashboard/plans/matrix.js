// The matrix of plans: one grid for the keyboard (arrows move, Enter or Space changes, Esc leaves), keyed by row and
// plan, so that a refresh changes cells in place and keeps the focus. All text goes through Vue, which escapes it.
const HEAD = "*"; // no id is written so
const NARROW = "(width < 600px)"; // a phone reads only
const NUMBER = /^\d{1,15}$/;

export default {
  props: ["caption", "plans", "rows", "readonly", "nothing"],
  emits: ["set", "act"],
  data: () => ({ at: { row: null, col: null }, editing: null, fault: "", narrow: matchMedia(NARROW).matches, open: null }),
  template: `
    <div>
      <div class="pu-matrix-scroll">
        <table role="grid" :aria-label="caption" :aria-readonly="String(locked)" :aria-rowcount="rows.length + 1"
          :style="{ '--plans': plans.length }" @keydown="keys" @focusin="entered">
          <colgroup><col class="pu-matrix-first"><col v-for="p in plans" :key="p.id"></colgroup>
          <thead role="rowgroup">
            <tr role="row" aria-rowindex="1">
              <th role="columnheader" scope="col" class="pu-matrix-corner">Feature or limit</th>
              <th v-for="p in plans" :key="p.id" role="columnheader" scope="col" :class="['pu-matrix-plan', p.look]">
                <component :is="p.menu.length && !locked ? 'button' : 'div'" v-bind="cell('${HEAD}', p.id)"
                  :type="p.menu.length && !locked ? 'button' : null" :aria-haspopup="p.menu.length && !locked ? 'menu' : null"
                  :aria-expanded="p.menu.length && !locked ? String(open === 'plan ' + p.id) : null" :title="p.title"
                  @click="menu($event, 'plan', p)">
                  <span class="pu-matrix-name"><span>{{ p.name }}</span><i v-if="p.menu.length && !locked" class="pu-icon"
                    aria-hidden="true">arrow_drop_down</i></span>
                  <span class="pu-meta">{{ p.sub }}</span>
                </component>
              </th>
            </tr>
          </thead>
          <tbody role="rowgroup">
            <tr v-for="(r, n) in rows" :key="r.id" role="row" :aria-rowindex="n + 2" :class="r.group ? 'is-group' : null">
              <th v-if="r.group" role="rowheader" scope="rowgroup" :colspan="plans.length + 1" :aria-colspan="plans.length + 1"><span>{{ r.label }}</span></th>
              <template v-else>
                <th role="rowheader" scope="row" :class="r.look">
                  <component :is="r.menu.length && !locked ? 'button' : 'div'" v-bind="cell(r.id, '${HEAD}')"
                    :type="r.menu.length && !locked ? 'button' : null" :aria-haspopup="r.menu.length && !locked ? 'menu' : null"
                    :aria-expanded="r.menu.length && !locked ? String(open === 'feature ' + r.id) : null" :title="r.title"
                    @click="menu($event, 'feature', r)"><span>{{ r.label }}</span><span v-if="r.note" class="pu-meta">{{ r.note }}</span><i
                    v-if="r.menu.length && !locked" class="pu-icon" aria-hidden="true">arrow_drop_down</i></component>
                </th>
                <td v-for="(c, i) in r.cells" :key="plans[i].id" role="gridcell" v-bind="cell(r.id, plans[i].id)"
                  :aria-label="isEdited(r, i) ? null : c.name" :aria-readonly="locked || !c.kind ? 'true' : null" :title="c.title"
                  :class="[c.look, { 'is-editing': isEdited(r, i), 'is-editable': c.kind && !locked }]" @click="press($event, r, i)">
                  <template v-if="isEdited(r, i)">
                    <span v-if="c.kind === 'many'" role="group" :aria-label="c.asks" class="pu-matrix-many" @focusout="leaving">
                      <button v-for="o in c.options" :key="o.value" type="button" :aria-pressed="String(c.value.includes(o.value))"
                        :aria-label="o.label" :title="o.label" @click.stop="flip(r, i, o.value)"><i class="pu-icon" aria-hidden="true">{{ o.icon }}</i></button>
                    </span>
                    <select v-else-if="c.kind === 'choice'" :aria-label="c.asks" :value="c.value" @change="send(r, i, $event.target.value)" @blur="leave(false)">
                      <option v-for="o in c.options" :key="o.value" :value="o.value">{{ o.label }}</option>
                    </select>
                    <template v-else>
                      <input type="text" inputmode="numeric" autocomplete="off" :aria-label="c.asks" :value="editing.text" :placeholder="c.empty"
                        :aria-invalid="fault ? 'true' : null" :aria-describedby="fault ? 'pu-matrix-fault' : null" @input="typed($event.target.value)" @blur="commit(r, i, false)">
                      <span v-if="fault" id="pu-matrix-fault" class="pu-matrix-fault" role="alert">{{ fault }}</span>
                    </template>
                  </template>
                  <template v-else>
                    <template v-if="c.was"><s>{{ c.was }}</s><i class="pu-icon is-to" aria-hidden="true">arrow_forward</i></template>
                    <i v-for="s in c.icons" :key="s.icon" class="pu-icon" :class="s.look" aria-hidden="true">{{ s.icon }}</i><span
                      v-if="c.text">{{ c.text }}</span>
                  </template>
                </td>
              </template>
            </tr>
          </tbody>
        </table>
      </div>
      <p v-if="nothing" class="pu-matrix-nothing" role="status">{{ nothing }}</p>
      <div ref="menu" popover="auto" class="pu-matrix-menu" role="menu" :aria-label="items.label" @toggle="toggled" @keydown.tab="$refs.menu.hidePopover()">
        <component v-for="o in items.list" :key="o.action" :is="o.href ? 'a' : 'button'" :href="o.href" :type="o.href ? null : 'button'" class="pu-item"
          role="menuitem" tabindex="-1" @click="choose(o)"><i class="pu-icon" aria-hidden="true">{{ o.icon }}</i>{{ o.label }}</component>
      </div>
    </div>`,
  computed: {
    locked() {
      return this.readonly || this.narrow;
    },
    // Where the keyboard may stand: the heads and cells of all rows that are shown, line by line
    lines() {
      const cols = this.plans.map((plan) => plan.id);
      const rows = this.rows.filter((row) => !row.group).map((row) => ({ row: row.id, cols: [HEAD, ...cols] }));
      return cols.length ? [{ row: HEAD, cols }, ...rows] : rows;
    },
    // The one stop of the Tab key: where the focus was last, else the first cell
    stop() {
      const known = this.lines.some((line) => line.row === this.at.row && line.cols.includes(this.at.col));
      if (known) return this.at;
      const line = this.lines[1] ?? this.lines[0];
      return { row: line?.row, col: line?.cols[line.row === HEAD ? 0 : 1] };
    },
    items() {
      const [kind, id] = this.open?.split(" ") ?? [];
      const found = (kind === "plan" ? this.plans : this.rows).find((one) => one.id === id);
      return { kind, id, label: found?.name ?? found?.label ?? "", list: found?.menu ?? [] };
    },
  },
  mounted() {
    this.media = matchMedia(NARROW);
    this.watch = () => (this.narrow = this.media.matches);
    this.media.addEventListener("change", this.watch);
  },
  beforeUpdate() {
    this.within = this.$el.contains(document.activeElement);
  },
  updated() {
    // A row that goes (a filter that it fits no more) takes the focus with it: the next stop has it then
    if (this.within && document.activeElement === document.body && !this.editing) this.find(this.stop.row, this.stop.col)?.focus();
  },
  beforeUnmount() {
    this.media.removeEventListener("change", this.watch);
  },
  methods: {
    cell(row, col) {
      return { "data-row": row, "data-col": col, tabindex: this.stop.row === row && this.stop.col === col ? 0 : -1 };
    },
    offline: () => document.documentElement.classList.contains("is-offline"),
    isEdited(row, place) {
      return this.editing?.row === row.id && this.editing.col === this.plans[place].id;
    },
    entered(event) {
      const { row, col } = event.target.dataset;
      if (row) this.at = { row, col };
    },
    find(row, col) {
      return this.$el.querySelector(`[data-row="${CSS.escape(row)}"][data-col="${CSS.escape(col)}"]`);
    },
    keys(event) {
      if (event.ctrlKey && !["Home", "End"].includes(event.key)) return;
      if (event.altKey || event.metaKey || event.isComposing) return;
      const here = event.target.closest("[data-row]");
      if (!here) return;
      if (event.target !== here) return this.keysInside(event, here);
      const next = this.next(here.dataset, event.key, event.ctrlKey);
      if (next) {
        event.preventDefault();
        this.find(next.row, next.col)?.focus();
      } else if (here.tagName === "TD") {
        const row = this.rows.find((one) => one.id === here.dataset.row);
        const place = this.plans.findIndex((plan) => plan.id === here.dataset.col);
        const typed = /^\d$/.test(event.key) && row.cells[place].kind === "number";
        if (!["Enter", " ", "F2"].includes(event.key) && !typed) return;
        event.preventDefault();
        this.begin(row, place, typed ? event.key : null);
      }
    },
    keysInside(event, here) {
      if (event.key === "Escape") {
        event.preventDefault();
        event.stopPropagation();
        this.leave(true);
      } else if (event.key === "Enter" && event.target.tagName === "INPUT") {
        event.preventDefault();
        const row = this.rows.find((one) => one.id === here.dataset.row);
        this.commit(row, this.plans.findIndex((plan) => plan.id === here.dataset.col), true);
      } else if (event.key === "Enter" && event.target.tagName === "SELECT") {
        event.preventDefault();
        this.leave(true);
      } else if (["ArrowLeft", "ArrowRight"].includes(event.key) && event.target.tagName === "BUTTON") {
        event.preventDefault();
        const all = [...event.target.parentElement.children];
        all[(all.indexOf(event.target) + (event.key === "ArrowRight" ? 1 : all.length - 1)) % all.length].focus();
      }
    },
    next({ row, col }, key, far) {
      const lines = this.lines;
      const y = lines.findIndex((line) => line.row === row);
      const x = col === HEAD ? 0 : 1 + this.plans.findIndex((plan) => plan.id === col);
      const to = (ny, nx) => {
        const line = lines[Math.min(Math.max(ny, 0), lines.length - 1)];
        const wide = this.plans.length;
        const at = Math.min(Math.max(nx, line.row === HEAD ? 1 : 0), wide);
        return { row: line.row, col: at === 0 ? HEAD : this.plans[at - 1].id };
      };
      switch (key) {
        case "ArrowUp": return to(y - 1, x);
        case "ArrowDown": return to(y + 1, x);
        case "ArrowLeft": return to(y, x - 1);
        case "ArrowRight": return to(y, x + 1);
        case "PageUp": return to(y - 8, x);
        case "PageDown": return to(y + 8, x);
        case "Home": return to(far ? 0 : y, 0);
        case "End": return to(far ? lines.length : y, this.plans.length);
        default: return null;
      }
    },
    press(event, row, place) {
      if (this.isEdited(row, place) || String(getSelection())) return;
      this.begin(row, place, null);
    },
    begin(row, place, typed) {
      const cell = row.cells[place];
      if (this.locked || this.offline() || !cell.kind) return;
      if (cell.kind === "toggle") return this.$emit("set", row.id, this.plans[place].id, !cell.value);
      this.fault = "";
      this.editing = { row: row.id, col: this.plans[place].id, text: typed ?? (cell.value === null ? "" : String(cell.value)) };
      this.$nextTick(() => {
        const field = this.find(row.id, this.plans[place].id)?.querySelector("input, select, button");
        field?.focus();
        if (field?.tagName === "INPUT") typed ? field.setSelectionRange(1, 1) : field.select();
      });
    },
    typed(text) {
      this.editing.text = text;
      this.fault = "";
    },
    // A number that cannot be one is said at the field; leaving the field then leaves the cell as it was
    commit(row, place, back) {
      if (!this.isEdited(row, place)) return;
      const cell = row.cells[place];
      const said = this.find(row.id, this.plans[place].id).querySelector("input").value.replace(/[\s,._'’]/g, "");
      const empty = said === "" || said.toLowerCase() === (cell.empty ?? "").replace(/\s/g, "").toLowerCase();
      if (!empty && !NUMBER.test(said)) {
        if (back) this.fault = `A whole number${cell.empty ? `, or nothing for “${cell.empty.toLowerCase()}”` : ""}.`;
        else this.leave(false);
        return;
      }
      const value = empty ? (cell.empty ? null : 0) : Number(said);
      this.leave(back);
      if (value !== cell.value) this.$emit("set", row.id, this.plans[place].id, value);
    },
    send(row, place, value) {
      this.$emit("set", row.id, this.plans[place].id, value);
    },
    flip(row, place, value) {
      const now = row.cells[place].value;
      const next = now.includes(value) ? now.filter((one) => one !== value) : [...now, value];
      this.$emit("set", row.id, this.plans[place].id, next);
    },
    leaving(event) {
      if (!event.currentTarget.contains(event.relatedTarget)) this.leave(false);
    },
    leave(back) {
      const left = this.editing;
      this.editing = null;
      this.fault = "";
      if (left && back) this.$nextTick(() => this.find(left.row, left.col)?.focus());
    },
    menu(event, kind, one) {
      if (this.locked || !one.menu.length) return;
      const button = event.currentTarget;
      this.open = `${kind} ${one.id}`;
      this.$nextTick(() => {
        const menu = this.$refs.menu;
        menu.showPopover({ source: button });
        const box = button.getBoundingClientRect();
        menu.style.left = `${Math.max(8, Math.min(box.left, innerWidth - menu.offsetWidth - 8))}px`;
        menu.style.top = `${Math.min(box.bottom + 2, innerHeight - menu.offsetHeight - 8)}px`;
        menu.querySelector("[role=menuitem]")?.focus();
      });
    },
    toggled(event) {
      if (event.newState === "closed") this.open = null;
    },
    choose(item) {
      const { kind, id } = this.items;
      this.$refs.menu.hidePopover();
      if (!item.href && !this.offline()) this.$emit("act", kind, id, item.action);
    },
  },
};
