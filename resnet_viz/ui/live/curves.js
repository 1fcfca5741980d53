// Curves over steps: the loss, one layer's gradient norm, and the error on the whole sets.

import { linearTicks, placeOn, roundUp, scaleTicks, short } from "./numbers.js";
import { Frame, Surface, spread } from "./surface.js";

function markWords({ kind, value, block }) {
  if (kind === "shortcut") return `${block} ${value ? "restored" : "cut"}`;
  return `${{ lr: "lr", alpha: "α", drop_path: "survival", weight_decay: "decay" }[kind] || kind} ${short(value)}`;
}

class Curves {
  constructor(parent, label) {
    this.surface = new Surface(parent, label);
  }

  begin(model, style) {
    const { surface } = this;
    surface.fit();
    surface.clear();
    const names = new Map(model.contestants.map((c) => [c, style.name(c, 14)]));
    const wide = style.widest(surface.pen, [...names.values()], 24);
    this.frame = new Frame(surface, 4 * style.small, 8, wide + 16, 24);
    this.names = names;
    this.total = Math.max(1, model.total);
  }

  x(step) {
    return this.frame.x0 + (step / this.total) * this.frame.width;
  }

  /** Grid lines with their values, and the steps below: they stay until the scale is another. */
  axes(ticks, y, label, style, total) {
    const { surface, frame } = this;
    surface.backdrop([style.id, frame.x0, frame.x1, total, ticks.map((tick) => [tick, y(tick)])].join(), () => {
      this.grid(ticks, y, label, style);
      frame.stepAxis(total, style);
    });
  }

  grid(ticks, y, label, style) {
    const { surface, frame } = this;
    surface.font(style.small, 400, style.family);
    for (const tick of ticks) {
      const height = y(tick);
      surface.line(frame.x0, height, frame.x1, height, style.grid);
      surface.text(label(tick), frame.x0 - 8, height, style.quiet, "right", "middle");
    }
  }

  /** Draw up to the step shown; what comes after it is faint (scrubbed back) or absent (replayed). */
  upTo(playhead, draw) {
    const { frame, surface } = this;
    if (playhead.mode === "live") {
      draw();
      return;
    }
    const now = this.x(playhead.row) + 1;
    frame.within(0, now, draw);
    if (playhead.mode !== "at") return;
    surface.pen.globalAlpha = 0.28;
    frame.within(now, surface.width, draw);
    surface.pen.globalAlpha = 1;
  }

  ends(labels, style, rim = null) {
    const { surface, frame } = this;
    surface.font(style.label, 600, style.family);
    for (const label of spread(labels, style.label + 3, frame.y0 + 4, frame.y1 - 2)) {
      surface.label(this.names.get(label.c), label.x + 8, label.y, style.ink(label.c.role), rim);
    }
  }

  /** Changes made by hand, at their steps; a replay comes to them one by one, and those that are only planned are faint. */
  marks(model, style, playhead) {
    const { surface, frame } = this;
    surface.font(style.small, 400, style.family);
    const ends = Array(Math.max(1, Math.min(4, Math.floor(frame.height / (style.small + 2)) - 1))).fill(-Infinity);
    for (const mark of model.changes) {
      if (playhead.mode === "play" && mark.step > playhead.row) continue;
      const x = this.x(mark.step);
      const words = markWords(mark);
      const wide = surface.pen.measureText(words).width;
      const left = x > frame.x1 - wide - 8 ? x - 4 - wide : x + 4;
      const line = ends.findIndex((end) => left > end + 6); // -1: no room for its words, only for its line
      if (line >= 0) ends[line] = left + wide;
      surface.pen.globalAlpha = mark.step > model.done && mark.planned ? 0.5 : 1;
      surface.line(x, frame.y0, x, frame.y1, style.quiet, 1, [1, 3]);
      if (line >= 0) surface.label(words, left, frame.y0 + 4 + line * (style.small + 2), style.quiet, style.panel);
      surface.pen.globalAlpha = 1;
    }
  }

  cursors(playhead, pointed, style) {
    const { surface, frame } = this;
    const steps = [];
    if (playhead.mode === "at") steps.push([playhead.row, style.text]);
    if (pointed.step !== null && pointed.step !== undefined) steps.push([pointed.step, style.quiet]);
    for (const [step, colour] of steps) surface.line(this.x(step), frame.y0, this.x(step), frame.y1, colour, 1, [3, 3]);
  }

  at(px, py) {
    if (!this.frame || !this.frame.holds(px, py)) return null;
    const step = Math.round(((px - this.frame.x0) / this.frame.width) * this.total);
    return { step: Math.max(0, Math.min(this.total, step)) };
  }
}

/** Loss per step, or where a layer is chosen its gradient norm per step. */
export class StepCurves extends Curves {
  constructor(parent) {
    super(parent, "Loss per step");
  }

  draw(model, playhead, style, pointed, layer) {
    this.begin(model, style);
    const chosen = layer !== null;
    const value = (c, i) => (chosen ? c.track.grad[i][c.main[layer]] : c.track.loss[i]);
    const y = chosen ? this.layerAxis(model, style) : this.lossAxis(model, style);
    if (!model.started) return;
    const labels = [];
    const has = model.contestants.filter((c) => !chosen || layer < c.main.length);
    this.upTo(playhead, () => {
      for (const c of has) this.curve(c, value, y, style, chosen);
    });
    for (const c of has) {
      let i = playhead.mode === "live" ? c.track.length - 1 : c.track.at(playhead.row);
      while (i > 0 && !Number.isFinite(value(c, i))) i -= 1;
      const height = i >= 0 ? y(value(c, i)) : NaN;
      if (!Number.isNaN(height)) labels.push({ y: height, x: this.x(c.track.step[i]), c });
    }
    this.marks(model, style, playhead);
    this.cursors(playhead, pointed, style);
    this.ends(labels, style, playhead.mode === "at" ? style.panel : null);
  }

  curve(c, value, y, style, chosen) {
    const { surface, frame } = this;
    const { track } = c;
    const colour = style.line(c.role);
    const xs = track.step.map((s) => this.x(s));
    const ys = track.step.map((_, i) => y(value(c, i)));
    if (!chosen && track.span.some((s) => s > 1)) {
      surface.pen.fillStyle = colour;
      const alpha = surface.pen.globalAlpha;
      surface.pen.globalAlpha = alpha * 0.2;
      track.step.forEach((_, i) => {
        const top = y(track.high[i]);
        if (track.span[i] > 1 && Number.isFinite(top)) surface.pen.fillRect(xs[i] - 0.5, top, 1.5, Math.max(1, y(track.low[i]) - top));
      });
      surface.pen.globalAlpha = alpha;
    }
    surface.path(xs, ys, colour, 1.9, style.dash(c.role));
    if (chosen && c.gaps) return;
    ys.forEach((height, i) => {
      if (Number.isNaN(height)) surface.marker("x", xs[i], frame.y0 + 2, 3, colour);
    });
  }

  lossAxis(model, style) {
    const seen = model.contestants.flatMap((c) => c.track.high.filter(Number.isFinite)).sort((a, b) => a - b);
    const usual = seen.length ? seen[Math.floor(0.97 * (seen.length - 1))] : 2.6;
    const top = roundUp(Math.max(0.1, Math.min(seen.length ? seen[seen.length - 1] : 2.6, usual * 1.25)));
    const { frame } = this;
    const y = (v) => (Number.isFinite(v) ? frame.y1 - Math.min(1, v / top) * frame.height : NaN);
    this.axes(linearTicks(top, Math.max(2, Math.floor(frame.height / 42))), y, String, style, model.total);
    return y;
  }

  /** The axis of the quantity that the layers' pictures show. */
  layerAxis(model, style) {
    const scale = model.scale();
    const { frame } = this;
    const height = (at) => frame.y1 - Math.max(0, Math.min(1, at)) * frame.height;
    const labels = new Map(scaleTicks(scale, Math.floor(frame.height / 26)));
    this.axes([...labels.keys()], height, (at) => labels.get(at), style, model.total);
    return (v) => height(placeOn(v, scale));
  }
}

/** Train and test error of the whole sets, at the start and after every epoch. */
export class ErrorCurves extends Curves {
  constructor(parent) {
    super(parent, "Train and test error");
  }

  draw(model, playhead, style, pointed) {
    this.begin(model, style);
    const { surface, frame } = this;
    const y = (v) => (Number.isFinite(v) ? frame.y1 - v * frame.height : NaN);
    this.axes([0, 0.5, 1], y, (v) => `${100 * v} %`, style, model.total);
    if (!model.contestants.some((c) => c.evals.length)) return;
    const until = model.evalsUntil(playhead.row);
    if (playhead.mode === "at") {
      surface.pen.globalAlpha = 0.28;
      for (const c of model.contestants) this.errors(c, c.evals, y, style);
      surface.pen.globalAlpha = 1;
    }
    for (const c of model.contestants) this.errors(c, c.evals.filter((e) => e.step <= until), y, style);
    const labels = [];
    for (const c of model.contestants) {
      const last = model.evalAt(c, playhead.row);
      if (last && Number.isFinite(last.train)) labels.push({ y: y(last.train), x: this.x(last.step), c });
    }
    this.marks(model, style, playhead);
    this.cursors(playhead, pointed, style);
    this.ends(labels, style, playhead.mode === "at" ? style.panel : null);
  }

  errors(c, evals, y, style) {
    const { surface } = this;
    const xs = evals.map((e) => this.x(e.step));
    const colour = style.line(c.role);
    const apart = xs.length < 2 || (xs[xs.length - 1] - xs[0]) / (xs.length - 1) > 7;
    for (const [part, dash] of [["test", [5, 4]], ["train", []]]) {
      const ys = evals.map((e) => y(e[part]));
      surface.path(xs, ys, colour, 1.7, dash);
      if (!apart) continue;
      xs.forEach((x, i) => {
        if (!Number.isNaN(ys[i])) surface.marker(style.marker(c.role), x, ys[i], part === "train" ? 2.8 : 2, colour);
      });
    }
  }
}
