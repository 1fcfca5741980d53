// The graph of a network as SVG, from the layout that resnet_viz.draw.layout computed. Every text is set with
// textContent: names come from people. Clicks and keys go to Python as one trigger, "go".

const SVG = "http://www.w3.org/2000/svg";
const NATURAL = 850; // room at which the picture has scale 1
const KEPT = new WeakMap(); // per mounted component: which node had the focus, and the handlers' data

function make(name, attributes = {}, text = null) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== null) element.textContent = text;
  return element;
}

function html(name, className, text = null) {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text !== null) element.textContent = text;
  return element;
}

// A bow at right angles with rounded corners, or a small curve on a folded box.
function bow(arc) {
  if (arc.small) {
    const lift = arc.y0 - (arc.y0 - arc.top) / 0.75; // so that the curve just reaches top
    const pull = (arc.x1 - arc.x0) * 0.25;
    return `M${arc.x0} ${arc.y0}C${arc.x0 + pull} ${lift} ${arc.x1 - pull} ${lift} ${arc.x1} ${arc.y1}`;
  }
  const r = Math.min(9, (arc.x1 - arc.x0) / 2);
  return `M${arc.x0} ${arc.y0}V${arc.top + r}Q${arc.x0} ${arc.top} ${arc.x0 + r} ${arc.top}` +
    `H${arc.x1 - r}Q${arc.x1} ${arc.top} ${arc.x1} ${arc.top + r}V${arc.y1}`;
}

// A line with right angles and rounded corners through points that differ in one coordinate at a time.
function wirePath(points) {
  const toward = ([x, y], [a, b], r) => [x + Math.sign(a - x) * Math.min(r, Math.abs(a - x)), y + Math.sign(b - y) * Math.min(r, Math.abs(b - y))];
  const half = (p, q) => (Math.abs(p[0] - q[0]) + Math.abs(p[1] - q[1])) / 2;
  let path = `M${points[0]}`;
  for (let i = 1; i < points.length - 1; i += 1) {
    const [before, here, after] = [points[i - 1], points[i], points[i + 1]];
    const r = Math.min(6, half(before, here), half(here, after));
    path += `L${toward(here, before, r)}Q${here} ${toward(here, after, r)}`;
  }
  return `${path}L${points[points.length - 1]}`;
}

// What a small arc carries: a notch for zeros, a little box for a projection. Where hundreds of arcs leave no room on
// top, it stands beside the one that is no identity, so that this one is told among the others.
function smallSign(arc, alone) {
  if (arc.kind === "identity" || arc.kind === "scaled") return null;
  const wide = arc.x1 - arc.x0;
  const least = arc.kind === "projection" ? 8 : 6;
  if (wide < least && !alone) return null;
  const x = wide < least ? arc.x0 - 6 : (arc.x0 + arc.x1) / 2;
  const y = wide < least ? (arc.y0 + arc.top) / 2 : arc.top;
  if (arc.kind === "padded") return make("path", { class: "arc-mark", d: `M${x - 3} ${y}L${x} ${y + 5}L${x + 3} ${y}` });
  if (arc.kind === "gated") {
    const d = `M${x - 2.6} ${y - 2.6}L${x + 2.6} ${y + 2.6}M${x - 2.6} ${y + 2.6}L${x + 2.6} ${y - 2.6}`;
    return wide < 10 ? null : make("path", { class: "arc-mark", d });
  }
  const side = wide >= 14 || wide < least ? 7 : 4.5;
  return make("rect", { class: "arc-mark", x: x - side / 2, y: y - side / 2, width: side, height: side });
}

function drawArcs(svg, arcs) {
  const mixed = new Set(arcs.filter((arc) => arc.kind === "identity").map((arc) => arc.node));
  for (const arc of arcs) {
    const dense = arc.small && arc.x1 - arc.x0 < 6 ? " dense" : "";
    svg.append(make("path", { class: `arc ${arc.kind}${arc.small ? " small" : ""}${dense}`, d: bow(arc) }));
  }
  for (const arc of arcs) { // over all arcs, so that the next row hides none
    const sign = arc.small ? smallSign(arc, mixed.has(arc.node)) : null;
    if (sign) svg.append(sign);
  }
}

// What stands in a circle: a sum, a product, maps one after the other.
const SIGNS = {
  plus: (x, y) => `M${x - 4.5} ${y}H${x + 4.5}M${x} ${y - 4.5}V${y + 4.5}`,
  times: (x, y) => `M${x - 3.3} ${y - 3.3}L${x + 3.3} ${y + 3.3}M${x - 3.3} ${y + 3.3}L${x + 3.3} ${y - 3.3}`,
  join: (x, y) => `M${x - 2} ${y - 4.5}V${y + 4.5}M${x + 2} ${y - 4.5}V${y + 4.5}`,
};

function shapeOf(mark) {
  const { x, y, width, height } = mark;
  if (mark.shape in SIGNS) {
    const [cx, cy] = [x + width / 2, y + height / 2];
    return [make("circle", { class: "shape", cx, cy, r: width / 2 }), make("path", { class: "sign", d: SIGNS[mark.shape](cx, cy) })];
  }
  if (mark.shape === "notch") {
    const middle = y + height / 2;
    const d = `M${x} ${middle}L${x + width / 2} ${middle + height * 0.6}L${x + width} ${middle}`;
    return [make("path", { class: "shape", d })];
  }
  const parts = [make("rect", { class: "shape", x, y, width, height })];
  const room = height - 30; // the lowest lines of the box hold its text
  for (let i = 0; i < mark.lanes; i += 1) {
    const pitch = room / mark.lanes;
    parts.push(make("rect", { class: "lane", x: x + 9, y: y + 7 + i * pitch, width: width - 18, height: Math.max(1.5, pitch * 0.6) }));
  }
  return parts;
}

function drawMark(mark, view) {
  const opens = mark.stage > 0;
  const names = ["mark", mark.shape, mark.tone, opens ? "opens" : "selects"];
  if (mark.problem) names.push("broken");
  if (view.selected && mark.node === view.selected) names.push("chosen");
  const group = make("g", { class: names.join(" "), tabindex: -1, role: "button", "data-node": mark.node, "data-path": mark.path });
  group.setAttribute("aria-label", `${mark.title}. ${mark.detail}`);
  if (!opens) group.setAttribute("aria-pressed", String(names.includes("chosen")));
  group.append(...shapeOf(mark));
  const pad = mark.width < 12 ? 4 : 0; // a thin bar still is a target
  const box = { x: mark.x - pad, y: mark.y, width: mark.width + 2 * pad, height: mark.height };
  group.append(make("rect", { class: "hit", ...box }));
  group.append(make("rect", { class: "ring", x: box.x - 4, y: box.y - 4, width: box.width + 8, height: box.height + 8 }));
  return group;
}

function drawSvg(view) {
  const { layout } = view;
  const svg = make("svg", { viewBox: `0 0 ${layout.width} ${layout.height}`, role: "group", "aria-label": view.name });
  if (layout.frame) {
    const { x, y, width, height } = layout.frame;
    svg.append(make("rect", { class: "stage-frame", x, y, width, height }));
  }
  for (const line of layout.lines) {
    const name = line.reached ? "line" : "line unreached";
    svg.append(make("line", { class: name, x1: line.x0, x2: line.x1, y1: line.y, y2: line.y }));
  }
  for (const wire of layout.wires) svg.append(make("path", { class: `wire ${wire.kind}`, d: wirePath(wire.points) }));
  drawArcs(svg, layout.arcs);
  for (const mark of layout.marks) svg.append(drawMark(mark, view));
  for (const { text, x, y, style, anchor } of layout.labels) {
    svg.append(make("text", { class: style, x, y, "text-anchor": anchor, "aria-hidden": style !== "problem" }, text));
  }
  return svg;
}

function crumb(text, here, go) {
  if (here) {
    const span = html("span", "rv-here", text);
    span.setAttribute("aria-current", "location");
    return span;
  }
  const button = html("button", "", text);
  button.type = "button";
  button.onclick = go;
  return button;
}

function drawCrumbs(view, send) {
  const nav = html("nav", "rv-crumbs");
  nav.setAttribute("aria-label", "Opened part of the network");
  nav.append(crumb("Network", !view.stage, () => send({ stage: 0, block: 0 })));
  if (view.stage) {
    nav.append(html("span", "rv-sep", "›"));
    nav.append(crumb(`stage ${view.stage}`, !view.block, () => send({ stage: view.stage, block: 0 })));
  }
  if (view.block) {
    nav.append(html("span", "rv-sep", "›"), crumb(`block ${view.block}`, true));
    for (const [step, sign, name] of [[-1, "‹", "Previous block"], [1, "›", "Next block"]]) {
      const button = crumb(sign, false, () => send({ stage: view.stage, block: view.block + step }));
      button.setAttribute("aria-label", name);
      button.title = name;
      button.disabled = view.block + step < 1 || view.block + step > view.blocks;
      nav.append(button);
    }
  }
  return nav;
}

// One tab stop for the whole graph; arrow keys walk along the nodes.
function bindKeys(root, svg, view, send, kept) {
  const marks = [...svg.querySelectorAll(".mark")];
  const byNode = new Map(view.layout.marks.map((mark) => [mark.node, mark]));
  const info = root.querySelector(".rv-info");
  const hint = info.textContent;
  const read = (mark) => {
    info.textContent = mark ? mark.detail : hint;
    info.title = info.textContent;
    info.classList.toggle("rv-read", Boolean(mark));
  };
  const act = (element) => {
    const mark = byNode.get(element.dataset.node);
    kept.focus = mark.node;
    if (mark.stage) send({ stage: mark.stage, block: mark.block });
    else send({ stage: view.stage, block: view.block, select: mark.node === view.selected ? "" : mark.node });
  };
  const focus = (element) => {
    for (const other of marks) other.setAttribute("tabindex", other === element ? 0 : -1);
    element.focus({ preventScroll: true });
    element.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const point = (element) => {
    const mark = element ? byNode.get(element.dataset.node) : null;
    read(mark);
    tell(mark ? firstPath(mark.path) : "");
  };
  for (const element of marks) {
    element.addEventListener("pointerenter", () => point(element));
    element.addEventListener("pointerleave", () => point(null));
    element.addEventListener("focus", () => { kept.focused = true; kept.focus = element.dataset.node; point(element); });
    element.addEventListener("blur", () => { kept.focused = false; point(null); });
    element.addEventListener("click", () => act(element));
  }
  root.onkeydown = (event) => {
    const at = marks.indexOf(event.target);
    if (event.key === "Escape" && view.stage) send({ stage: view.block ? view.stage : 0, block: 0 });
    else if (at < 0) return;
    else if (event.key === "Enter" || event.key === " ") act(marks[at]);
    else if (event.key === "ArrowRight") focus(marks[Math.min(at + 1, marks.length - 1)]);
    else if (event.key === "ArrowLeft") focus(marks[Math.max(at - 1, 0)]);
    else if (event.key === "Home") focus(marks[0]);
    else if (event.key === "End") focus(marks[marks.length - 1]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const heard = (event) => {
    if (event.detail?.from !== "code") return;
    lightUp(marks, byNode, (event.detail.paths ?? [event.detail.path ?? ""]).map(String));
  };
  window.addEventListener(HOVER, heard);
  return { marks, focus, deafen: () => window.removeEventListener(HOVER, heard) };
}

// Other parts of the page hear over which path the pointer is, and say it of theirs: no round trip to the server.
const HOVER = "rv:hover";

function tell(path) {
  window.dispatchEvent(new CustomEvent(HOVER, { detail: { path, from: "graph" } }));
}

// Of a folded run "layer1.1 … layer1.5" its first block.
function firstPath(path) {
  return path.split(" … ")[0];
}

// How well a mark's path names another one: its length when it is the same or begins it, else 0. The stem and the
// head stand for their other layers too, a folded run for each of its blocks.
function nearness(mark, path) {
  const [first, last] = mark.path.split(" … ");
  if (!first) return 0;
  if (last) {
    const [, stage, from] = /^(.*)\.(\d+)$/.exec(first) ?? [];
    const to = Number(/(\d+)$/.exec(last)?.[1]);
    const block = path.startsWith(`${stage}.`) ? /^\d+/.exec(path.slice(stage.length + 1)) : null;
    return block && block[0] >= Number(from) && block[0] <= to ? stage.length + 1 : 0;
  }
  if (path === first || path.startsWith(`${first}.`)) return first.length;
  const parts = { stem: /^(conv1|bn1|relu|maxpool)$/, head: /^(norm|act|avgpool|flatten|fc)$/ };
  return parts[mark.node]?.test(path) ? 1 : 0;
}

function lightUp(marks, byNode, paths) {
  const lit = new Set();
  for (const path of paths.filter(Boolean)) {
    const scores = marks.map((element) => nearness(byNode.get(element.dataset.node), path));
    const best = Math.max(0, ...scores);
    marks.forEach((element, i) => { if (best > 0 && scores[i] === best) lit.add(element); });
  }
  for (const element of marks) element.classList.toggle("lit", lit.has(element));
}

// Scale to the room there is. The height depends on the room alone, so that no edit moves what is below.
function fit(scroller, svg, layout) {
  const room = scroller.clientWidth || NATURAL;
  const most = Math.min(1.3, Math.max(0.85, room / NATURAL));
  const tall = Math.min(most, Math.max(0.8, room / layout.width));
  scroller.style.height = `${Math.round(layout.height * most)}px`;
  svg.setAttribute("width", Math.round(layout.width * tall));
  svg.setAttribute("height", Math.round(layout.height * tall));
  if (layout.frame && layout.width * tall > room) {
    scroller.scrollLeft = (layout.frame.x + layout.frame.width / 2) * tall - room / 2;
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const view = data;
  const kept = KEPT.get(parentElement) ?? { focus: null, focused: false, shown: "" };
  KEPT.set(parentElement, kept);
  const text = JSON.stringify(view);
  if (kept.shown === text && parentElement.querySelector(".rv-graph")) return kept.end;
  kept.end?.();
  kept.shown = text;
  const hadFocus = kept.focused;
  const send = (to) => setTriggerValue("go", { select: "", ...to });

  const root = html("div", "rv-graph");
  const head = html("div", "rv-head");
  const info = html("div", "rv-info", view.hint);
  head.append(drawCrumbs(view, send), info);
  const scroller = html("div", "rv-scroll");
  const svg = drawSvg(view);
  scroller.append(svg);
  root.append(head, scroller);
  parentElement.querySelector(".rv-graph")?.remove();
  parentElement.append(root);

  const { marks, focus, deafen } = bindKeys(root, svg, view, send, kept);
  const same = marks.find((mark) => mark.dataset.node === kept.focus);
  const inside = marks.find((mark) => view.stage && mark.dataset.node.startsWith(`layer${view.stage}.${view.block ? view.block - 1 + "." : ""}`));
  const start = same ?? inside ?? marks[0];
  start?.setAttribute("tabindex", 0);
  fit(scroller, svg, view.layout);
  if (hadFocus && start) focus(start);
  const watch = new ResizeObserver(() => fit(scroller, svg, view.layout));
  watch.observe(scroller);
  kept.end = () => { watch.disconnect(); deafen(); };
  return () => { kept.end?.(); kept.shown = ""; };
}
