// What is known of a run: contestants, their telemetry as columns, evaluations, marks, verdicts. No DOM.
// It takes the messages of resnet_viz/serve/messages.py in any order of repetition: what came twice stands once.

import { roundUp } from "./numbers.js";

const MAX_COLUMNS = 1400;
const FIRST_AXIS = 64; // steps on the axis of a loop that does not say how many it will take; doubled when they are done

/**
 * One contestant's telemetry. A column is one step, or `span` steps thinned out to one. `kind` says of the values of
 * layers whether they are linear, and held until the next measurement.
 */
class Track {
  constructor(kind) {
    this.kind = kind;
    this.clear();
  }

  clear() {
    this.step = [];
    this.span = [];
    this.loss = [];
    this.low = [];
    this.high = [];
    this.error = [];
    this.rate = [];
    this.grad = [];
    this.least = []; // of several seeds, by layer; null where there is one
    this.most = [];
    this.revision = (this.revision || 0) + 1;
  }

  get length() {
    return this.step.length;
  }

  /** Steps that are done: the newest row's step plus one. */
  get done() {
    const n = this.length;
    return n ? this.step[n - 1] + this.span[n - 1] : 0;
  }

  /** Forget everything from a step on: it is being told again. */
  cut(step) {
    let keep = this.length;
    while (keep && this.step[keep - 1] >= step) keep -= 1;
    if (keep === this.length) return;
    for (const list of [this.step, this.span, this.loss, this.low, this.high, this.error, this.rate, this.grad, this.least, this.most]) {
      list.length = keep;
    }
    this.revision += 1;
  }

  add(frame) {
    const stride = frame.stride || 1;
    this.cut(frame.first);
    if (this.length) {
      const last = this.length - 1;
      this.span[last] = Math.max(1, Math.min(this.span[last], frame.first - this.step[last]));
    }
    for (let i = 0; i < frame.loss.length; i += 1) {
      this.step.push(frame.first + i * stride);
      this.span.push(stride);
      this.loss.push(finiteOrNaN(frame.loss[i]));
      this.low.push(finiteOrNaN((frame.loss_min || frame.loss)[i]));
      this.high.push(finiteOrNaN((frame.loss_max || frame.loss)[i]));
      this.error.push(finiteOrNaN(frame.train_error[i]));
      this.rate.push(finiteOrNaN(frame.lr[i]));
      for (const [name, rows] of [["grad", frame.grad], ["least", frame.grad_min], ["most", frame.grad_max]]) {
        this[name].push(rows ? this.held(this[name], Float64Array.from(rows[i], finiteOrNaN)) : null);
      }
    }
    if (this.length > MAX_COLUMNS) this.halve();
  }

  /** A row; where nothing was measured at this step and the quantity has a period, the one before. */
  held(rows, row) {
    const before = rows[rows.length - 1];
    return this.kind.hold && before && row.every(Number.isNaN) ? before : row;
  }

  /** What stands for two values: their mean, or the one that was measured. */
  joined(one, other, mean = this.kind.linear ? (a, b) => (a + b) / 2 : (a, b) => Math.sqrt(a * b)) {
    if (Number.isNaN(one)) return other;
    return Number.isNaN(other) ? one : mean(one, other);
  }

  /** Join neighbours, the initialisation and the newest columns excepted, so that memory stays bounded. */
  halve() {
    const until = this.length - 32;
    const source = { ...this };
    const count = this.length;
    this.clear();
    const copy = (i) => {
      for (const name of ["step", "span", "loss", "low", "high", "error", "rate", "grad", "least", "most"]) this[name].push(source[name][i]);
    };
    copy(0);
    let i = 1;
    for (; i + 1 < until; i += 2) {
      this.step.push(source.step[i]);
      this.span.push(source.span[i] + source.span[i + 1]);
      this.low.push(Math.min(source.low[i], source.low[i + 1]));
      this.high.push(Math.max(source.high[i], source.high[i + 1]));
      for (const name of ["loss", "error", "rate"]) this[name].push((source[name][i] + source[name][i + 1]) / 2);
      this.grad.push(source.grad[i].map((v, k) => this.joined(v, source.grad[i + 1][k])));
      for (const [name, pick] of [["least", Math.min], ["most", Math.max]]) {
        const [a, b] = [source[name][i], source[name][i + 1]];
        this[name].push(a && b ? a.map((v, k) => this.joined(v, b[k], pick)) : null);
      }
    }
    for (; i < count; i += 1) copy(i);
  }

  /** Index of the column that holds a step; -1 before the first. */
  at(step) {
    let low = 0;
    let high = this.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (this.step[middle] <= step) low = middle + 1;
      else high = middle - 1;
    }
    return high;
  }
}

/** Least and greatest error of several seeds; null where there is one. */
function spreadOf(row) {
  if (!("train_error_min" in row)) return null;
  return { train: [row.train_error_min, row.train_error_max], test: [row.test_error_min, row.test_error_max] };
}

function finiteOrNaN(value) {
  return typeof value === "number" ? value : NaN;
}

/** A run, or before there is one the contestants that are going to race. */
export class RunModel {
  constructor() {
    const norm = { key: "grad_norm", title: "Gradient norm", symbol: "‖∂L/∂W‖", per: "layer", scale: "log" };
    this.quantities = { grad_norm: norm }; // by key; the page brings all, as resnet_viz/spec/probes.py has them
    this.kind = {};
    this.show("grad_norm");
    this.reset(null);
  }

  /** From now on the layers' values are of this quantity; a run begins anew with it. */
  show(key) {
    const linear = this.quantities[key].scale === "linear";
    Object.assign(this.kind, { key, linear, hold: key !== "grad_norm" });
  }

  /** Title, symbol and scale of what the layers' pictures show. */
  get shown() {
    return this.quantities[this.kind.key];
  }

  reset(id) {
    this.id = id;
    this.name = "";
    this.state = id ? "loading" : "none";
    this.reason = null;
    this.trouble = null; // while its process is alive and cannot write
    this.contestants = [];
    this.total = 0;
    this.open = false;
    this.listening = false; // to a training loop of somebody's own, which nobody evaluates
    this.epochSteps = 0;
    this.seeds = 1;
    this.pace = 0;
    this.rate = null;
    this.warmup = 0;
    this.recording = null;
    this.device = "";
    this.about = "";
    this.marks = [];
    this.sharpness = []; // measured on request
    this.knobs = {}; // what the experiment asks for: alpha, drop_path, weight_decay; null where contestants differ
    this.verdicts = [];
    this.least = Infinity;
    this.most = -Infinity;
    this.available = [];
    this.zero = false;
    this.broken = false;
    this.clock = [];
    this.shape = "";
    this.revision = (this.revision || 0) + 1;
  }

  /** Another run begins: its contestants are likely those shown now, so their places stay, emptied. */
  begin(id) {
    const { contestants, shape, total, pace, rate, warmup, available } = this;
    this.reset(id);
    Object.assign(this, { shape, total, pace, rate, warmup, available });
    this.contestants = contestants.map((c) => ({ ...c, track: new Track(this.kind), gaps: c.loose || this.kind.hold, evals: [] }));
  }

  /** The contestants of an estimate, so that the cards stand before the run. */
  preview(estimate, plan) {
    this.setContestants(estimate.contestants || [], plan.shortcuts);
    this.plan(plan);
  }

  /** What the experiment asks for, before a message says it. */
  plan({ steps, pace, lr, warmup }) {
    this.total = steps || this.total;
    this.pace = pace;
    this.rate = lr || null;
    this.warmup = warmup || 0;
  }

  setContestants(rows, shortcuts) {
    const shape = JSON.stringify([rows.map((c) => [c.name, c.role, (c.layers || []).map((l) => l.path)]), shortcuts]);
    if (shape === this.shape) return;
    const before = new Map(this.contestants.map((c) => [c.name, c]));
    this.shape = shape;
    this.revision += 1;
    this.contestants = rows.map((row) => {
      const layers = row.layers || [];
      const old = before.get(row.name);
      const main = [];
      const projections = [];
      layers.forEach((layer, i) => (layer.projection ? projections : main).push(i));
      const keep = old && old.layers.length === layers.length;
      return {
        name: String(row.name),
        role: String(row.role),
        parameters: row.parameters,
        description: String(row.description || ""),
        loose: Boolean(row.gaps),
        gaps: Boolean(row.gaps) || this.kind.hold,
        layers,
        main,
        projections,
        shortcuts: shortcuts[row.name] || null,
        track: keep ? old.track : new Track(this.kind),
        evals: keep ? old.evals : [],
      };
    });
  }

  /** Take in one message. */
  apply(message) {
    if (message.kind === "header") this.applyHeader(message);
    else if (message.kind === "delta") this.applyDelta(message);
  }

  applyHeader(message) {
    const header = message.header || {};
    if (this.id !== message.id) this.reset(message.id);
    this.name = String(message.name || "");
    this.state = message.state;
    this.reason = message.reason;
    this.trouble = message.trouble || null;
    const planned = header.steps || message.experiment_steps;
    this.listening = Boolean(header.recorded);
    this.open = this.listening && !planned;
    this.total = this.open ? FIRST_AXIS : planned || this.total;
    this.epochSteps = header.steps_per_epoch || 0;
    this.seeds = header.seeds || 1;
    this.pace = message.pace;
    this.rate = message.lr;
    this.warmup = message.warmup || 0;
    this.knobs = message.knobs || {};
    this.recording = message.recording;
    const device = header.device || {};
    this.device = deviceWords(device);
    const images = String(header.dataset || "").replaceAll("_", " ");
    this.about = [images, this.device, seedWords(header)].filter(Boolean).join(" · ");
    const measured = new Set((header.contestants || []).flatMap((c) => (c.signals || []).map((name) => name.split("/")[0])));
    this.available = Object.keys(this.quantities).filter((key) => measured.has(key));
    if (header.contestants) this.setContestants(header.contestants, message.shortcuts || {});
    this.stretch();
  }

  applyDelta(message) {
    this.state = message.state;
    this.reason = message.reason;
    this.trouble = message.trouble || null;
    for (const frame of message.frames) {
      const contestant = this.contestants.find((c) => c.name === frame.c);
      if (!contestant) continue;
      contestant.track.add(frame);
      for (const row of frame.grad) this.measure(row, contestant.gaps);
      for (const row of [...(frame.grad_min || []), ...(frame.grad_max || [])]) this.measure(row, true); // the band too
    }
    this.stretch();
    for (const row of message.evals) {
      const contestant = this.contestants.find((c) => c.name === row.c);
      if (contestant) insert(contestant.evals, { step: row.step, epoch: row.epoch, train: finiteOrNaN(row.train_error), test: finiteOrNaN(row.test_error), spread: spreadOf(row) });
    }
    for (const mark of message.marks) {
      if (mark.kind === "lr" && !mark.planned) this.rate = mark.value;
      if (mark.kind === "pace") this.pace = mark.value;
      this.mark(mark);
    }
    for (const row of message.asked || []) {
      if (!this.sharpness.some((s) => s.c === row.c && s.step === row.step)) this.sharpness.push(row);
    }
    for (const [step, bold, rest] of message.verdicts) insert(this.verdicts, { step, bold, rest });
    if (this.verdicts.length > 2 * MAX_COLUMNS) this.verdicts = this.verdicts.filter((_, i, all) => i % 2 === 0 || i > all.length - 32);
    if (message.state !== "running") this.clock = [];
    if (message.frames.length) {
      this.clock.push([message.t, this.done]);
      if (this.clock.length > 40) this.clock.shift();
    }
  }

  /** Marks are kept by step; those of one step in the order in which they were made. */
  mark(mark) {
    const same = (m) => m.kind === mark.kind && m.step === mark.step && m.value === mark.value && m.c === mark.c && m.block === mark.block;
    if (this.marks.some(same)) return;
    let i = this.marks.length;
    while (i > 0 && this.marks[i - 1].step > mark.step) i -= 1;
    this.marks.splice(i, 0, mark);
  }

  /** Changes made by hand that bear on the numbers. */
  get changes() {
    return this.marks.filter((mark) => mark.kind !== "pace");
  }

  /** Whether a mark holds where a row is shown; at the newest one also what the next step will have. */
  holds(mark, row) {
    return mark.step <= row || (!mark.planned && row >= this.done - 1);
  }

  /** What a knob stands at where a row is shown; null where contestants differ. */
  valueAt(kind, row) {
    const known = this.marks.filter((mark) => mark.kind === kind && this.holds(mark, row));
    if (known.length) return known[known.length - 1].value;
    return this.knobs[kind] ?? null;
  }

  /** Paths of the blocks whose shortcut is cut where a row is shown. */
  cutAt(contestant, row) {
    const cut = new Set();
    for (const mark of this.marks) {
      if (mark.kind !== "shortcut" || mark.c !== contestant.name || !this.holds(mark, row)) continue;
      if (mark.value) cut.delete(mark.block);
      else cut.add(mark.block);
    }
    return cut;
  }

  /** The path of the block that a layer of the main path belongs to; "" for stem and head. */
  blockOf(contestant, place) {
    const layer = contestant.layers[contestant.main[place]];
    return layer && layer.stage ? `layer${layer.stage}.${layer.block - 1}` : "";
  }

  /** Whether a shortcut leads around the block of that path. */
  leadsAround(contestant, path) {
    const [stage, block] = path.replace("layer", "").split(".").map(Number);
    const found = contestant.shortcuts ? contestant.shortcuts[stage - 1] : contestant.role !== "plain";
    return Boolean(Array.isArray(found) ? found[block] : found);
  }

  hasShortcuts(contestant) {
    return contestant.shortcuts ? contestant.shortcuts.flat().some(Boolean) : contestant.role !== "plain";
  }

  /** A loop of somebody's own does not say how long it is, or says too little: the axis grows with it. */
  stretch() {
    if (this.open) {
      while (this.total < this.done) this.total *= 2;
      if (this.ended && this.done) this.total = this.done;
    } else if (this.total && this.total < this.done) this.total = this.done;
  }

  measure(row, gaps) {
    for (const value of row) {
      if (value === null) this.broken = this.broken || !gaps;
      else if (value === 0 && !this.kind.linear) this.zero = true;
      else {
        if (value < this.least) this.least = value;
        if (value > this.most) this.most = value;
      }
    }
  }

  /** Steps that every contestant has done. */
  get done() {
    return this.contestants.length ? Math.min(...this.contestants.map((c) => c.track.done)) : 0;
  }

  get started() {
    return this.contestants.some((c) => c.track.length > 0);
  }

  get ended() {
    return ["finished", "stopped", "failed", "interrupted"].includes(this.state);
  }

  /** The verdict for the row shown, else the last one before it. */
  verdictAt(row) {
    return lastAt(this.verdicts, Math.max(0, row));
  }

  /**
   * Updates after which an evaluation counts where `row` is shown. A row is measured before its update, so an
   * evaluation after k updates belongs to row k; at the newest row whatever has been evaluated counts.
   */
  evalsUntil(row) {
    return row >= this.done - 1 ? Infinity : row;
  }

  /** The contestant's last evaluation where `row` is shown. */
  evalAt(contestant, row) {
    return lastAt(contestant.evals, this.evalsUntil(row));
  }

  /** The last learning rate set by hand that holds at a row; at the newest one also what the next step will have. */
  setAt(row) {
    const known = this.marks.filter((mark) => mark.kind === "lr" && this.holds(mark, row));
    return known.length ? known[known.length - 1] : null;
  }

  /** The learning rate of a row; before the first one, the planned one. */
  rateAt(row) {
    const set = this.setAt(row);
    if (set && set.step > row) return set.value;
    const track = this.contestants.length ? this.contestants[0].track : null;
    const i = track && row >= 0 ? track.at(row) : -1;
    return i >= 0 && Number.isFinite(track.rate[i]) ? track.rate[i] : this.rate;
  }

  /** Whether the rate of a row is still rising to the recipe's; one that was set by hand ends the warm-up. */
  warmsUp(row) {
    return row >= 0 && row < this.warmup - 1 && !this.setAt(row);
  }

  /** Seconds until the end at the pace of the last messages; null where that cannot be said. */
  secondsLeft() {
    if (this.state !== "running" || !this.clock.length) return null;
    const [now, to] = this.clock[this.clock.length - 1];
    const [since, from] = this.clock.find(([t]) => now - t < 10);
    return to > from && now > since ? ((this.total - to) * (now - since)) / (to - from) : null;
  }

  /**
   * The one scale of all values of layers: exponents of ten at half decades, `below` says that it cuts some off; where
   * the quantity is linear its limits, else equally far up and down.
   */
  scale() {
    const { key, linear } = this.kind;
    if (linear) {
      const far = Math.max(Math.abs(this.least), Math.abs(this.most));
      const end = far > 0 && Number.isFinite(far) ? roundUp(far) : 1;
      const [from, to] = this.shown.limits || [-end, end];
      return { key, linear, low: from, high: to, below: false };
    }
    if (!(this.most > 0)) return { key, linear, low: -3, high: 2, below: false };
    const high = Math.ceil(Math.log10(this.most) * 2 - 1e-9) / 2;
    let low = Math.floor(Math.log10(this.least) * 2 + 1e-9) / 2;
    const below = this.zero || high - low > 9;
    if (high - low > 9) low = high - 9;
    return { key, linear, low: Math.min(low, high - 1), high, below };
  }
}

function seedWords(header) {
  if (!("seed" in header)) return "";
  const { seed, seeds } = header;
  return seeds > 1 ? `seeds ${seed} to ${seed + seeds - 1}` : `seed ${seed}`;
}

function deviceWords(device) {
  if (device.kind === "cpu") return device.cores ? `${device.cores} CPU core${device.cores > 1 ? "s" : ""}` : "CPU";
  return String(device.name || device.kind || "");
}

function lastAt(rows, step) {
  let i = rows.length - 1;
  while (i >= 0 && rows[i].step > step) i -= 1;
  return i >= 0 ? rows[i] : null;
}

function insert(rows, row) {
  let i = rows.length;
  while (i > 0 && rows[i - 1].step > row.step) i -= 1;
  if (i > 0 && rows[i - 1].step === row.step) rows[i - 1] = row;
  else rows.splice(i, 0, row);
}
