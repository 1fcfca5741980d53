// Colours, type and markers as the pictures use them, in the theme that the page has now.

import { cutMiddle, placeOn } from "./numbers.js";

/** Whether the page is dark: by the background that Streamlit's theme gives. */
export function isDark(element) {
  const words = getComputedStyle(element).getPropertyValue("--st-background-color").trim();
  const hex = words.match(/^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i);
  const parts = hex ? hex.slice(1).map((h) => parseInt(h, 16)) : (words.match(/[\d.]+/g) || [255, 255, 255]).map(Number);
  return 0.299 * parts[0] + 0.587 * parts[1] + 0.114 * parts[2] < 128;
}

export class Style {
  constructor(look, element) {
    const dark = isDark(element);
    this.theme = dark ? "dark" : "light";
    this.look = look;
    this.colours = look.palette[this.theme];
    this.inks = look.labels[this.theme];
    for (const name of ["text", "quiet", "grid", "panel", "problem"]) this[name] = this.colours[name];
    this.chosen = this.colours.selected_border;
    this.family = getComputedStyle(element).fontFamily;
    const wide = element.clientWidth >= 1600;
    this.small = wide ? 13 : 12;
    this.label = wide ? 14 : 13;
    this.id = [this.theme, this.small, this.family].join();
    this.widths = new Map();
    const channels = (colour) => colour.match(/[0-9a-f]{2}/gi).map((h) => parseInt(h, 16));
    this.broken = channels(this.problem);
    this.none = [...channels(this.grid), 255];
  }

  line(role) {
    return this.colours[role] || this.colours.sixth;
  }

  ink(role) {
    return this.inks[role] || this.inks.sixth;
  }

  dash(role) {
    const words = this.look.dash[role] || "solid";
    return words === "solid" ? [] : words.split(" ").map(Number);
  }

  marker(role) {
    return this.look.marker[role] || "circle";
  }

  /** Width of the widest of some bold labels, measured once. */
  widest(pen, names, least) {
    const key = names.join("\n");
    if (!this.widths.has(key)) {
      pen.font = `600 ${this.label}px ${this.family}`;
      this.widths.set(key, Math.ceil(Math.max(least, ...names.map((name) => pen.measureText(name).width))));
    }
    return this.widths.get(key);
  }

  name(contestant, most) {
    return cutMiddle(contestant.name, most);
  }

  /** Place of a value on the scale, 0 to 1. */
  place(norm, scale) {
    return Math.max(0, Math.min(1, placeOn(norm, scale)));
  }

  shade(t) {
    const [r, g, b] = this.look.viridis[Math.round(255 * t)];
    return `rgb(${r},${g},${b})`;
  }

  /** The colour of a norm, written into image data; with `gaps` what is no number was not measured. */
  pixel(norm, scale, data, at, gaps) {
    const missing = gaps ? this.none : this.broken;
    const colour = Number.isFinite(norm) ? this.look.viridis[Math.round(255 * this.place(norm, scale))] : missing;
    data[at] = colour[0];
    data[at + 1] = colour[1];
    data[at + 2] = colour[2];
    data[at + 3] = 255;
  }

  /** The colours as CSS properties of the component's own root. */
  paint(root) {
    for (const [name, colour] of Object.entries(this.colours)) root.style.setProperty(`--rv-${name.replaceAll("_", "-")}`, colour);
    for (const [name, colour] of Object.entries(this.inks)) root.style.setProperty(`--rv-ink-${name}`, colour);
    root.dataset.theme = this.theme;
  }
}
