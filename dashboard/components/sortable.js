// A list to be put in order: arrows move a row by one, the handle drags it; the server answers with the new order.
export default {
  props: ["where", "items", "movable"],
  emits: ["move", "step"],
  data: () => ({ dragged: null, offset: 0, target: null }),
  template: `
    <ol :aria-label="'Order ' + where">
      <li v-for="(item, place) in items" :key="item.id" :data-id="item.id" :class="look(item, place)"
        :style="item.id === dragged ? { '--offset': offset + 'px' } : null">
        <span v-if="movable" class="pu-handle" aria-hidden="true" @pointerdown="grab($event, item, place)"><i
          class="pu-icon">drag_indicator</i></span>
        <span class="pu-place">{{ place + 1 }}</span>
        <span class="pu-sortable-name"><span :title="item.name">{{ item.name }}</span><i v-if="item.icon" class="pu-icon"
          :class="'is-' + item.tone" role="img" :aria-label="item.word" :title="item.word">{{ item.icon }}</i></span>
        <span v-if="movable" class="pu-arrows">
          <button v-if="place > 0" type="button" class="pu-btn is-icon" data-way="-1" @click="$emit('step', item.id, -1)"
            :aria-label="'Move ' + item.name + ' up ' + where" :title="'Move ' + item.name + ' up'"><i
            class="pu-icon" aria-hidden="true">arrow_upward</i></button>
          <button v-if="place < items.length - 1" type="button" class="pu-btn is-icon" data-way="1" @click="$emit('step', item.id, 1)"
            :aria-label="'Move ' + item.name + ' down ' + where" :title="'Move ' + item.name + ' down'"><i
            class="pu-icon" aria-hidden="true">arrow_downward</i></button>
        </span>
      </li>
    </ol>`,
  beforeUpdate() {
    // A row that moves in the document loses its focus: remember whose it was.
    const row = document.activeElement?.closest("li[data-id]");
    if (row && this.$el.contains(row)) this.focused = { id: row.dataset.id, way: document.activeElement.dataset.way };
  },
  updated() {
    const { id, way } = this.focused ?? {};
    this.focused = null;
    const row = id && this.$el.querySelector(`li[data-id="${CSS.escape(id)}"]`);
    if (row && !row.contains(document.activeElement)) (row.querySelector(`[data-way="${way}"]`) ?? row.querySelector("button"))?.focus();
  },
  beforeUnmount() {
    this.letGo?.();
  },
  methods: {
    look(item, place) {
      const from = this.items.findIndex((one) => one.id === this.dragged);
      return {
        "is-dragged": item.id === this.dragged,
        "is-before": from >= 0 && place === this.target && place < from,
        "is-after": from >= 0 && place === this.target && place > from,
      };
    },
    grab(event, item, place) {
      if (event.button || document.documentElement.classList.contains("is-offline")) return;
      event.preventDefault();
      const start = event.clientY;
      const middles = [...this.$el.children].map((row) => (row.getBoundingClientRect().top + row.getBoundingClientRect().bottom) / 2);
      Object.assign(this, { dragged: item.id, offset: 0, target: place });
      const move = (now) => {
        this.offset = now.clientY - start;
        const passed = middles.map((middle) => now.clientY - middle);
        this.target = this.offset < 0 ? passed.findIndex((by, at) => by < 0 || at === place) : passed.findLastIndex((by, at) => by > 0 || at === place);
      };
      const end = (now) => {
        const { target } = this;
        this.letGo();
        if (now.type === "pointerup" && target !== place) this.$emit("move", item.id, target);
      };
      const escape = (now) => now.key === "Escape" && (now.stopPropagation(), now.preventDefault(), this.letGo());
      const heard = { pointermove: move, pointerup: end, pointercancel: end };
      for (const [name, handler] of Object.entries(heard)) addEventListener(name, handler);
      addEventListener("keydown", escape, true);
      this.letGo = () => {
        for (const [name, handler] of Object.entries(heard)) removeEventListener(name, handler);
        removeEventListener("keydown", escape, true);
        Object.assign(this, { dragged: null, offset: 0, target: null, letGo: null });
      };
    },
  },
};
