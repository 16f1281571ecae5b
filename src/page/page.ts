import morphdom from 'morphdom'
import { createPlot } from './plot.ts'

/** Keeps the page as new as the daemon's event stream makes it. Without this script it is what it was when it was loaded. */

const live = document.getElementById('live')!
const plot = createPlot(document.getElementById('plot')!, document.getElementById('days')!)
/** After a refusal the browser leaves it: milliseconds until it is asked again. */
const AGAIN_MS = 30_000

function say(text: string) {
  if (live.textContent !== text) live.textContent = text
}

/** Changes what differs and nothing else, so that neither the focus nor what is open moves. */
function replace(id: string, html: string) {
  const before = document.getElementById(id)
  if (!before) return
  const after = before.cloneNode(false) as HTMLElement
  after.innerHTML = html
  morphdom(before, after, { onBeforeElUpdated: (from, to) => !from.isEqualNode(to) })
  if (id === 'days') plot.draw()
}

function watch() {
  const stream = new EventSource('/events')
  stream.onopen = () => say('Live.')
  stream.onmessage = ({ data }) => {
    for (const [id, html] of Object.entries(JSON.parse(data) as Record<string, string>)) replace(id, html)
  }
  stream.onerror = () => {
    const isRefused = stream.readyState === EventSource.CLOSED
    say(
      isRefused
        ? 'Not live: too many look at this page, or pacsrv has stopped. Reload it for newer figures.'
        : 'Not live: the connection is lost. Trying again …',
    )
    if (isRefused) setTimeout(watch, AGAIN_MS)
  }
}

plot.draw()
watch()
