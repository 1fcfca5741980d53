// The one bar of controls: steer the run, go back in time, pace and learning rate. In the same place in every state.

import { button, make, say } from "./dom.js";
import { Choice, Knobs } from "./knobs.js";
import { short, timeLeft } from "./numbers.js";

const PACES = [["0", "full pace"], ["20", "20 steps/s"], ["5", "5 steps/s"]];

const ANSWER_WITHIN = 4000;

/** What the first button does in each state: its words and its command. */
const PRIMARY = {
  none: ["▶ Start the race", { kind: "start", paused: false }],
  new: ["❚❚ Pause", { kind: "pause" }],
  queued: ["❚❚ Pause", { kind: "pause" }],
  running: ["❚❚ Pause", { kind: "pause" }],
  paused: ["▶ Resume", { kind: "resume" }],
  interrupted: ["▶ Resume", { kind: "resume" }],
};
const AGAIN = ["▶ Race again", { kind: "rewind", paused: false }];

export class Controls {
  /** `on.command(dict)`, `on.scrub(row)`, `on.live()`, `on.play()`, `on.table()` -> whether it is open now. */
  constructor(parent, on) {
    this.on = on;
    this.root = make("div", "bar", "", { role: "toolbar", "aria-label": "Controls of the run" });
    this.primary = button("primary", "", "", () => this.press());
    this.step = button("plain", "Step", "One more step for every contestant, then pause", () => this.single());
    this.stop = button("swap", "Stop", "End the run; what it has shown stays", () => this.send({ kind: "stop" }));
    this.rewind = button("plain", "⟲ Rewind, same weights", "Back to the same initial weights, paused before the first step", () => this.again({ kind: "rewind", paused: true }));
    this.play = button("swap", "▶ Replay", "Play what was recorded once more", () => on.play());
    this.live = button("plain newest", "Live", "Back to the newest step", () => on.live());
    this.slider = make("input", "scrubber", "", { type: "range", min: "0", max: "1", step: "1", value: "0", "aria-label": "Step shown" });
    this.slider.addEventListener("input", () => on.scrub(Number(this.slider.value)));
    this.slider.addEventListener("keydown", (event) => {
      if (event.key === "Escape") on.live();
    });
    this.status = make("span", "status");
    this.rate = make("input", "rate", "", { type: "text", inputmode: "decimal", size: "6", "aria-label": "Learning rate" });
    this.rate.addEventListener("change", () => this.setRate());
    this.rate.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.forgetRate();
    });
    this.pace = make("select", "pace", "", { "aria-label": "Pace", title: "How fast the run goes: for watching; it changes no number" });
    for (const [value, words] of PACES) this.pace.append(make("option", "", words, { value }));
    this.pace.addEventListener("change", () => this.setPace());
    this.table = button("plain table-button", "Table", "The same data as a table", () => {
      this.table.setAttribute("aria-pressed", String(on.table()));
    });
    this.table.setAttribute("aria-pressed", "false");
    this.rateBox = make("label", "rate-box", "", { title: "Learning rate: type another one while it runs" });
    this.rateName = make("span", "rate-name", "lr");
    this.rateRefusal = make("span", "rate-refusal", "", { role: "alert" });
    this.rateBox.append(this.rateName, this.rate, this.rateRefusal);
    this.knobs = new Knobs(this.root, (command) => on.command(command), () => this.draw(this.model, this.playhead, this.options));
    this.choice = new Choice(this.root, (command) => this.send(command));
    this.root.append(this.primary, this.step, this.stop, this.rewind, this.play, this.slider, this.status, this.live, this.knobs.button, this.rateBox, this.pace, this.table);
    parent.append(this.root);
    this.asked = null;
  }

  send(command) {
    const asked = { kind: command.kind, state: this.model.state, id: this.model.id };
    this.asked = asked;
    this.on.command(command);
    this.draw(this.model, this.playhead, this.options);
    setTimeout(() => {
      if (this.asked !== asked) return; // answered
      this.asked = null;
      this.draw(this.model, this.playhead, this.options);
    }, ANSWER_WITHIN);
  }

  /** The same weights once more; where something was changed by hand, with or without that. */
  again(command) {
    const count = this.model.changes.length;
    if (count) this.choice.open(count, command);
    else this.send(command);
  }

  press() {
    const { model } = this;
    if (model.recording || (!this.options.steer && model.id)) this.on.play();
    else if (this.playhead.mode === "play") this.on.play();
    else if (!PRIMARY[model.state]) this.again(AGAIN[1]);
    else this.send({ ...PRIMARY[model.state][1], ...(model.state === "none" ? this.wishes() : {}) });
  }

  /** Before the start the fields are wishes for the run to come. */
  wishes() {
    const rate = Number(this.rate.value.replace(",", "."));
    return { pace: Number(this.pace.value), ...(rate > 0 && this.touchedRate ? { lr: rate } : {}) };
  }

  single() {
    if (this.model.state === "none") this.send({ kind: "start", paused: true, ...this.wishes() });
    else {
      this.on.live();
      this.send({ kind: "step" });
    }
  }

  setRate() {
    const rate = Number(this.rate.value.replace(",", "."));
    const fits = Number.isFinite(rate) && rate > 0 && rate <= 100;
    this.refuseRate(!fits);
    this.touchedRate = fits;
    if (fits && this.model.id && !this.model.ended) this.on.command({ kind: "lr", value: rate });
  }

  /** What was refused stays to be mended, with one sentence over it, until a number or Escape replaces it. */
  refuseRate(refused) {
    this.refusedRate = refused;
    this.rate.setAttribute("aria-invalid", String(refused));
    say(this.rateRefusal, refused ? "Type a number above 0, at most 100; the rate stays as it was." : "");
  }

  forgetRate() {
    this.refuseRate(false);
    this.touchedRate = false;
    this.rate.value = ""; // the next drawing writes the rate that holds
    this.rate.blur();
    this.draw(this.model, this.playhead, this.options);
  }

  setPace() {
    this.touchedPace = true;
    if (this.model.id && !this.model.ended) this.on.command({ kind: "pace", value: Number(this.pace.value) });
  }

  draw(model, playhead, options) {
    Object.assign(this, { model, playhead, options });
    const steer = options.steer && !model.recording;
    const moved = this.asked && (this.asked.state !== model.state || this.asked.id !== model.id);
    if (moved) this.asked = null;
    const waiting = this.asked !== null && this.asked.kind !== "step";
    this.buttons(model, playhead, steer, waiting);
    this.slide(model, playhead);
    say(this.status, this.words(model, playhead));
    if (this.status.title !== this.status.textContent) this.status.title = this.status.textContent;
    this.fields(model, playhead, steer);
    this.knobs.draw(model, playhead, options.chosen ?? null, steer);
    if (!model.changes.length || !model.id) this.choice.close();
  }

  buttons(model, playhead, steer, waiting) {
    const playing = playhead.mode === "play";
    for (const part of [this.step, this.stop, this.rewind, this.rateBox, this.pace]) part.hidden = !steer;
    this.primary.hidden = !steer && !model.id && !model.recording;
    if (!steer) say(this.primary, playing ? "❚❚ Pause" : "▶ Replay");
    else say(this.primary, (PRIMARY[model.state] || AGAIN)[0]);
    this.primary.disabled = (steer && (waiting || model.state === "loading" || !ready(model))) || (!steer && !model.started);
    const going = ["new", "queued", "running", "paused"].includes(model.state);
    this.step.disabled = !(going || model.state === "none") || waiting || !ready(model);
    this.stop.disabled = !going || waiting;
    this.rewind.disabled = !model.id || model.state === "loading" || waiting;
    this.play.hidden = !steer || !(model.ended && model.started);
    say(this.play, playing ? "❚❚ Pause" : "▶ Replay");
    this.stop.hidden = this.stop.hidden || !this.play.hidden;
    this.live.hidden = false;
    this.live.disabled = playhead.mode === "live" || Boolean(model.recording);
    this.live.classList.toggle("away", !this.live.disabled);
    this.live.style.visibility = model.recording || !model.id ? "hidden" : "visible";
    say(this.live, model.ended ? "End" : "Live");
  }

  slide(model, playhead) {
    const last = Math.max(1, model.total - 1);
    const now = Math.max(0, playhead.row);
    if (this.slider.max !== String(last)) this.slider.max = String(last);
    if (this.slider.value !== String(now)) this.slider.value = String(now);
    this.slider.disabled = !model.started;
    this.slider.style.setProperty("--now", `${(100 * now) / last}%`);
    this.slider.style.setProperty("--done", `${(100 * Math.max(0, model.done - 1)) / last}%`);
    this.slider.setAttribute("aria-valuetext", stepOf(now, model.total));
  }

  words(model, playhead) {
    if (model.recording && playhead.mode !== "at") return `recording · step ${Math.max(0, playhead.row)} / ${model.total}`;
    if (model.state === "none") return model.total ? `${model.total} steps` : "";
    if (model.state === "loading") return "loading";
    if (["new", "queued"].includes(model.state)) return "waiting for the worker";
    const at = stepOf(playhead.row, model.open && !model.ended ? 0 : model.total);
    if (playhead.mode !== "live") return at;
    if (model.ended) {
      const unit = model.state === "interrupted" ? "" : " steps"; // the long word has no room for it beside Replay
      return `${model.done}${model.open ? "" : ` / ${model.total}`}${unit} · ${model.state}`;
    }
    const left = model.open ? null : model.secondsLeft();
    if (model.state === "running") return left === null ? at : `${at} · ${timeLeft(left)}`;
    return `${at} · ${model.state}`;
  }

  fields(model, playhead, steer) {
    if (!steer) return;
    const field = this.rate.getRootNode().activeElement;
    if (this.refusedRate && (model.ended || model.id !== this.rateOf)) this.refuseRate(false);
    this.rateOf = model.id;
    if (field !== this.rate && !this.refusedRate && !(model.state === "none" && this.touchedRate)) {
      const rate = model.rateAt(playhead.row);
      const words = rate ? short(rate) : "";
      if (this.rate.value !== words) this.rate.value = words;
    }
    say(this.rateName, model.warmsUp(playhead.row) ? "warm-up lr" : "lr");
    this.rate.disabled = model.ended;
    this.pace.disabled = model.ended;
    if (field !== this.pace && !(model.state === "none" && this.touchedPace)) this.showPace(model.pace || 0);
  }

  showPace(pace) {
    const value = String(pace);
    if (this.pace.value === value) return;
    if (![...this.pace.options].some((o) => o.value === value)) {
      this.pace.append(make("option", "", `${short(pace)} steps/s`, { value }));
    }
    this.pace.value = value;
  }
}

/** A step's name, the same in bar, pictures and table: the row measured before that update, counted from 0.
 * `total` 0: nobody knows how many there will be. */
function stepOf(row, total) {
  return row <= 0 ? "at initialisation" : `step ${row}${total ? ` / ${total}` : ""}`;
}

/** Whether there is anything to start or steer. */
function ready(model) {
  return Boolean(model.id) || model.contestants.length > 0;
}
