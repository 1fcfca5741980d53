// The values under the pointer, beside it: one line a contestant. It never takes the pointer itself.

import { make } from "./dom.js";
import { percent, short } from "./numbers.js";

export class Reading {
  constructor(root) {
    this.root = root;
    this.box = make("div", "reading", "", { "aria-hidden": "true" });
    this.box.hidden = true;
    root.append(this.box);
  }

  hide() {
    this.at = null;
    this.box.hidden = true;
  }

  /** Where the pointer is: the next drawing writes what is there, and each one after it while the run goes on. */
  place(event) {
    this.at = [event.clientX, event.clientY];
  }

  get shown() {
    return Boolean(this.at);
  }

  /** `rows` is [[contestant, words]]. */
  draw(title, rows, style) {
    const told = [title, ...rows.map(([, words]) => words), ...this.at].join();
    if (told === this.told && !this.box.hidden) return;
    this.told = told;
    this.box.replaceChildren(make("div", "reading-title", title));
    for (const [contestant, words] of rows) {
      const line = make("div", "reading-line");
      const name = make("span", "reading-name", style.name(contestant, 22));
      name.style.color = `var(--rv-ink-${contestant.role})`;
      line.append(name, make("span", "reading-value", words));
      this.box.append(line);
    }
    this.box.hidden = false;
    const frame = this.root.getBoundingClientRect();
    const x = this.at[0] - frame.left;
    const y = this.at[1] - frame.top;
    const { offsetWidth, offsetHeight } = this.box;
    const left = x + 16 + offsetWidth > frame.width ? x - 14 - offsetWidth : x + 16;
    const top = y + 14 + offsetHeight > frame.height ? y - 12 - offsetHeight : y + 14;
    this.box.style.transform = `translate(${Math.max(0, Math.round(left))}px, ${Math.max(0, Math.round(top))}px)`;
  }
}

/** What a layer's gradient is at a step, for each contestant. */
export function layerRows(model, place, row) {
  return model.contestants
    .filter((c) => place < c.main.length)
    .map((c) => {
      const column = row >= 0 ? c.track.at(row) : -1;
      return [c, column < 0 ? "–" : short(c.track.grad[column][c.main[place]])];
    });
}

/** Loss, minibatch error and the errors of the last evaluation at a step, for each contestant. */
export function stepRows(model, step) {
  return model.contestants.map((c) => {
    const column = c.track.done > step || c.track.length ? c.track.at(step) : -1;
    const known = column >= 0 && step < c.track.done;
    const row = model.evalAt(c, step);
    const words = [`loss ${known ? short(c.track.loss[column]) : "–"}`];
    if (row) words.push(`train ${percent(row.train)}`, `test ${percent(row.test)}`);
    return [c, words.join(" · ")];
  });
}

/** A layer's name: its number and its path, the paths of all where they differ. */
export function layerTitle(model, place) {
  const paths = new Set(model.contestants.filter((c) => place < c.main.length).map((c) => c.layers[c.main[place]].path));
  return `layer ${place + 1}${paths.size === 1 ? ` · ${[...paths][0]}` : ""}`;
}
