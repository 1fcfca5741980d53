// The same data as a table: every layer's gradient norm, or what else is chosen, and the minibatch's loss and error, at the
// step shown; and the evaluations so far.

import { make } from "./dom.js";
import { percent, short } from "./numbers.js";

export class Table {
  constructor(parent) {
    this.root = make("div", "table", "", { tabindex: "0", role: "region", "aria-label": "The same data as a table" });
    this.root.hidden = true;
    parent.append(this.root);
    this.key = "";
  }

  get open() {
    return !this.root.hidden;
  }

  toggle() {
    this.root.hidden = !this.root.hidden;
    this.key = "";
    return this.open;
  }

  draw(model, playhead) {
    if (!this.open) return;
    const key = [model.kind.key, model.revision, model.shape.length, playhead.row, ...model.contestants.map((c) => c.evals.length)].join();
    if (key === this.key) return;
    this.key = key;
    const at = this.root.scrollTop;
    this.root.replaceChildren(this.norms(model, playhead.row), this.evaluations(model), this.minibatch(model, playhead.row));
    this.root.scrollTop = at;
  }

  norms(model, row) {
    const table = make("table");
    const when = row < 0 ? "before the first step" : stepName(row);
    table.append(make("caption", "", `${model.shown.title} of each layer, ${when}`));
    table.append(head(["layer", "name", "output", ...model.contestants.map((c) => c.name)]));
    const body = make("tbody");
    const seen = new Map();
    for (const c of model.contestants) {
      c.layers.forEach((layer, i) => {
        const main = c.main.indexOf(i);
        const key = layer.path;
        if (!seen.has(key)) seen.set(key, { layer, order: main < 0 ? c.main.filter((m) => m < i).length + 0.5 : main + 1, cells: new Map() });
        seen.get(key).cells.set(c, i);
      });
    }
    for (const { layer, order, cells } of [...seen.values()].sort((a, b) => a.order - b.order)) {
      const line = make("tr");
      const number = make("th", "", Number.isInteger(order) ? String(order) : "shortcut", { scope: "row" });
      line.append(number, make("td", "name", layer.path), make("td", "", `${layer.channels} × ${layer.height} × ${layer.width}`));
      for (const c of model.contestants) {
        const column = row >= 0 ? c.track.at(row) : -1;
        line.append(make("td", "", cells.has(c) && column >= 0 ? short(c.track.grad[column][cells.get(c)]) : "–"));
      }
      body.append(line);
    }
    table.append(body);
    return table;
  }

  /** What the curves have at the step shown. */
  minibatch(model, row) {
    const table = make("table");
    table.append(make("caption", "", `Minibatch ${row < 0 ? "before the first step" : stepName(row)}`));
    table.append(head(["", ...model.contestants.map((c) => c.name)]));
    const body = make("tbody");
    const rows = [["loss", "loss", short], ["train error", "error", percent], ["learning rate", "rate", short]];
    for (const [name, key, words] of rows) {
      const line = make("tr");
      line.append(make("th", "", name, { scope: "row" }));
      for (const c of model.contestants) {
        const value = row >= 0 && c.track.at(row) >= 0 ? c.track[key][c.track.at(row)] : null;
        line.append(make("td", "", Number.isFinite(value) ? words(value) : "–"));
      }
      body.append(line);
    }
    table.append(body);
    return table;
  }

  evaluations(model) {
    const table = make("table");
    table.append(make("caption", "", "Error on the whole sets: train, test"));
    table.append(head(["steps done", "epoch", ...model.contestants.map((c) => c.name)]));
    const body = make("tbody");
    const rows = new Map();
    for (const c of model.contestants) {
      for (const row of c.evals) {
        if (!rows.has(row.step)) rows.set(row.step, { epoch: row.epoch, cells: new Map() });
        rows.get(row.step).cells.set(c, row);
      }
    }
    for (const [step, { epoch, cells }] of [...rows].sort((a, b) => a[0] - b[0])) {
      const line = make("tr");
      line.append(make("th", "", String(step), { scope: "row" }), make("td", "", epoch === null || epoch === undefined ? "–" : String(epoch)));
      for (const c of model.contestants) {
        const row = cells.get(c);
        line.append(make("td", "", row ? `${percent(row.train)}, ${percent(row.test)}` : "–"));
      }
      body.append(line);
    }
    table.append(body);
    return table;
  }
}

function stepName(row) {
  return row === 0 ? "at initialisation" : `at step ${row}`;
}

function head(words) {
  const line = make("tr");
  words.forEach((word) => line.append(make("th", word === "name" ? "name" : "", word, { scope: "col" })));
  const group = make("thead");
  group.append(line);
  return group;
}
