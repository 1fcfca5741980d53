// The live view: one run, its pictures linked by one playhead, one pointer and one chosen layer.

import { Cards } from "./cards.js";
import { Controls } from "./controls.js";
import { make } from "./dom.js";
import { RunModel } from "./model.js";
import { Panels } from "./panels.js";
import { Reading } from "./reading.js";
import { Source, appAddress } from "./source.js";
import { Style } from "./style.js";
import { Table } from "./table.js";
import { VerdictLine } from "./verdict.js";

const REPLAY_SECONDS = 14;
const CALM_EVERY = 500;
const READABLE_EVERY = 500;

export class LiveView {
  constructor(parent) {
    this.root = make("div", "live", "", { role: "group" });
    parent.append(this.root);
    this.model = new RunModel();
    this.playhead = { mode: "live", row: -1 };
    this.pointed = { layer: null, step: null };
    this.chosen = null;
    this.source = null;
    const choose = (place, toggle) => this.choose(place, toggle);
    this.cards = new Cards(this.root, { point: (place, event) => this.point(place === null ? null : { layer: place, step: null }, event), choose });
    this.verdict = new VerdictLine(this.root);
    this.stage = make("div", "stage");
    this.root.append(this.stage);
    this.panels = new Panels(this.stage, { point: (what, event) => this.point(what, event), choose, scrub: (step) => this.scrub(step), quantity: (key) => this.chooseQuantity(key) });
    this.table = new Table(this.stage);
    this.controls = new Controls(this.root, {
      command: (command) => this.component.setTriggerValue("command", command),
      scrub: (row) => this.scrub(row),
      live: () => this.follow(),
      play: () => this.play(),
      table: () => this.showTable(),
    });
    this.reading = new Reading(this.root);
    this.heard = make("div", "heard", "", { role: "status" });
    this.root.append(this.heard);
    this.calm = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.resized = new ResizeObserver(() => this.fit());
    this.resized.observe(this.root);
    this.root.addEventListener("resnet-viz-resized", () => this.drawSoon());
    this.onWindow = () => this.fit();
    window.addEventListener("resize", this.onWindow);
  }

  destroy() {
    if (this.source) this.source.close();
    cancelAnimationFrame(this.waiting);
    for (const timer of [this.later, this.beat, this.sayLater]) clearTimeout(timer);
    this.resized.disconnect();
    window.removeEventListener("resize", this.onWindow);
    this.root.remove();
  }

  /** What Python says now. Called again on every change of data and of the theme. */
  update(component) {
    this.component = component;
    const data = component.data || {};
    this.data = data;
    this.style = new Style(data.look, this.root);
    this.style.paint(this.root);
    this.verdict.explain(data.look.how);
    if (data.look.quantities) this.model.quantities = data.look.quantities;
    const run = data.messages ? `recording ${data.messages[0].id}` : data.run || null;
    // A stream is asked for what it shows by this view; what Python hands over, by Python.
    if (data.messages || data.polled || this.quantity === undefined) this.quantity = data.quantity || "grad_norm";
    if (run !== this.run || this.run === undefined || this.quantity !== this.model.kind.key) this.turnTo(run, data);
    else if (!run && JSON.stringify([data.preview, data.plan]) !== this.previewed) this.turnTo(run, data);
    this.fit();
    this.draw();
  }

  /** Another quantity in the pictures of layers: the run is told again with it. */
  chooseQuantity(key) {
    this.component.setStateValue("quantity", key);
    if (this.data.messages || this.data.polled) return; // Python answers
    this.quantity = key;
    this.turnTo(this.run, this.data);
    this.drawSoon();
  }

  turnTo(run, data) {
    const { playhead } = this;
    const same = run === this.run && !data.messages;
    this.model.show(this.quantity);
    this.run = run;
    if (this.source) this.source.close();
    this.source = null;
    this.gone = null;
    this.note = null;
    this.previewed = JSON.stringify([data.preview, data.plan]);
    this.playhead = same ? playhead : { mode: "live", row: -1 };
    if (run) this.model.begin(data.messages ? data.messages[0].id : run);
    else this.model.reset(null);
    if (data.preview) this.model.preview(data.preview, data.plan);
    else if (!run) this.model.plan(data.plan);
    if (data.messages) this.record(data.messages);
    else if (run && !data.polled) this.connect(run, data);
    else if (run) this.note = "live stream not passed through, polling";
  }

  connect(run, data) {
    const query = this.quantity === "grad_norm" ? "" : `quantity=${encodeURIComponent(this.quantity)}&`;
    this.source = new Source(`${appAddress(data.base)}stream/${encodeURIComponent(run)}`, {
      message: (message) => this.take(message),
      trouble: (note) => {
        if (note !== this.note) {
          this.note = note;
          this.drawSoon();
        }
      },
      gone: (sentence) => {
        this.gone = sentence;
        this.drawSoon();
      },
      blocked: () => {
        this.note = "live stream not passed through, polling";
        this.component.setStateValue("fallback", run);
        this.drawSoon();
      },
    }, query);
  }

  take(message) {
    if (message.kind === "header" && message.id !== this.model.id) return;
    this.model.apply(message);
    this.drawSoon();
  }

  /** A recording is all there at once; it plays in a loop, unless motion is unwelcome. */
  record(messages) {
    for (const message of messages) this.model.apply(message);
    this.speed = this.data.speed || this.model.total / REPLAY_SECONDS;
    if (this.calm.matches) this.playhead = { mode: "at", row: Math.max(0, this.model.done - 1) };
    else this.play();
  }

  // -- the playhead ---------------------------------------------------------------------------------------

  scrub(step) {
    const last = this.model.done - 1;
    if (last < 0) return;
    this.playhead = step >= last && !this.model.recording ? { mode: "live", row: last } : { mode: "at", row: Math.max(0, Math.min(step, last)) };
    this.drawSoon();
  }

  follow() {
    this.playhead = { mode: "live", row: this.model.done - 1 };
    this.drawSoon();
  }

  play() {
    if (this.playhead.mode === "play") {
      this.playhead = { mode: "at", row: this.playhead.row };
      this.drawSoon();
      return;
    }
    const last = this.model.done - 1;
    const from = this.playhead.mode === "at" && this.playhead.row < last ? this.playhead.row : 0;
    const speed = this.data.messages ? this.speed : Math.max(2, this.model.total / REPLAY_SECONDS);
    this.playhead = { mode: "play", row: from, speed, since: performance.now(), from };
    this.drawSoon();
  }

  /** Where the replay stands; it draws at most ten times a second, because that is what a run does. */
  advance(now) {
    const head = this.playhead;
    const last = this.model.done - 1;
    const row = head.from + Math.floor(((now - head.since) / 1000) * head.speed);
    const rest = this.data.messages ? 2.5 * head.speed : 0;
    if (row <= last) head.row = row;
    else if (row <= last + rest) head.row = last;
    else if (this.data.messages) Object.assign(head, { row: 0, from: 0, since: now });
    else this.playhead = { mode: "live", row: last };
    clearTimeout(this.beat);
    if (this.playhead.mode === "play") this.beat = setTimeout(() => this.drawSoon(), Math.max(100, 1000 / head.speed));
  }

  // -- pointing and choosing ------------------------------------------------------------------------------

  point(what, event) {
    const next = what || { layer: null, step: null };
    if (next.step !== null && next.step !== undefined && next.step >= this.model.total) next.step = this.model.total;
    this.pointed = next;
    if (!what || !this.model.contestants.length) this.reading.hide();
    else this.reading.place(event);
    this.drawSoon();
  }

  choose(place, toggle) {
    this.chosen = toggle && place === this.chosen ? null : place;
    this.cards.chosen = this.chosen;
    this.drawSoon();
  }

  showTable() {
    const open = this.table.toggle();
    this.panels.root.inert = open;
    this.drawSoon();
    return open;
  }

  // -- drawing --------------------------------------------------------------------------------------------

  /** As high as the window has room for, so that nothing scrolls; narrow pages stack and scroll. */
  fit() {
    if (!this.data) return;
    const narrow = this.root.clientWidth < 760;
    this.root.classList.toggle("narrow", narrow);
    this.root.classList.toggle("wide", this.root.clientWidth >= 1600);
    let height = "";
    if (!narrow && this.data.height) height = `${this.data.height}px`;
    else if (!narrow) {
      const main = document.querySelector('[data-testid="stMain"]');
      const top = this.root.getBoundingClientRect().top + (main ? main.scrollTop : 0);
      height = `${Math.max(this.model.contestants.length > 3 ? 640 : 560, Math.floor(window.innerHeight - top - 12))}px`;
    }
    if (this.root.style.height !== height) this.root.style.height = height;
    if (this.style) this.style = new Style(this.data.look, this.root);
    this.fresh = true;
    this.drawSoon();
  }

  /** Draw on the next animation frame; where motion is unwelcome at most twice a second. */
  drawSoon() {
    if (this.waiting || this.later) return;
    const soon = () => {
      this.later = 0;
      this.waiting = requestAnimationFrame((now) => {
        this.waiting = 0;
        this.draw(now);
      });
    };
    const rest = this.calm.matches && this.drawn ? CALM_EVERY - (performance.now() - this.drawn) : 0;
    if (rest > 0 && !this.fresh) this.later = setTimeout(soon, rest);
    else soon();
  }

  draw(now = performance.now()) {
    const { model, style } = this;
    if (!style) return;
    this.drawn = now;
    if (this.playhead.mode === "play") this.advance(now);
    if (this.playhead.mode === "live") this.playhead.row = model.done - 1;
    if (this.built !== model.revision) {
      this.built = model.revision;
      this.cards.build(model);
    }
    const { playhead, pointed, chosen } = this;
    const verdict = model.verdictAt(playhead.row);
    this.cards.draw(model, playhead, style, model.scale(), pointed.layer, chosen);
    this.state(now, verdict);
    this.panels.draw(model, playhead, style, pointed, chosen);
    if (this.reading.shown) this.reading.draw(...this.panels.words(model, playhead, pointed), style);
    this.table.draw(model, playhead);
    this.controls.draw(model, playhead, { steer: this.data.controls, chosen });
    this.fresh = false;
    this.speak(now, verdict);
  }

  /** A sentence that changes ten times a second cannot be read: while the run goes on it changes twice a second. */
  state(now, verdict) {
    const { model, playhead } = this;
    const key = [model.state, playhead.mode, this.gone, this.note, model.id, model.started].join();
    const rest = READABLE_EVERY - (now - this.said);
    clearTimeout(this.sayLater);
    if (key === this.saidKey && playhead.mode === "live" && model.state === "running" && rest > 0) {
      this.sayLater = setTimeout(() => this.drawSoon(), rest + 200); // only where no message comes before
      return;
    }
    this.said = now;
    this.saidKey = key;
    this.verdict.draw(model, playhead, verdict, this.gone, this.note, this.data.said);
  }

  /** For those who hear the page: the pictures' text alternatives, and the verdict now and then. */
  speak(now, verdict) {
    if (this.spoken && now - this.spoken < 3000 && this.spokenState === this.model.state) return;
    this.spoken = now;
    this.spokenState = this.model.state;
    this.root.setAttribute("aria-label", `Live view${this.model.name ? ` of ${this.model.name}` : ""}: ${this.model.state}`);
    this.panels.describe(this.model, this.playhead, verdict);
    const words = verdict ? `${this.model.state}. ${verdict.bold}` : this.model.state;
    if (this.heard.textContent !== words) this.heard.textContent = words;
  }
}
