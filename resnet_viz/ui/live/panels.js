// The four linked pictures and what the pointer means in each of them.

import { ErrorCurves, StepCurves } from "./curves.js";
import { button, make, say } from "./dom.js";
import { Heat } from "./heat.js";
import { Profile } from "./profile.js";
import { layerRows, layerTitle, stepRows } from "./reading.js";

const EMPTY = {
  profile: "Each layer's gradient norm from input to output, one line a network, from the first step on.",
  heat: "One row a layer, one column a step: how every gradient changes while the networks train.",
  loss: "The loss of each step's batch.",
  error: "The error on the whole training and test set, at the start and after each epoch.",
};
const NO_ERROR = "A training loop of somebody's own: it is not evaluated here.";

export class Panels {
  /** `on.point(what | null, event)`, `on.choose(place | null)`, `on.scrub(step)`, `on.quantity(key)`. */
  constructor(parent, on) {
    this.on = on;
    this.root = make("div", "panels");
    parent.append(this.root);
    this.panels = {};
    for (const name of ["profile", "heat", "loss", "error"]) this.panels[name] = this.panel(name);
    const kinds = { profile: Profile, heat: Heat, loss: StepCurves, error: ErrorCurves };
    for (const [name, panel] of Object.entries(this.panels)) {
      panel.picture = new kinds[name](panel.body);
      this.listen(name, panel);
    }
    this.back = button("back", "× loss", "Show the loss again", () => on.choose(null));
    this.panels.loss.head.append(this.back);
    this.broken = make("span", "broken", "not finite");
    this.quantity = make("select", "quantity", "", { "aria-label": "What the pictures of layers show" });
    this.quantity.addEventListener("change", () => on.quantity(this.quantity.value));
    this.panels.heat.head.append(this.broken, this.quantity);
  }

  panel(name) {
    const root = make("section", `panel ${name}`);
    const head = make("div", "panel-head");
    const title = make("b");
    const about = make("span", "panel-about");
    head.append(title, about);
    const body = make("div", "panel-body");
    const empty = make("div", "panel-empty");
    const words = make("p");
    const said = make("span", "", EMPTY[name]);
    words.append(said);
    empty.append(words);
    root.append(head, body, empty);
    this.root.append(root);
    return { root, head, title, about, body, empty, said };
  }

  listen(name, panel) {
    const meaning = (event) => {
      const box = panel.body.getBoundingClientRect();
      // A click tells whole pixels, a move may not: both mean the same layer.
      return panel.picture.at(Math.floor(event.clientX) - box.left, Math.floor(event.clientY) - box.top);
    };
    panel.body.addEventListener("pointermove", (event) => {
      const found = meaning(event);
      this.on.point(found ? { layer: null, step: null, ...found } : null, event);
    });
    panel.body.addEventListener("pointerleave", () => this.on.point(null));
    panel.body.addEventListener("click", (event) => {
      const found = meaning(event);
      if (!found) return;
      if (found.layer !== undefined) this.on.choose(found.layer, true);
      else this.on.scrub(found.step);
    });
  }

  draw(model, playhead, style, pointed, chosen) {
    const { profile, heat, loss, error } = this.panels;
    const layer = pointed.layer ?? chosen;
    profile.picture.draw(model, playhead.row, style, layer);
    const layers = [];
    if (chosen !== null) layers.push([chosen, style.chosen]);
    if (pointed.layer !== null && pointed.layer !== undefined) layers.push([pointed.layer, style.text]);
    heat.picture.draw(model, playhead, style, { step: pointed.step, layers });
    loss.picture.draw(model, playhead, style, pointed, chosen);
    this.drawError(error.picture, model, playhead, style, pointed);
    this.titles(model, playhead, chosen);
    for (const panel of [profile, heat, loss]) panel.empty.hidden = model.started;
    say(error.said, model.listening ? NO_ERROR : EMPTY.error);
    error.empty.hidden = model.contestants.some((c) => c.evals.length > 0);
  }

  /** Errors change once an epoch: drawn again only when something in the picture is another. */
  drawError(picture, model, playhead, style, pointed) {
    const evals = model.contestants.map((c) => c.evals.length);
    const at = playhead.mode === "live" ? "" : playhead.row;
    const key = [model.revision, model.total, evals, model.marks.length, playhead.mode, at, pointed.step].join();
    if (key === this.errorKey && style === this.errorStyle && !picture.surface.stale) return;
    this.errorKey = key;
    this.errorStyle = style;
    picture.draw(model, playhead, style, pointed);
  }

  titles(model, playhead, chosen) {
    const { profile, heat, loss, error } = this.panels;
    const row = playhead.row;
    const live = playhead.mode === "live";
    const end = live && model.ended; // the bar counts the steps then
    const when = row < 0 || end ? "" : row === 0 ? " · at initialisation" : ` · step ${row}`;
    const { title, symbol, per } = model.shown;
    const { linear, hold, key } = model.kind;
    const band = model.seeds > 1 ? ` · median and range of ${model.seeds} seeds` : "";
    say(profile.title, `${title} by depth${end ? ", at the end" : live ? ", now" : ""}`);
    say(profile.about, `${when}${linear ? "" : " · log scale"} · input → output${band}`);
    say(heat.title, "Every layer, every step");
    const all = model.contestants.length;
    const held = hold && key !== "input_grad" ? " · last measured" : "";
    say(heat.about, ` · ${linear ? "" : "log₁₀ "}${symbol}${model.seeds > 1 ? " · median" : ""}${per === "block" ? ", by block" : ""}${held}${all > 1 ? ` · one scale for ${all === 2 ? "both" : "all"}` : ""}`);
    this.broken.hidden = !model.broken;
    this.back.hidden = chosen === null;
    say(loss.title, chosen === null ? "Loss" : `${title} of layer ${chosen + 1}`);
    this.offer(model);
    const path = chosen === null ? "" : layerTitle(model, chosen).split(" · ")[1];
    say(loss.about, chosen === null ? ` · per step${band}` : ` · ${path ? `${path} · ` : ""}per step${linear ? "" : " · log scale"}${band}`);
    say(error.title, "Error");
    say(error.about, ` · whole set, train solid, test dashed${band}`);
  }

  /** The quantities that this run measures; without a choice there is nothing to choose. */
  offer(model) {
    const keys = model.available.includes(model.kind.key) ? model.available : [model.kind.key, ...model.available];
    const offered = keys.join();
    this.quantity.hidden = keys.length < 2;
    if (offered !== this.offered) {
      this.offered = offered;
      this.quantity.replaceChildren(...keys.map((key) => make("option", "", model.quantities[key].title, { value: key })));
    }
    if (this.quantity.value !== model.kind.key) this.quantity.value = model.kind.key;
  }

  /** Title and rows of the reading for what the pointer means. */
  words(model, playhead, pointed) {
    const row = pointed.step ?? playhead.row;
    if (pointed.layer === null || pointed.layer === undefined) return [`step ${pointed.step}`, stepRows(model, pointed.step)];
    const when = row < 0 ? "" : row === 0 ? " · at initialisation" : ` · step ${row}`;
    return [layerTitle(model, pointed.layer) + when, layerRows(model, pointed.layer, row)];
  }

  /** Text alternatives of the pictures. */
  describe(model, playhead, verdict) {
    const when = playhead.row <= 0 ? "at initialisation" : `at step ${playhead.row}`;
    const seen = model.started && verdict ? ` ${verdict.bold} ${verdict.rest}` : " Nothing is measured yet.";
    const names = model.contestants.map((c) => c.name).join(", ");
    const label = (name, text) => this.panels[name].picture.surface.canvas.setAttribute("aria-label", text);
    const { title } = model.shown;
    label("profile", `${title} by depth of ${names || "no network"} ${when}.${seen}`);
    label("heat", `Heatmaps of the ${title.toLowerCase()} of every layer at every step of ${names || "no network"}.${seen}`);
    const [, rows] = ["", stepRows(model, Math.max(0, playhead.row))];
    const values = rows.map(([c, words]) => `${c.name}: ${words}`).join("; ");
    label("loss", `Loss per step, ${when}: ${values || "nothing yet"}.`);
    label("error", `Train and test error, ${when}: ${values || "nothing yet"}.`);
  }
}
