// A canvas in its box: sharp on any screen, measured in CSS pixels, with the few strokes that all pictures share.

import { stepTicks } from "./numbers.js";

export class Surface {
  constructor(parent, label) {
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", label);
    parent.append(this.canvas);
    this.pen = this.canvas.getContext("2d");
    this.width = 0;
    this.height = 0;
    this.ratio = 1;
    this.stale = true;
    this.resized = new ResizeObserver(() => {
      this.stale = true;
      parent.dispatchEvent(new CustomEvent("resnet-viz-resized", { bubbles: true }));
    });
    this.resized.observe(parent);
  }

  /** Fit the canvas to its box; true when its size changed. The box is measured only after it was resized. */
  fit() {
    if (!this.stale && this.ratio === Math.min(3, window.devicePixelRatio || 1)) return false;
    this.stale = false;
    const box = this.canvas.parentElement;
    const width = Math.max(1, Math.floor(box.clientWidth));
    const height = Math.max(1, Math.floor(box.clientHeight));
    const ratio = Math.min(3, window.devicePixelRatio || 1);
    if (width === this.width && height === this.height && ratio === this.ratio) return false;
    Object.assign(this, { width, height, ratio });
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    return true;
  }

  clear() {
    this.pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.pen.globalAlpha = 1;
    this.pen.setLineDash([]);
    this.pen.clearRect(0, 0, this.width, this.height);
  }

  /**
   * What stays from frame to frame (axes, words): painted once to a canvas off the page, then only copied, over all
   * that was there: it comes first. `key` must name everything that `paint` depends on besides the size.
   */
  backdrop(key, paint) {
    const { width, height } = this.canvas;
    const full = `${width} ${height} ${key}`;
    if (full !== this.backdropKey) {
      this.backdropKey = full;
      this.still = this.still || document.createElement("canvas");
      this.still.width = width;
      this.still.height = height;
      const own = this.pen;
      this.pen = this.still.getContext("2d");
      this.pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
      paint();
      this.pen = own;
    }
    this.pen.setTransform(1, 0, 0, 1, 0, 0);
    this.pen.globalCompositeOperation = "copy"; // no blending: the picture is as large as the canvas
    this.pen.drawImage(this.still, 0, 0);
    this.pen.globalCompositeOperation = "source-over";
    this.pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
  }

  font(size, weight, family) {
    this.pen.font = `${weight} ${size}px ${family}`;
  }

  text(words, x, y, colour, align = "left", baseline = "alphabetic") {
    this.pen.fillStyle = colour;
    this.pen.textAlign = align;
    this.pen.textBaseline = baseline;
    this.pen.fillText(words, x, y);
  }

  /** Words that stay readable over lines: with a rim in the background's colour. */
  label(words, x, y, colour, rim) {
    const { pen } = this;
    if (!rim) {
      this.text(words, x, y, colour, "left", "middle");
      return;
    }
    pen.strokeStyle = rim;
    pen.lineWidth = 4;
    pen.lineJoin = "round";
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    pen.strokeText(words, x, y);
    this.text(words, x, y, colour, "left", "middle");
  }

  line(x0, y0, x1, y1, colour, width = 1, dash = []) {
    const { pen } = this;
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.setLineDash(dash);
    pen.beginPath();
    pen.moveTo(x0, y0);
    pen.lineTo(x1, y1);
    pen.stroke();
    pen.setLineDash([]);
  }

  /** A line through points; where `ys` is NaN it is broken. */
  path(xs, ys, colour, width, dash = []) {
    const { pen } = this;
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.lineJoin = "round";
    pen.setLineDash(dash);
    pen.beginPath();
    let down = false;
    for (let i = 0; i < xs.length; i += 1) {
      if (Number.isNaN(ys[i])) down = false;
      else if (down) pen.lineTo(xs[i], ys[i]);
      else {
        pen.moveTo(xs[i], ys[i]);
        down = true;
      }
    }
    pen.stroke();
    pen.setLineDash([]);
  }

  /** The area between two curves, where both are known. */
  band(xs, lows, highs, colour, alpha = 0.16) {
    const { pen } = this;
    const before = pen.globalAlpha;
    pen.fillStyle = colour;
    pen.globalAlpha = before * alpha;
    let from = 0;
    for (let i = 0; i <= xs.length; i += 1) {
      if (i < xs.length && !Number.isNaN(lows[i]) && !Number.isNaN(highs[i])) continue;
      pen.beginPath();
      for (let k = from; k < i; k += 1) pen.lineTo(xs[k], highs[k]);
      for (let k = i - 1; k >= from; k -= 1) pen.lineTo(xs[k], lows[k]);
      pen.fill();
      from = i + 1;
    }
    pen.globalAlpha = before;
  }

  /** One of the markers by which contestants differ besides their colour. */
  marker(shape, x, y, size, colour) {
    const { pen } = this;
    pen.fillStyle = colour;
    pen.strokeStyle = colour;
    pen.lineWidth = 1.6;
    pen.beginPath();
    if (shape === "square") pen.rect(x - size, y - size, 2 * size, 2 * size);
    else if (shape === "diamond") polygon(pen, x, y, size * 1.3, [[0, -1], [1, 0], [0, 1], [-1, 0]]);
    else if (shape === "triangle-up") polygon(pen, x, y, size * 1.2, [[0, -1], [1, 0.8], [-1, 0.8]]);
    else if (shape === "cross" || shape === "x") {
      const d = shape === "x" ? size * 0.9 : 0;
      const e = shape === "x" ? size * 0.9 : size * 1.2;
      pen.moveTo(x - e, y - d);
      pen.lineTo(x + e, y + d);
      pen.moveTo(x + d, y - e);
      pen.lineTo(x - d, y + e);
      pen.stroke();
      return;
    } else pen.arc(x, y, size, 0, 2 * Math.PI);
    pen.fill();
  }
}

function polygon(pen, x, y, size, corners) {
  corners.forEach(([dx, dy], i) => (i ? pen.lineTo(x + dx * size, y + dy * size) : pen.moveTo(x + dx * size, y + dy * size)));
  pen.closePath();
}

/** A plot's frame: where its data lie, and the step axis below that three of the pictures share. */
export class Frame {
  constructor(surface, left, top, right, bottom) {
    this.surface = surface;
    this.x0 = left;
    this.y0 = top;
    this.x1 = Math.max(left + 10, surface.width - right);
    this.y1 = Math.max(top + 10, surface.height - bottom);
  }

  get width() {
    return this.x1 - this.x0;
  }

  get height() {
    return this.y1 - this.y0;
  }

  holds(x, y) {
    return x >= this.x0 - 4 && x <= this.x1 + 4 && y >= this.y0 - 4 && y <= this.y1 + 4;
  }

  stepAxis(total, style, first = "0") {
    const { surface } = this;
    surface.font(style.small, 400, style.family);
    const last = Math.max(1, total);
    for (const s of stepTicks(total, this.width < 260 ? 2 : 4)) {
      surface.text(s === 0 ? first : String(s), this.x0 + (s / last) * this.width, this.y1 + 8, style.quiet, "center", "top");
    }
  }

  /** Draw with everything outside [from, to] of the x range cut away. */
  within(from, to, draw) {
    if (to <= from) return;
    const { pen } = this.surface;
    pen.save();
    pen.beginPath();
    pen.rect(from, this.y0 - 6, to - from, this.height + 12);
    pen.clip();
    draw();
    pen.restore();
  }
}

/** Move labels apart so that they keep `gap` pixels; each is {y, ...}. The order stays. */
export function spread(labels, gap, low, high) {
  const sorted = [...labels].sort((a, b) => a.y - b.y);
  for (let i = 1; i < sorted.length; i += 1) sorted[i].y = Math.max(sorted[i].y, sorted[i - 1].y + gap);
  let limit = high;
  for (let i = sorted.length - 1; i >= 0; i -= 1) {
    sorted[i].y = Math.min(sorted[i].y, limit);
    limit = sorted[i].y - gap;
  }
  if (sorted.length && sorted[0].y < low) sorted[0].y = low;
  return sorted;
}
