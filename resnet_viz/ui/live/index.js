// What Streamlit mounts: one view for each place on the page, updated when Python's data or the theme changes.
// The modules of this folder are joined to one text by resnet_viz/ui/live_assets.py, this one last.

import { LiveView } from "./view.js";

const views = new WeakMap();
const byKey = new Map();

/** Messages that Python hands over where the stream is not passed through (see feed.js). */
window.addEventListener("resnet-viz-messages", (event) => {
  const view = byKey.get(event.detail.key);
  if (view && view.run === event.detail.run) for (const message of event.detail.messages) view.take(message);
});

export default function mount(component) {
  const { parentElement, data } = component;
  let view = views.get(parentElement);
  if (!view) {
    view = new LiveView(parentElement);
    views.set(parentElement, view);
  }
  byKey.set(data.key, view);
  view.update(component);
  window.dispatchEvent(new CustomEvent("resnet-viz-ready", { detail: { key: data.key } }));
  return () => {
    views.delete(parentElement);
    if (byKey.get(data.key) === view) byKey.delete(data.key);
    view.destroy();
  };
}
