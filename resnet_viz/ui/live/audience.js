// The audience's page (resnet_viz/serve/audience.py): the live view alone, read-only, without Streamlit.

import { LiveView } from "./view.js";

const UNREADABLE = "This page could not be loaded whole. Reload it in a moment.";

/** The address of the app as this browser sees it: what stands before "/watch/". */
function baseOf(path) {
  return path.slice(0, path.lastIndexOf("/watch/"));
}

async function watch(place) {
  const look = await fetch(place.dataset.look).then((answer) => answer.json());
  const view = new LiveView(place);
  const data = { run: place.dataset.run, base: baseOf(window.location.pathname), look, controls: false, replay: true };
  const setStateValue = (name) => { if (name === "fallback") view.source.lookOnly(); }; // nobody else keeps a choice
  const show = () => view.update({ data, setTriggerValue() {}, setStateValue });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  show();
}

const place = document.getElementById("watch");
watch(place).catch(() => {
  place.textContent = UNREADABLE;
  place.className = "said";
});
