// A network's source with line numbers and colours. Every text is set with textContent: names come from people.
// Hovering a line tells the graph which module it makes, and the other way round, by "rv:hover" on the window.

const KEPT = new WeakMap(); // per mounted component: what is shown and how to end it
const KEYWORDS = new Set(("and as class def elif else False for from if import in is lambda None not or " +
  "return True while with").split(" "));
// Strings, comments, names and numbers of a line; what is between them stands as it is.
const TOKEN = /("(?:[^"\\]|\\.)*")|(#.*$)|([A-Za-z_]\w*)|(\b\d[\d_.]*(?:e[-+]?\d+)?)/g;
const LONG = 100;

function make(name, className, text = null) {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text !== null) element.textContent = text;
  return element;
}

// The spans of a line outside docstrings.
function colour(into, line) {
  let at = 0;
  let before = "";
  for (const match of line.matchAll(TOKEN)) {
    const [text, string, comment, word] = match;
    into.append(line.slice(at, match.index));
    at = match.index + text.length;
    const kind = string ? "str" : comment ? "doc" : !word ? "num" : KEYWORDS.has(word) ? "kw"
      : before === "def" || before === "class" ? "name" : "";
    into.append(kind ? make("span", kind, text) : text);
    before = word ?? "";
  }
  into.append(line.slice(at));
}

function drawLines(text) {
  const lines = make("div", "rv-lines");
  let inside = false; // a docstring that goes on
  text.replace(/\n$/, "").split("\n").forEach((line, i) => {
    const row = make("div", line.length > LONG ? "rv-line rv-long" : "rv-line");
    row.dataset.n = i + 1;
    const content = make("span", "rv-text");
    const quotes = line.split('"""').length - 1;
    if (inside || quotes) content.append(make("span", "doc", line));
    else colour(content, line);
    if (quotes === 1) inside = !inside;
    row.append(content);
    lines.append(row);
  });
  return lines;
}

// All places as [paths, first, last]: the lines of a kind of block make the same part of each such block.
function placesOf(view) {
  const found = Object.entries(view.own).map(([path, [first, last]]) => [[path], first, last]);
  for (const [kind, parts] of Object.entries(view.kinds)) {
    const blocks = Object.keys(view.blocks).filter((block) => String(view.blocks[block]) === kind);
    for (const [name, [first, last]] of Object.entries(parts)) {
      found.push([blocks.map((block) => (name ? `${block}.${name}` : block)), first, last]);
    }
  }
  return found.sort((a, b) => (b[2] - b[1]) - (a[2] - a[1])); // the smallest place last: it wins
}

// The lines of a path, or of the longest part of it that has lines.
function linesOf(view, asked) {
  let path = asked.split(" ")[0].split(":")[0].replace(/\bpaths\.\d+/, "paths.0");
  while (path) {
    if (view.own[path]) return view.own[path];
    const [, block, name] = path.match(/^(layer\d+\.\d+)\.?(.*)$/) ?? [];
    const kind = block === undefined ? undefined : view.kinds[view.blocks[block]];
    if (kind?.[name]) return kind[name];
    const shorter = path.replace(/(paths\.0\.[a-z]+)\d+$/, "$1");
    path = shorter !== path ? shorter : path.slice(0, Math.max(path.lastIndexOf("."), 0));
  }
  return null;
}

// Only the box scrolls, never the page.
function reveal(box, rows, first, last) {
  const top = rows[first - 1].offsetTop - box.offsetTop;
  const bottom = rows[last - 1].offsetTop - box.offsetTop + rows[last - 1].offsetHeight;
  if (top >= box.scrollTop && bottom <= box.scrollTop + box.clientHeight) return;
  box.scrollTop = Math.max(0, bottom - top > box.clientHeight ? top - 8 : (top + bottom - box.clientHeight) / 2);
}

// The clipboard needs a secure page; elsewhere the old command still copies what is selected.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = make("textarea", "");
    area.value = text;
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

function copyButton(view, said) {
  const button = make("button", "rv-copy", "Copy");
  button.type = "button";
  button.onclick = async () => {
    const done = await copy(view.text);
    button.textContent = done ? "Copied" : "Select and copy by hand";
    said.textContent = button.textContent;
    setTimeout(() => { button.textContent = "Copy"; said.textContent = ""; }, 1600);
    button.focus();
  };
  return button;
}

function bindHover(box, rows, view) {
  const owners = new Array(rows.length + 1).fill([]);
  for (const [paths, first, last] of placesOf(view)) owners.fill(paths, first, last + 1);
  rows.forEach((row, i) => row.classList.toggle("rv-known", owners[i + 1].length > 0));
  const light = (place) => rows.forEach((row, i) => row.classList.toggle("rv-lit", Boolean(place) && i + 1 >= place[0] && i + 1 <= place[1]));
  let told = "";
  const tell = (paths) => {
    const path = paths[0] ?? "";
    if (path === told) return;
    told = path;
    light(path ? linesOf(view, path) : null);
    window.dispatchEvent(new CustomEvent("rv:hover", { detail: { path, paths, from: "code" } }));
  };
  box.addEventListener("pointerover", (event) => {
    const row = event.target.closest?.(".rv-line");
    tell(row ? owners[Number(row.dataset.n)] : []);
  });
  box.addEventListener("pointerleave", () => tell([]));
  const heard = ({ detail }) => {
    if (detail?.from !== "graph" || typeof detail.path !== "string") return;
    const place = detail.path ? linesOf(view, detail.path.slice(0, 200)) : null;
    light(place);
    if (place) reveal(box, rows, ...place);
  };
  window.addEventListener("rv:hover", heard);
  return () => { tell([]); window.removeEventListener("rv:hover", heard); };
}

export default function ({ data, parentElement }) {
  const view = data;
  const kept = KEPT.get(parentElement) ?? {};
  KEPT.set(parentElement, kept);
  const leave = () => { kept.end?.(); kept.end = null; kept.shown = null; };
  const same = kept.shown === view.text && parentElement.querySelector(".rv-code");
  if (same) return leave;
  const at = kept.box?.scrollTop ?? 0;
  kept.end?.();
  const root = make("div", "rv-code");
  const box = make("div", "rv-box");
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", view.name);
  const lines = drawLines(view.text);
  box.append(lines);
  const said = make("span", "rv-said");
  said.setAttribute("role", "status");
  root.append(box, copyButton(view, said), said);
  parentElement.querySelector(".rv-code")?.remove();
  parentElement.append(root);
  box.scrollTop = at; // an edit keeps the place
  Object.assign(kept, { shown: view.text, box, end: bindHover(box, [...lines.children], view) });
  return leave;
}
