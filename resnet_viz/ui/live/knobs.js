// What can be turned in a net that trains: shortcut strength, drop path, weight decay, single shortcuts; sharpness.

import { button, make, say } from "./dom.js";
import { short } from "./numbers.js";

const RANGES = {
  alpha: { name: "Shortcut strength α", title: "y = F(x) + α x in every block; at 0 the net is the plain one", low: 0, high: 1, step: 0.05 },
  drop_path: { name: "Drop-path survival", title: "How often the last branch is there in a training step; earlier ones more often", low: 0.05, high: 1, step: 0.05 },
};

export class Knobs {
  /** `command(dict)` sends a command, `opened()` is told when the box opens; it lies over `bar`. */
  constructor(bar, command, opened) {
    this.command = command;
    this.opened = opened;
    this.button = button("plain knobs-button", "Net", "Turn the net's knobs while it trains: shortcuts, drop path, weight decay", () => this.toggle());
    this.button.setAttribute("aria-expanded", "false");
    this.box = make("div", "knobs", "", { role: "group", "aria-label": "Knobs of the net" });
    this.box.hidden = true;
    this.box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      this.toggle(false);
      this.button.focus();
    });
    this.ranges = Object.entries(RANGES).map(([kind, how]) => this.range(kind, how));
    this.decay = make("input", "decay", "", { type: "text", inputmode: "decimal", "aria-label": "Weight decay" });
    this.decay.addEventListener("change", () => this.setDecay());
    const decay = make("label", "knob", "", { title: "Of all weights, from the next step on" });
    decay.append(make("span", "knob-name", "Weight decay"), this.decay);
    this.shortcuts = make("div", "knob-shortcuts");
    this.sharpness = button("plain", "Measure sharpness", "Largest eigenvalue of the loss's Hessian at this step, by power iteration: takes some seconds", () => command({ kind: "sharpness" }));
    this.found = make("div", "knob-found");
    this.box.append(...this.ranges.map((r) => r.root), decay, this.shortcuts, this.sharpness, this.found);
    bar.append(this.box);
  }

  range(kind, { name, title, low, high, step }) {
    const root = make("label", "knob", "", { title });
    const slider = make("input", "knob-range", "", { type: "range", min: String(low), max: String(high), step: String(step), "aria-label": name });
    const value = make("span", "knob-value");
    slider.addEventListener("input", () => say(value, short(Number(slider.value))));
    slider.addEventListener("change", () => {
      this.wish = { kind, value: Number(slider.value), until: performance.now() + 2500 };
      this.command({ kind, value: Number(slider.value) });
    });
    root.append(make("span", "knob-name", name), slider, value);
    return { kind, root, slider, value };
  }

  setDecay() {
    const value = Number(this.decay.value.replace(",", "."));
    const fits = this.decay.value.trim() !== "" && Number.isFinite(value) && value >= 0 && value <= 1;
    this.decay.setAttribute("aria-invalid", String(!fits));
    if (fits) this.command({ kind: "weight_decay", value });
  }

  toggle(open = this.box.hidden) {
    this.box.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) this.opened();
  }

  draw(model, playhead, chosen, steer) {
    this.button.hidden = !steer;
    const off = !model.id || model.ended || model.state === "loading";
    this.button.disabled = !model.id && !model.started;
    if (!steer) this.toggle(false);
    if (this.box.hidden) return;
    const row = Math.max(0, playhead.row);
    const field = this.box.getRootNode().activeElement;
    const bare = !model.contestants.some((c) => model.hasShortcuts(c));
    for (const { kind, slider, value } of this.ranges) {
      slider.disabled = off || bare;
      const known = this.wish && this.wish.kind === kind && performance.now() < this.wish.until ? this.wish.value : model.valueAt(kind, row);
      if (field !== slider || slider.disabled) {
        const at = String(known ?? 1);
        if (slider.value !== at) slider.value = at;
      }
      if (field !== slider) say(value, known === null ? "mixed" : short(known));
    }
    this.decay.disabled = off;
    const decay = model.valueAt("weight_decay", row);
    if (field !== this.decay && this.decay.getAttribute("aria-invalid") !== "true") this.decay.value = decay === null ? "" : String(decay);
    this.sharpness.disabled = off;
    this.offer(model, row, chosen, off);
    say(this.found, model.sharpness.slice(-4).map(({ c, step, value, residual }) => `${c}: ${short(value)} ± ${short(residual)} at step ${step}`).join("\n"));
  }

  /** Buttons that cut or restore the shortcuts around the chosen layer. */
  offer(model, row, chosen, off) {
    const rows = chosen === null ? [] : model.contestants.flatMap((c) => {
      const path = model.blockOf(c, chosen);
      return path && model.leadsAround(c, path) ? [{ c, path, cut: model.cutAt(c, row).has(path) }] : [];
    });
    const key = JSON.stringify([off, chosen, rows.map(({ c, path, cut }) => [c.name, path, cut])]);
    if (key === this.offered) return;
    this.offered = key;
    const hint = chosen === null ? "Choose a layer in a strip or picture: its shortcut can be cut." : "No shortcut leads around this layer.";
    this.shortcuts.replaceChildren(...(rows.length ? [] : [make("span", "", hint)]));
    for (const { c, path, cut } of rows) {
      const words = `${cut ? "Restore" : "Cut"} ${path} · ${c.name}`;
      const one = button("plain", words, `${cut ? "Restore" : "Cut"} this block's shortcut from the next step on`, () => this.command({ kind: "shortcut", contestant: c.name, block: path, value: cut ? 1 : 0 }));
      one.disabled = off;
      this.shortcuts.append(one);
    }
  }
}

/** A choice that opens over a button when a run has changes made by hand: repeat them, or not. */
export class Choice {
  constructor(bar, choose) {
    this.choose = choose;
    this.box = make("div", "knobs choice", "", { role: "group", "aria-label": "Changes made by hand" });
    this.box.hidden = true;
    this.with = button("plain", "", "Each is made again at its step: the same numbers", () => this.pick(true));
    this.without = button("plain", "Without them", "As the recipe says", () => this.pick(false));
    this.box.append(this.with, this.without);
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
    bar.append(this.box);
  }

  open(count, command) {
    this.command = command;
    say(this.with, count === 1 ? "With the change made by hand" : `With the ${count} changes made by hand`);
    this.box.hidden = false;
    this.with.focus();
  }

  close() {
    this.box.hidden = true;
  }

  pick(changes) {
    this.close();
    this.choose({ ...this.command, changes });
  }
}
