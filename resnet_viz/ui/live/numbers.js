// Numbers as people read them, and the ticks of an axis. No DOM.

const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

/** 10 to an integer power, written with superscript digits. */
export function powerOfTen(exponent) {
  return "10" + String(exponent).replace(/./g, (digit) => SUPERSCRIPT[digit]);
}

/** A number with three digits that matter; what is no finite number says so. */
export function short(value) {
  if (value === null || value === undefined) return "–";
  if (!Number.isFinite(value)) return "not finite";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 99999.5 || size < 0.000995) {
    const [mantissa, exponent] = value.toExponential(1).split("e");
    return `${mantissa} × ${powerOfTen(Number(exponent))}`;
  }
  return size >= 99.95 ? value.toFixed(0) : Number(value.toPrecision(3)).toString();
}

/** A fraction as per cent with one decimal: "89.5 %". */
export function percent(fraction) {
  return Number.isFinite(fraction) ? `${(100 * fraction).toFixed(1)} %` : "–";
}

/** A duration in words that need no reading: "3 s left", "2 min left". */
export function timeLeft(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.ceil(seconds))} s left`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min left`;
  return `${Math.round(seconds / 3600)} h left`;
}

/** A name of at most `most` characters, its middle replaced by an ellipsis. */
export function cutMiddle(name, most) {
  if (name.length <= most) return name;
  const head = Math.ceil((most - 1) / 2);
  return `${name.slice(0, head).trimEnd()}…${name.slice(name.length - (most - 1 - head)).trimStart()}`;
}

/** Exponents of the decades between two exponents, at most `most` of them. */
export function decades(low, high, most) {
  const first = Math.ceil(low - 1e-9);
  const last = Math.floor(high + 1e-9);
  const every = Math.max(1, Math.ceil((last - first + 1) / Math.max(1, most)));
  const found = [];
  for (let e = first; e <= last; e += 1) if (((e % every) + every) % every === 0) found.push(e);
  return found;
}

/** A decade as an axis writes it: 0.01 to 1000 plainly, the rest as powers of ten. */
export function decadeLabel(exponent) {
  return exponent >= -2 && exponent <= 3 ? String(Number(`1e${exponent}`)) : powerOfTen(exponent);
}

/** Place of a value on a scale, 0 at its low end and 1 at its high one; -1 for what a log scale has no place for. */
export function placeOn(value, scale) {
  if (!Number.isFinite(value)) return NaN;
  if (!scale.linear && !(value > 0)) return -1;
  return ((scale.linear ? value : Math.log10(value)) - scale.low) / (scale.high - scale.low);
}

/** At most about `most` ticks of a scale, each [place, label]. */
export function scaleTicks(scale, most) {
  const { low, high, linear } = scale;
  if (!linear) {
    const tens = decades(low, high, most);
    const threes = tens.length > 1 ? [] : [-1, 0, 1].map((e) => (tens[0] ?? Math.ceil(low)) + e + Math.log10(3)).filter((e) => e >= low && e <= high);
    const labels = [...tens.map((e) => [e, decadeLabel(e)]), ...threes.map((e) => [e, short(10 ** e)])];
    return labels.sort((a, b) => a[0] - b[0]).map(([e, words]) => [(e - low) / (high - low), words]);
  }
  const ticks = linearTicks(high, Math.max(1, Math.min(4, most) / (low < 0 ? 2 : 1)));
  const all = low < 0 ? [...ticks.slice(1).map((v) => -v).reverse(), ...ticks] : ticks;
  return all.map((v) => [(v - low) / (high - low), short(v).replace("-", "−")]);
}

/** The next round number, so that an axis does not move with every new value. */
export function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.25, 1.6, 2, 2.5, 3, 4, 5, 6.5, 8, 10].find((m) => m * power >= value * 1.02) * power;
}

/** Round values from 0 to at most `high`, about `wanted` of them. */
export function linearTicks(high, wanted) {
  const raw = high / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999) || raw;
  const found = [];
  for (let i = 0; i * step <= high * 1.0001; i += 1) found.push(Number((i * step).toPrecision(6)));
  return found;
}

/** Whole-number ticks from 0 to `total`, the last one `total` itself: quarters where they are whole. */
export function stepTicks(total, wanted) {
  if (total <= 0) return [0];
  const every = Math.max(1, Math.round(total / Math.max(1, wanted)));
  const found = [];
  for (let s = 0; s < total - every / 2; s += every) found.push(s);
  return [...found, total];
}
