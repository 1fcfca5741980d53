// Gradient norm, or what else is chosen, by depth: one line a network at the step shown, dashed thin at initialisation.

import { placeOn, scaleTicks } from "./numbers.js";
import { Frame, Surface, spread } from "./surface.js";

export class Profile {
  constructor(parent) {
    this.surface = new Surface(parent, "Gradient norm by depth");
  }

  draw(model, row, style, pointed) {
    const { surface } = this;
    surface.fit();
    surface.clear();
    const names = model.contestants.map((c) => style.name(c, 16));
    const wide = style.widest(surface.pen, names, 30);
    const frame = new Frame(surface, 4 * style.small, 10, wide + 18, 26);
    const scale = model.scale();
    const depth = Math.max(2, ...model.contestants.map((c) => c.main.length));
    this.frame = frame;
    this.depth = depth;
    const x = (i) => frame.x0 + (i / (depth - 1)) * frame.width;
    const y = (value) => frame.y1 - Math.max(-0.012, Math.min(1.012, placeOn(value, scale))) * frame.height;
    const key = [style.id, model.revision, scale.key, scale.low, scale.high, depth, wide, ...model.contestants.map((c) => c.track.revision + (c.track.length ? "+" : "-"))];
    surface.backdrop(key.join(), () => {
      this.axes(frame, scale, depth, x, style);
      if (model.started) this.init(model, x, y, frame, style);
    });
    if (!model.started) return;
    const labels = [];
    model.contestants.forEach((c, at) => {
      const column = row >= 0 ? c.track.at(row) : -1;
      if (column < 0) return;
      const norms = c.track.grad[column];
      const xs = c.main.map((_, i) => x(i));
      const ys = c.main.map((i) => y(norms[i]));
      const colour = style.line(c.role);
      const [least, most] = [c.track.least[column], c.track.most[column]];
      if (least) surface.band(xs, c.main.map((i) => y(least[i])), c.main.map((i) => y(most[i])), colour);
      surface.path(xs, ys, colour, 2.2, style.dash(c.role));
      if (!model.kind.hold) this.breaks(frame, c, norms, x, colour);
      this.projections(c, norms, x, y, style);
      let last = ys.length - 1;
      while (last > 0 && Number.isNaN(ys[last])) last -= 1;
      if (model.kind.hold && Number.isNaN(ys[last])) return; // it has none of this quantity
      labels.push({ y: Number.isNaN(ys[last]) ? frame.y0 + 12 : ys[last], x: xs[last], name: names[at], c });
    });
    if (pointed !== null && pointed >= 0) this.point(model, row, pointed, x, y, frame, style);
    surface.font(style.label, 600, style.family);
    const uneven = new Set(model.contestants.map((c) => c.main.length)).size > 1;
    for (const label of spread(labels, style.label + 4, frame.y0 + 6, frame.y1)) {
      if (style.marker(label.c.role) !== "circle" && model.contestants.length > 2) {
        surface.marker(style.marker(label.c.role), label.x + 5, label.y, 3, style.line(label.c.role));
      }
      surface.label(label.name, label.x + 12, label.y, style.ink(label.c.role), uneven ? style.panel : null);
    }
  }

  axes(frame, scale, depth, x, style) {
    const { surface } = this;
    surface.font(style.small, 400, style.family);
    for (const [at, words] of scaleTicks(scale, Math.floor(frame.height / 26))) {
      const y = frame.y1 - at * frame.height;
      surface.line(frame.x0, y, frame.x1, y, style.grid);
      surface.text(words, frame.x0 - 8, y, style.quiet, "right", "middle");
    }
    const shown = depth > 8 ? [0, 1 / 3, 2 / 3, 1].map((t) => Math.round(t * (depth - 1))) : [0, depth - 1];
    for (const i of new Set(shown)) {
      surface.text(i ? String(i + 1) : "layer 1", x(i), frame.y1 + 9, style.quiet, "center", "top");
    }
  }

  init(model, x, y, frame, style) {
    const { surface } = this;
    const begun = model.contestants.filter((c) => c.track.length && c.track.step[0] === 0 && c.main.some((i) => Number.isFinite(c.track.grad[0][i])));
    if (!begun.length && model.kind.hold) return; // not measured there
    surface.pen.globalAlpha = 0.6;
    for (const c of begun) {
      const norms = c.track.grad[0];
      surface.path(c.main.map((_, i) => x(i)), c.main.map((i) => y(norms[i])), style.line(c.role), 1.1, [3, 3]);
    }
    surface.pen.globalAlpha = 1;
    surface.font(style.small, 400, style.family);
    const words = "dashed: at initialisation";
    const wide = surface.pen.measureText(words).width;
    surface.pen.fillStyle = style.panel;
    surface.pen.globalAlpha = 0.8;
    surface.pen.fillRect(frame.x1 - wide - 6, frame.y0 + 4, wide + 8, 18);
    surface.pen.globalAlpha = 1;
    surface.text(words, frame.x1 - 2, frame.y0 + 13, style.quiet, "right", "middle");
  }

  /** Layers whose norm is no finite number: a cross at the top, where an overflow would be. */
  breaks(frame, c, norms, x, colour) {
    c.main.forEach((i, at) => {
      if (!Number.isFinite(norms[i])) this.surface.marker("x", x(at), frame.y0 - 3, 3.5, colour);
    });
  }

  /** Projections stand beside the main path: a diamond at the last layer of their block. */
  projections(c, norms, x, y, style) {
    for (const i of c.projections) {
      const { stage, block } = c.layers[i];
      let place = -1;
      c.main.forEach((m, at) => {
        if (c.layers[m].stage === stage && c.layers[m].block === block) place = at;
      });
      const height = y(norms[i]);
      if (place >= 0 && !Number.isNaN(height)) this.surface.marker("diamond", x(place), height, 2.6, style.line(c.role));
    }
  }

  point(model, row, place, x, y, frame, style) {
    const { surface } = this;
    surface.line(x(place), frame.y0, x(place), frame.y1, style.quiet, 1, [2, 3]);
    for (const c of model.contestants) {
      const column = c.track.at(row);
      if (column < 0 || place >= c.main.length) continue;
      const height = y(c.track.grad[column][c.main[place]]);
      if (Number.isNaN(height)) continue;
      surface.marker(style.marker(c.role), x(place), height, 4, style.line(c.role));
    }
  }

  /** What a point of the picture means: the layer's place on the main path. */
  at(px, py) {
    if (!this.frame || !this.frame.holds(px, py)) return null;
    const t = (px - this.frame.x0) / this.frame.width;
    return { layer: Math.max(0, Math.min(this.depth - 1, Math.round(t * (this.depth - 1)))) };
  }
}
