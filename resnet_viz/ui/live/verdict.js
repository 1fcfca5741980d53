// The line that says what is seen, where it is from, and how it was decided.

import { button, make, say } from "./dom.js";

export class VerdictLine {
  constructor(parent) {
    this.root = make("div", "verdict");
    this.words = make("p", "verdict-words");
    this.bold = make("b");
    this.rest = make("span");
    this.words.append(this.bold, this.rest);
    const side = make("div", "verdict-side");
    this.about = make("span", "verdict-about");
    this.how = button("how", "computed from this run · how", "How this line is decided", () => this.toggle());
    this.how.setAttribute("aria-expanded", "false");
    this.note = make("span", "note");
    side.append(this.about, this.how, this.note);
    this.box = make("div", "how-box", "", { role: "note" });
    this.box.hidden = true;
    this.sentences = [];
    this.engine = "";
    this.root.append(this.words, side, this.box);
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.toggle(false);
    });
    side.addEventListener("mouseenter", () => this.toggle(true, true));
    this.root.addEventListener("mouseleave", () => {
      if (!this.pinned) this.toggle(false);
    });
    parent.append(this.root);
  }

  toggle(open, hover = false) {
    const next = open ?? (this.box.hidden || !this.pinned);
    this.pinned = next && !hover;
    this.box.hidden = !next || !this.box.childElementCount;
    this.how.setAttribute("aria-expanded", String(!this.box.hidden));
  }

  explain(sentences) {
    this.sentences = sentences;
    this.fill();
  }

  /** How the line is decided, and below it what the run says of its engine. */
  fill() {
    const all = this.engine ? [...this.sentences, this.engine] : this.sentences;
    this.box.replaceChildren(...all.map((sentence) => make("p", "", sentence)));
  }

  /** `said` stands in the sentence's place before the start. */
  draw(model, playhead, verdict, gone, note, said) {
    const [bold, rest, kind] = model.state === "none" && said ? ["", said, "empty"] : sentence(model, verdict, gone);
    say(this.bold, bold);
    say(this.rest, rest ? ` ${rest}` : "");
    if (this.words.title !== `${bold} ${rest}`) this.words.title = `${bold} ${rest}`;
    if (this.root.dataset.kind !== kind) this.root.dataset.kind = kind;
    const recorded = model.recording ? ["recording", model.recording.device, model.recording.date] : [model.about];
    const row = Math.max(0, playhead.row);
    const other = verdict && verdict.step !== row ? `line of step ${verdict.step}` : ""; // long runs have one for some rows only
    say(this.about, [other, ...recorded].filter(Boolean).join(" · "));
    if (this.about.title !== this.about.textContent) this.about.title = this.about.textContent;
    say(this.note, note || "");
    if (model.engine !== this.engine) {
      this.engine = model.engine;
      this.fill();
    }
  }
}

function sentence(model, verdict, gone) {
  if (gone) return [gone, "", "problem"];
  const seen = verdict ? [verdict.bold, verdict.rest] : ["", ""];
  if (model.state === "failed") return [`The run failed. ${model.reason || ""}`.trim(), seen[0], "problem"];
  if (model.state === "interrupted") {
    return [`The run was interrupted after step ${model.done}. ${model.reason || ""}`.trim(), seen[0], "problem"];
  }
  if (model.trouble) return [model.trouble, seen[0], "problem"];
  if (verdict && model.started) return [...seen, "seen"];
  if (["new", "queued"].includes(model.state)) return ["Waiting for its turn.", "The verdict stands here from the first step on.", "empty"];
  return ["", "What this run shows stands here in one sentence, from the first step on.", "empty"];
}
