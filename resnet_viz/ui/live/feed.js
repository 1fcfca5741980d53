// The polling fallback's carrier: a component without a picture that hands Python's messages to the live view.
// Streamlit may skip a state between two polls, so each poll repeats the last few; a gap asks for everything.

const taken = new Map();

export default function mount(component) {
  const { data, setTriggerValue } = component;
  const name = `${data.key} ${data.run}`;
  const last = taken.get(name) || 0;
  const fresh = data.batches.filter((batch) => batch.number > last);
  if (fresh.length) {
    if (fresh[0].number > last + 1 && !fresh[0].whole) setTriggerValue("again", last);
    else {
      const messages = fresh.flatMap((batch) => batch.messages);
      taken.set(name, fresh[fresh.length - 1].number);
      window.dispatchEvent(new CustomEvent("resnet-viz-messages", { detail: { key: data.key, run: data.run, messages } }));
    }
  }
  return () => taken.delete(name);
}
