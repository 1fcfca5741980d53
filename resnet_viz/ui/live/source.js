// Where messages come from: the server's stream, short looks where a tab gets no stream, or what Python hands over.

const SLOTS = 4; // a browser opens six HTTP/1.1 connections an origin; two stay free for pages and files
const LOOK_EVERY = 700;
const FIRST_MESSAGE_WITHIN = 8000;

/** The app's own address, with its base path: where Streamlit's own script came from. */
export function appAddress(base) {
  const script = document.querySelector('script[src*="static/js/"]');
  if (script) return script.src.slice(0, script.src.lastIndexOf("static/js/"));
  const path = String(base || "").replace(/^\/+|\/+$/g, "");
  return `${window.location.origin}/${path ? `${path}/` : ""}`;
}

/**
 * Follows one run; `query` stands before all else behind the question mark. Open only while the tab is visible; resumes after the last event. `on.message` gets messages,
 * `on.trouble` a quiet sentence or null, `on.gone` a sentence when there is no such run, `on.blocked` is called
 * when the server's route is not passed through.
 */
export class Source {
  constructor(url, on, query = "") {
    this.url = url;
    this.query = query;
    this.on = on;
    this.cursor = "";
    this.closed = false;
    this.ended = false;
    this.failures = 0;
    this.heard = false;
    this.onVisibility = () => (document.hidden ? this.pause() : this.resume());
    document.addEventListener("visibilitychange", this.onVisibility);
    if (!document.hidden) this.resume();
  }

  close() {
    this.closed = true;
    document.removeEventListener("visibilitychange", this.onVisibility);
    this.pause();
  }

  pause() {
    this.generation = (this.generation || 0) + 1;
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    if (this.events) this.events.close();
    this.events = null;
    if (this.release) this.release();
    this.release = null;
  }

  async resume() {
    if (this.closed || this.ended || this.events) return;
    this.pause();
    const generation = this.generation;
    const slot = await this.takeSlot();
    if (generation !== this.generation || this.closed) {
      if (slot) slot();
      return;
    }
    if (!slot) {
      this.look(generation, 12);
      return;
    }
    this.release = slot;
    this.listen(generation);
  }

  /** One of a few streams that this browser's tabs share out; null when all are taken. */
  async takeSlot() {
    if (!navigator.locks) return () => {};
    for (let i = 0; i < SLOTS; i += 1) {
      const free = await new Promise((settle) => {
        navigator.locks
          .request(`resnet-viz-stream-${i}`, { ifAvailable: true }, (lock) => {
            if (!lock) return settle(null);
            return new Promise((done) => settle(done));
          })
          .catch(() => settle(null));
      });
      if (free) return free;
    }
    return null;
  }

  listen(generation) {
    const events = new EventSource(`${this.url}?${this.query}after=${encodeURIComponent(this.cursor)}`);
    this.events = events;
    this.watchdog = setTimeout(() => {
      if (generation === this.generation && !this.heard) this.block();
    }, FIRST_MESSAGE_WITHIN);
    events.onmessage = (event) => {
      if (generation !== this.generation) return;
      this.failures = 0;
      this.take(event.data, event.lastEventId);
    };
    events.onerror = () => {
      if (generation !== this.generation) return;
      if (events.readyState === EventSource.CLOSED) this.ask(generation);
      else this.on.trouble("Connection lost, trying again.");
    };
  }

  /** Short looks: a request that ends at once, every now and then; a stream is tried again after some. */
  async look(generation, times) {
    try {
      const answer = await fetch(`${this.url}?${this.query}once&after=${encodeURIComponent(this.cursor)}`, { cache: "no-store" });
      if (!isStream(answer)) return this.judge(generation, answer);
      const text = await answer.text();
      if (generation !== this.generation) return undefined;
      for (const block of text.split("\n\n")) {
        const lines = block.split("\n");
        const data = lines.find((line) => line.startsWith("data: "));
        const id = lines.find((line) => line.startsWith("id: "));
        if (data) this.take(data.slice(6), id ? id.slice(4) : "");
      }
    } catch {
      if (generation !== this.generation) return undefined;
      this.on.trouble("Connection lost, trying again.");
    }
    if (generation !== this.generation) return undefined;
    this.timer = setTimeout(() => {
      if (times > 0) this.look(generation, times - 1);
      else this.resume();
    }, LOOK_EVERY);
    return undefined;
  }

  take(text, id) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      this.block();
      return;
    }
    this.heard = true;
    clearTimeout(this.watchdog);
    if (id) this.cursor = id;
    this.on.trouble(null);
    this.on.message(message);
    const final = message.kind === "delta" && ["finished", "stopped", "failed"].includes(message.state);
    if (final) {
      this.ended = true;
      this.pause();
    }
  }

  /** The stream was refused: find out why. */
  async ask(generation) {
    if (this.events) this.events.close();
    this.events = null;
    try {
      const answer = await fetch(`${this.url}?${this.query}once`, { cache: "no-store" });
      this.judge(generation, answer);
    } catch {
      this.again(generation);
    }
  }

  async judge(generation, answer) {
    if (generation !== this.generation) return;
    if (isStream(answer) || answer.status === 503) {
      if (isStream(answer) && this.failures > 3) this.look(generation, 1e9);
      else this.again(generation);
      return;
    }
    let sentence = null;
    if (answer.status === 404 && (answer.headers.get("content-type") || "").includes("json")) {
      sentence = await answer.json().then((body) => body.error, () => null);
    }
    if (generation !== this.generation) return;
    if (typeof sentence === "string") {
      this.ended = true;
      this.pause();
      this.on.gone(sentence);
    } else this.block();
  }

  again(generation) {
    this.failures += 1;
    this.on.trouble("Connection lost, trying again.");
    this.timer = setTimeout(() => {
      if (generation === this.generation) this.resume();
    }, Math.min(8000, 500 * 2 ** this.failures));
  }

  block() {
    this.ended = true;
    this.pause();
    this.on.blocked();
  }
}

function isStream(answer) {
  return answer.ok && (answer.headers.get("content-type") || "").startsWith("text/event-stream");
}
