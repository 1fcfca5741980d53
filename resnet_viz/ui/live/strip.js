// A contestant's card: one box a layer, coloured by its gradient norm now, as high as its feature map; arcs over
// the blocks that have a shortcut.

import { Surface } from "./surface.js";

const GAP = 1.5;

export class Strip {
  constructor(parent, name) {
    this.surface = new Surface(parent, `Layers of ${name}`);
    this.boxes = [];
  }

  /** Positions of the boxes; only when the size or the network changed. */
  place(contestant) {
    const { surface } = this;
    const rows = contestant.main.map((i) => contestant.layers[i]);
    const size = (layer) => Math.max(1, Math.min(layer.height || 1, layer.width || 1));
    const sizes = rows.map((layer) => Math.log2(size(layer)));
    const least = Math.min(...sizes, 0);
    const most = Math.max(...sizes, least + 1);
    const arcs = 11;
    const full = surface.height - arcs;
    const step = surface.width / Math.max(1, rows.length);
    this.boxes = rows.map((layer, i) => {
      const height = full * (0.45 + 0.55 * ((sizes[i] - least) / (most - least)));
      const gap = step > 4 ? GAP : step > 2 ? 0.5 : 0;
      return { x: i * step + gap / 2, y: surface.height - height, width: Math.max(0.5, step - gap), height };
    });
    this.arcs = blocks(contestant, rows).map(({ first, last, kind, path }) => {
      const from = first * step;
      const to = (last + 1) * step;
      const top = Math.min(...this.boxes.slice(first, last + 1).map((box) => box.y)) - 2;
      return { from, to, top, kind, path };
    });
  }

  /** The boxes' shapes and the arcs, painted when they are placed; a frame only fills in the colours. */
  paint(contestant, style, cut) {
    const { surface } = this;
    const { width, height } = surface.canvas;
    const layer = () => {
      const canvas = document.createElement("canvas");
      canvas.width = width;
      canvas.height = height;
      const pen = canvas.getContext("2d");
      pen.setTransform(surface.ratio, 0, 0, surface.ratio, 0, 0);
      return [canvas, pen];
    };
    const [shapes, shape] = layer();
    for (const box of this.boxes) round(shape, box.x, box.y, box.width, box.height, box.width > 5 ? 2 : 0);
    const [bows, bow] = layer();
    bow.strokeStyle = style.line(contestant.role);
    bow.lineWidth = 1.3;
    for (const arc of this.arcs) {
      if (cut.has(arc.path)) {
        this.severed(bow, arc, style);
        continue;
      }
      bow.setLineDash(arc.kind === "projection" ? [3, 2] : []);
      bow.beginPath();
      bow.moveTo(arc.from, arc.top);
      bow.quadraticCurveTo((arc.from + arc.to) / 2, arc.top - 12, arc.to, arc.top);
      bow.stroke();
    }
    const row = document.createElement("canvas");
    row.width = Math.max(1, this.boxes.length);
    row.height = 1;
    Object.assign(this, { shapes, bows, row, rowPen: row.getContext("2d") });
    this.colours = this.rowPen.createImageData(row.width, 1);
  }

  /** A shortcut that is cut: what is left of its ends, and a cross where it was. */
  severed(bow, { from, to, top }, style) {
    const middle = (from + to) / 2;
    bow.save();
    bow.setLineDash([1.5, 3]);
    bow.globalAlpha = 0.6;
    bow.beginPath();
    bow.moveTo(from, top);
    bow.quadraticCurveTo(middle, top - 12, to, top);
    bow.stroke();
    bow.restore();
    bow.save();
    bow.setLineDash([]);
    bow.strokeStyle = style.problem;
    bow.lineWidth = 1.8;
    const size = Math.max(2, Math.min(3, (to - from) / 4));
    for (const way of [1, -1]) {
      bow.beginPath();
      bow.moveTo(middle - size, top - 5 - way * size);
      bow.lineTo(middle + size, top - 5 + way * size);
      bow.stroke();
    }
    bow.restore();
  }

  draw(contestant, row, scale, style, marked, cut) {
    const { surface } = this;
    const severed = [...cut].join();
    if (surface.fit() || this.shape !== contestant || this.styleId !== style.id || this.cut !== severed) {
      this.shape = contestant;
      this.styleId = style.id;
      this.cut = severed;
      this.place(contestant);
      this.paint(contestant, style, cut);
    }
    const { pen } = surface;
    surface.clear();
    const column = row >= 0 ? contestant.track.at(row) : -1;
    const norms = column >= 0 ? contestant.track.grad[column] : null;
    contestant.main.forEach((layer, i) => {
      if (norms) style.pixel(norms[layer], scale, this.colours.data, 4 * i, contestant.gaps);
      else this.colours.data.set(style.none, 4 * i);
    });
    this.rowPen.putImageData(this.colours, 0, 0);
    const { width, height } = surface.canvas;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.drawImage(this.shapes, 0, 0);
    pen.globalCompositeOperation = "source-in";
    pen.imageSmoothingEnabled = false;
    pen.drawImage(this.row, 0, 0, width, height);
    pen.globalCompositeOperation = "source-over";
    pen.drawImage(this.bows, 0, 0);
    pen.setTransform(surface.ratio, 0, 0, surface.ratio, 0, 0);
    for (const [place, colour] of marked) {
      const box = this.boxes[place];
      if (!box) continue;
      pen.strokeStyle = colour;
      pen.lineWidth = 2;
      pen.strokeRect(box.x - 1, box.y - 1, box.width + 2, box.height);
    }
  }

  /** Place of the layer under a point: its index on the main path. */
  layerAt(x) {
    const n = this.boxes.length;
    return n ? Math.max(0, Math.min(n - 1, Math.floor((x / this.surface.width) * n))) : -1;
  }
}

function round(pen, x, y, width, height, radius) {
  if (!radius) {
    pen.fillRect(x, y, width, height);
    return;
  }
  pen.beginPath();
  pen.roundRect(x, y, width, height, radius);
  pen.fill();
}

/** Runs of layers that make a block with a shortcut, as places on the main path. */
function blocks(contestant, rows) {
  const { shortcuts } = contestant;
  const all = contestant.role !== "plain" && !/\bno shortcut/.test(contestant.description);
  const leadsAround = (layer) => {
    const found = shortcuts ? shortcuts[layer.stage - 1] : all;
    return Array.isArray(found) ? found[layer.block - 1] : found;
  };
  const beside = contestant.projections.map((i) => contestant.layers[i]); // gates and attention too
  const projected = new Set(beside.filter(({ path }) => path.includes(".downsample")).map(({ stage, block }) => `${stage}.${block}`));
  const found = [];
  rows.forEach((layer, i) => {
    if (!layer.stage || layer.kind !== "conv" || !leadsAround(layer)) return;
    const key = `${layer.stage}.${layer.block}`;
    const last = found[found.length - 1];
    if (last && last.key === key) last.last = i;
    else found.push({ key, first: i, last: i, kind: projected.has(key) ? "projection" : "identity", path: `layer${layer.stage}.${layer.block - 1}` });
  });
  return found;
}
