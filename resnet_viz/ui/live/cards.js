// The contestants' cards: colour, name, parameters, the train error large, and the strip of layers.

import { make, say } from "./dom.js";
import { percent } from "./numbers.js";
import { Strip } from "./strip.js";

export class Cards {
  /** `on.point(place | null)` while a layer is pointed at, `on.choose(place | null)` when one is chosen. */
  constructor(parent, on) {
    this.on = on;
    this.root = make("div", "cards");
    parent.append(this.root);
    this.cards = [];
    this.chosen = null;
  }

  build(model) {
    this.root.replaceChildren();
    this.root.dataset.count = String(model.contestants.length || 2);
    this.cards = model.contestants.map((c) => this.card(c));
    if (!this.cards.length) {
      for (let i = 0; i < 2; i += 1) this.root.append(make("div", "card empty"));
    }
  }

  card(contestant) {
    const root = make("section", "card");
    const head = make("div", "card-head");
    const square = make("span", "square");
    square.style.background = `var(--rv-${contestant.role})`;
    const name = make("b", "card-name", contestant.name, { title: contestant.name });
    const count = Number.isFinite(contestant.parameters) ? `${contestant.parameters.toLocaleString("en-US")} parameters` : "";
    const words = [count, contestant.description].filter(Boolean);
    const about = make("span", "card-about", "", { title: words.join(" · ") });
    about.append(...words.map((part) => make("span", "", part)));
    const error = make("span", "card-error", "–");
    error.style.color = `var(--rv-ink-${contestant.role})`;
    const unit = make("span", "card-unit", "train error");
    head.append(square, name, about, error, unit);
    const box = make("div", "strip", "", {
      role: "slider", tabindex: "0", "aria-label": `Layer of ${contestant.name}`, "aria-valuemin": "1",
      "aria-valuemax": String(contestant.main.length), "aria-valuetext": "no layer chosen",
    });
    root.append(head, box);
    this.root.append(root);
    const strip = new Strip(box, contestant.name);
    const place = (event) => strip.layerAt(Math.floor(event.clientX) - box.getBoundingClientRect().left);
    box.addEventListener("pointermove", (event) => this.on.point(place(event), event));
    box.addEventListener("pointerleave", () => this.on.point(null));
    box.addEventListener("click", (event) => this.on.choose(place(event), true));
    box.addEventListener("keydown", (event) => this.key(event, contestant));
    return { contestant, strip, error, unit, box };
  }

  key(event, contestant) {
    const last = contestant.main.length - 1;
    const now = this.chosen ?? -1;
    const go = {
      ArrowRight: Math.min(last, now + 1), ArrowUp: Math.min(last, now + 1), ArrowLeft: Math.max(0, now - 1),
      ArrowDown: Math.max(0, now - 1), Home: 0, End: last, PageUp: Math.min(last, now + 10), PageDown: Math.max(0, now - 10),
    }[event.key];
    if (go === undefined && event.key !== "Escape") return;
    event.preventDefault();
    this.on.choose(event.key === "Escape" ? null : go, false);
  }

  draw(model, playhead, style, scale, pointed, chosen) {
    const marks = [];
    if (pointed !== null && pointed !== undefined) marks.push([pointed, style.text]);
    if (chosen !== null) marks.push([chosen, style.chosen]);
    for (const { contestant, strip, error, unit, box } of this.cards) {
      strip.draw(contestant, playhead.row, scale, style, marks, model.cutAt(contestant, playhead.row));
      for (const part of [error, unit]) part.style.visibility = model.listening ? "hidden" : "visible";
      const row = model.evalAt(contestant, playhead.row);
      say(error, row ? percent(row.train) : "–");
      const when = row ? `whole training set, after ${row.step} steps` : "whole training set";
      if (unit.title !== when) unit.title = when;
      if (box.dataset.chosen === String(chosen)) continue;
      box.dataset.chosen = String(chosen);
      const layer = chosen === null ? null : contestant.layers[contestant.main[chosen]];
      box.setAttribute("aria-valuenow", String(chosen === null ? 1 : Math.min(chosen + 1, contestant.main.length)));
      box.setAttribute("aria-valuetext", layer ? `layer ${chosen + 1}, ${layer.path}` : "no layer chosen");
    }
  }
}
