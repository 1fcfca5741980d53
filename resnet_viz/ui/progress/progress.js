/* The strip of labs: one mark a lab, filled when this browser has seen it to its end. Nothing leaves the browser. */

const PLACE = "resnet-viz labs done"

function remembered() {
  try {
    const found = JSON.parse(localStorage.getItem(PLACE) || "[]")
    return new Set(Array.isArray(found) ? found.filter((slug) => typeof slug === "string") : [])
  } catch {
    return new Set()
  }
}

function remember(done) {
  try {
    localStorage.setItem(PLACE, JSON.stringify([...done]))
  } catch {
    /* storage is switched off: the marks hold until the page is left */
  }
}

export default function ({ data, parentElement }) {
  const done = remembered()
  if (data.here && data.done && !done.has(data.here)) {
    done.add(data.here)
    remember(done)
  }
  let strip = parentElement.querySelector(".rv-progress")
  if (!strip) {
    strip = document.createElement("nav")
    strip.className = "rv-progress"
    parentElement.appendChild(strip)
  }
  const known = data.labs.filter((lab) => done.has(lab.slug)).length
  strip.setAttribute("aria-label", `Labs, ${known} of ${data.labs.length} done in this browser`)
  strip.replaceChildren()
  for (const lab of data.labs) {
    const mark = document.createElement("span")
    mark.className = "mark"
    mark.classList.toggle("done", done.has(lab.slug))
    mark.classList.toggle("here", lab.slug === data.here)
    mark.title = `${lab.number}. ${lab.title}${done.has(lab.slug) ? " (done)" : ""}`
    strip.appendChild(mark)
  }
  if (!data.here) {
    const words = document.createElement("span")
    words.className = "words"
    words.textContent = `${known} of ${data.labs.length} done`
    strip.appendChild(words)
  }
}
