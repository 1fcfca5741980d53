// Every layer at every step: one heatmap a network on one shared viridis scale, by default of log gradient norms.
// A new column is painted once, to a canvas that is not on the page; a frame only copies it.

import { scaleTicks } from "./numbers.js";
import { Frame, Surface } from "./surface.js";

class HeatImage {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.pen = this.canvas.getContext("2d");
    this.column = document.createElement("canvas");
    this.column.width = 1;
    this.drawn = 0;
    this.key = "";
  }

  /** Paint what is not painted yet; everything when size, scale, theme or the past changed. */
  paint(contestant, scale, style, width, height, total) {
    const { track, main } = contestant;
    const key = [width, height, scale.key, scale.low, scale.high, track.revision, total, style.theme, main.length].join();
    if (key !== this.key) {
      this.key = key;
      this.canvas.width = width;
      this.canvas.height = height;
      this.column.height = Math.max(1, main.length);
      this.brush = this.column.getContext("2d");
      this.pixels = this.brush.createImageData(1, Math.max(1, main.length));
      this.pen.imageSmoothingEnabled = false;
      this.drawn = 0;
    }
    const last = Math.max(1, total);
    for (; this.drawn < track.length; this.drawn += 1) {
      const i = this.drawn;
      main.forEach((layer, row) => style.pixel(track.grad[i][layer], scale, this.pixels.data, 4 * row, contestant.gaps));
      this.brush.putImageData(this.pixels, 0, 0);
      const x0 = Math.floor((track.step[i] / last) * width);
      const x1 = Math.max(x0 + 1, Math.ceil(((track.step[i] + track.span[i]) / last) * width));
      this.pen.drawImage(this.column, 0, 0, 1, main.length, x0, 0, x1 - x0, height);
    }
  }
}

export class Heat {
  constructor(parent) {
    this.surface = new Surface(parent, "Gradient norm of every layer at every step");
    this.images = [];
  }

  draw(model, playhead, style, pointed) {
    const { surface } = this;
    surface.fit();
    surface.clear();
    const rows = model.contestants;
    const scale = model.scale();
    const names = rows.map((c) => style.name(c, 14));
    const wide = style.widest(surface.pen, names, 26);
    this.frame = new Frame(surface, wide + 16, 4, scale.linear ? 68 : 60, 26);
    const gap = 10;
    const each = Math.max(1, Math.floor((this.frame.height - gap * Math.max(0, rows.length - 1)) / Math.max(1, rows.length)));
    this.bands = rows.map((c, i) => ({ c, y0: this.frame.y0 + i * (each + gap), height: each }));
    this.total = Math.max(1, model.total);
    const key = [style.id, model.revision, model.total, scale.key, scale.low, scale.high, scale.below, wide].join();
    surface.backdrop(key, () => {
      this.bands.forEach((band, i) => this.name(band, names[i], style));
      this.frame.stepAxis(model.total, style, "step 0");
      this.bar(scale, style);
    });
    this.bands.forEach((band, i) => this.band(band, i, scale, playhead, style));
    if (playhead.mode === "at") this.cursor(playhead.row, style.text, 1);
    if (pointed.step !== null && pointed.step !== undefined) this.cursor(pointed.step, style.quiet, 1);
    for (const [layer, colour] of pointed.layers) this.rowMark(layer, colour);
  }

  band(band, i, scale, playhead, style) {
    const { surface, frame } = this;
    const { pen } = surface;
    const { c, y0, height } = band;
    if (!this.images[i]) this.images[i] = new HeatImage();
    const image = this.images[i];
    const width = Math.max(1, Math.round(frame.width * surface.ratio));
    const deep = Math.max(1, Math.round(height * surface.ratio));
    image.paint(c, scale, style, width, deep, this.total);
    const part = (steps) => Math.max(0, Math.min(width, Math.ceil((steps / this.total) * width)));
    const end = part(c.track.done);
    const shown = playhead.mode === "live" ? end : part(playhead.row + 1);
    pen.imageSmoothingEnabled = false;
    this.copy(image, 0, shown, deep, y0, height);
    if (playhead.mode === "at") {
      pen.globalAlpha = 0.3;
      this.copy(image, shown, end, deep, y0, height);
      pen.globalAlpha = 1;
    }
    pen.strokeStyle = style.grid;
    pen.lineWidth = 1;
    pen.strokeRect(frame.x0 + 0.5, y0 + 0.5, frame.width - 1, height - 1);
  }

  /** The image's columns of pixels [from, to), where they belong. */
  copy(image, from, to, deep, y0, height) {
    if (to <= from) return;
    const { surface, frame } = this;
    const x = frame.x0 + (from / image.canvas.width) * frame.width;
    surface.pen.drawImage(image.canvas, from, 0, to - from, deep, x, y0, ((to - from) / image.canvas.width) * frame.width, height);
  }

  /** A band's network and the numbers of its first and last layer. */
  name({ c, y0, height }, name, style) {
    const { surface, frame } = this;
    surface.font(style.label, 600, style.family);
    surface.text(name, frame.x0 - 10, y0 + height / 2, style.ink(c.role), "right", "middle");
    if (height > 46) {
      surface.font(style.small, 400, style.family);
      surface.text("1", frame.x0 - 10, y0 + 6, style.quiet, "right", "middle");
      surface.text(String(c.main.length), frame.x0 - 10, y0 + height - 6, style.quiet, "right", "middle");
    }
  }

  bar(scale, style) {
    const { surface, frame } = this;
    const { pen } = surface;
    const x = frame.x1 + 16;
    const steps = Math.max(2, Math.round(frame.height));
    for (let i = 0; i < steps; i += 1) {
      pen.fillStyle = style.shade(1 - i / (steps - 1));
      pen.fillRect(x, frame.y0 + (i * frame.height) / steps, 9, frame.height / steps + 0.6);
    }
    surface.font(style.small, 400, style.family);
    for (const [at, words] of scaleTicks(scale, Math.floor(frame.height / 24))) {
      const y = frame.y1 - at * frame.height;
      surface.text(words, x + 14, Math.max(frame.y0 + 6, Math.min(frame.y1 - 6, y)), style.quiet, "left", "middle");
    }
    if (scale.below) surface.text("or less", x - 4, frame.y1 + 14, style.quiet, "left", "middle");
  }

  cursor(step, colour, width) {
    const x = this.frame.x0 + ((step + 0.5) / this.total) * this.frame.width;
    this.surface.line(x, this.frame.y0, x, this.frame.y1, colour, width, [3, 3]);
  }

  rowMark(layer, colour) {
    for (const { c, y0, height } of this.bands) {
      if (layer >= c.main.length) continue;
      const each = height / c.main.length;
      this.surface.pen.strokeStyle = colour;
      this.surface.pen.lineWidth = 1.5;
      this.surface.pen.strokeRect(this.frame.x0, y0 + layer * each - 0.5, this.frame.width, Math.max(2, each + 1));
    }
  }

  /** What a point means: contestant, layer's place and step. */
  at(px, py) {
    if (!this.frame || px < this.frame.x0 || px > this.frame.x1) return null;
    const band = this.bands.find((b) => py >= b.y0 && py <= b.y0 + b.height);
    if (!band) return null;
    const layer = Math.min(band.c.main.length - 1, Math.floor(((py - band.y0) / band.height) * band.c.main.length));
    return { layer, step: Math.min(this.total - 1, Math.floor(((px - this.frame.x0) / this.frame.width) * this.total)) };
  }
}
