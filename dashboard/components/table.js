// The data table: one component for all rows, keyed by id, so a refresh changes cells in place and keeps the focus.
// All text goes through Vue, which escapes it. Links are real; a plain click on one is told to the server instead.
const Bits = {
  props: ["line"],
  emits: ["act"],
  template: `<template v-for="(b, n) in line" :key="n">{{ n ? " " : "" }}<component
      :is="b.h ? 'a' : b.a ? 'button' : b.d ? 'time' : 'span'"
      :class="b.c" :href="b.h" :title="b.n" :datetime="b.d" v-bind="b.k" :type="b.a ? 'button' : null"
      :style="b.p == null ? null : { '--part': b.p }"
      :role="b.l && !b.t && !b.a && !b.h ? 'img' : b.s == null ? null : 'switch'"
      :aria-checked="b.s == null ? null : String(b.s)"
      :aria-label="b.l && (!b.t || b.a || b.h) ? b.l : null"
      @click="b.a && $emit('act', b.a)"
    ><i v-if="b.i" class="pu-icon" aria-hidden="true">{{ b.i }}</i>{{ b.i && b.t && !(b.c || "").includes("pu-chip") ? " " : "" }}{{ b.t }}</component></template>`,
};

export default {
  components: { Bits },
  props: ["columns", "rows", "sort", "chosen", "caption", "state", "foot", "prev", "next", "old", "skeletons", "told", "picked"],
  emits: ["open", "sort", "page", "act", "pick"],
  template: `
    <div>
      <div v-if="old" class="pu-table-old" role="status">{{ old }}</div>
      <div class="pu-table-scroll">
        <table role="table" :aria-busy="state === 'loading'">
          <caption class="pu-hidden">{{ caption }}</caption>
          <colgroup><col v-if="picking" class="pu-pick" /><col v-for="c in columns" :key="c.key" :style="c.width ? { width: c.width } : null" /></colgroup>
          <thead role="rowgroup">
            <tr role="row">
              <th v-if="picking" scope="col" role="columnheader" class="pu-pick"><label><input type="checkbox"
                :checked="all" :indeterminate.prop="some && !all" :aria-label="'Choose all rows of this page'"
                @change="$emit('pick', rows.map((r) => r.id), $event.target.checked)" /></label></th>
              <th v-for="c in columns" :key="c.key" scope="col" role="columnheader" :class="c.place" :aria-sort="sorted(c)" :title="c.title">
                <button v-if="c.sort" type="button" @click="$emit('sort', c.key)">{{ c.label
                  }}<i v-if="sorted(c) !== 'none'" class="pu-icon" aria-hidden="true">{{ sort.down ? 'arrow_downward' : 'arrow_upward' }}</i></button>
                <span v-else :class="c.silent ? 'pu-hidden' : null">{{ c.label }}</span>
              </th>
            </tr>
          </thead>
          <tbody v-if="state === 'loading'" role="rowgroup">
            <tr v-for="n in skeletons" :key="n" role="row">
              <td v-if="picking" role="cell" class="pu-pick"></td>
              <td v-for="(c, i) in columns" :key="c.key" role="cell" :class="[c.place, c.card]">
                <span class="pu-skeleton" :style="{ width: 40 + ((n * 7 + i * 13) % 45) + '%' }"></span>
              </td>
            </tr>
          </tbody>
          <tbody v-else-if="state === 'ready'" role="rowgroup" @keydown="move">
            <tr v-for="r in rows" :key="r.id" role="row" :data-link="r.href" :class="[r.look, { 'is-chosen': r.id === chosen }]" @click="openRow($event)">
              <td v-if="picking" role="cell" class="pu-pick"><label><input type="checkbox" :checked="picks.has(r.id)"
                :aria-label="'Choose ' + r.name" @change="$emit('pick', [r.id], $event.target.checked)" /></label></td>
              <td v-for="(c, i) in columns" :key="c.key" role="cell" :class="[c.place, c.card]">
                <component :is="c.link && r.href ? 'a' : 'div'" v-bind="linkOf(c, r)" @click="follow($event, 'open', r.id)">
                  <div v-for="(line, n) in r.cells[i]" :key="n" class="pu-line"><Bits :line="line" @act="$emit('act', r.id, $event)" /></div>
                </component>
              </td>
            </tr>
          </tbody>
        </table>
      </div>
      <div v-show="state === 'said'" class="pu-table-said"><slot /></div>
      <div v-if="foot" class="pu-table-foot">
        <span>{{ foot }}</span>
        <nav v-if="prev || next" :aria-label="'Pages of ' + caption">
          <a v-for="p in pages" :key="p.way" class="pu-btn is-icon is-small" :aria-label="p.label" :title="p.label"
            :href="p.href || null" :role="p.href ? null : 'link'" :aria-disabled="p.href ? null : 'true'"
            @click="p.href && follow($event, 'page', p.way)"><i class="pu-icon" aria-hidden="true">{{ p.icon }}</i></a>
        </nav>
      </div>
    </div>`,
  computed: {
    picking() {
      return this.told.includes("pick");
    },
    picks() {
      return new Set(this.picked ?? []);
    },
    all() {
      return this.rows.length > 0 && this.rows.every((row) => this.picks.has(row.id));
    },
    some() {
      return this.rows.some((row) => this.picks.has(row.id));
    },
    pages() {
      return [
        { way: "prev", href: this.prev, label: "Previous page", icon: "chevron_left" },
        { way: "next", href: this.next, label: "Next page", icon: "chevron_right" },
      ];
    },
  },
  methods: {
    sorted(column) {
      if (!column.sort) return null;
      if (this.sort?.key !== column.key) return "none";
      return this.sort.down ? "descending" : "ascending";
    },
    linkOf(column, row) {
      if (!column.link || !row.href) return null;
      return { class: "pu-rowlink", href: row.href, "aria-current": row.id === this.chosen ? "true" : null };
    },
    follow(event, name, value) {
      const link = event.currentTarget.tagName === "A";
      const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.button;
      if (!link || elsewhere || !this.told.includes(name)) return;
      event.preventDefault();
      this.$emit(name, value);
    },
    openRow(event) {
      const link = event.currentTarget.querySelector(".pu-rowlink");
      if (!link || event.target.closest("a, button, input, label, select")) return;
      if (String(getSelection())) return; // somebody is copying
      if (event.ctrlKey || event.metaKey) window.open(link.href, "_blank", "noopener");
      else link.click();
    },
    move(event) {
      const step = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select")) return;
      const links = [...this.$el.querySelectorAll(".pu-rowlink")];
      const row = event.target.closest("tr");
      const next = links[links.findIndex((link) => row.contains(link)) + step];
      if (next) (event.preventDefault(), next.focus());
    },
  },
};
