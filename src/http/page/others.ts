import { hostPort } from '../../base/endpoint.ts'
import { humanSize } from '../../base/progress.ts'
import type { Peer, Status } from '../status.ts'
import type { Way } from '../ways.ts'
import { type Html, html } from './html.ts'
import { counted, moment, shortPlace, size, table, versionOf } from './words.ts'

/** Neighbours that are drawn: those with the most traffic, then the oldest. The rest is counted. */
export const MOST_PEERS = 25

export function neighboursOf({ peers }: Pick<Status, 'peers'>, now: Date): Html {
  if (peers.length === 0) return html`<p class="quiet">No other node is connected.</p>`
  const shown = [...peers].sort(byTraffic).slice(0, MOST_PEERS)
  const rest = peers.length - shown.length
  return html`${table({
    caption: 'Nodes that are connected',
    heads: ['Machine', 'Where', 'Since', 'Gave', 'Took'],
    rows: shown.map((peer) => [
      machineOf(peer),
      peer.distance,
      moment(peer.since, now),
      size(peer.gave),
      size(peer.took),
    ]),
  })}
<p class="quiet">${rest > 0 ? `… and ${rest} more: pacsrv-xfer status names them all. ` : ''}Counted since this node started.</p>`
}

function machineOf({ name, address }: Peer): Html {
  const { host } = hostPort(address)
  return name === null ? html`${host}` : html`${name} <span class="quiet">${host}</span>`
}

const byTraffic = (a: Peer, b: Peer) =>
  b.gave + b.took - a.gave - a.took || a.since.localeCompare(b.since) || a.id.localeCompare(b.id)

export function cacheOf({ files, asked }: Pick<Status, 'files' | 'asked'>): Html {
  const held = counted(files.count, 'package', 'packages')
  return html`<p>${held}, ${humanSize(files.bytes)}, can be had from this machine.</p>
${
  asked.count === 0
    ? html`<p class="quiet">Nobody has asked for any since the start.</p>`
    : html`<p>Others asked for ${asked.count} of them (${humanSize(asked.bytes)}) since the start, and were given ${humanSize(asked.given)}.</p>
${table({
  caption: 'What others asked most for',
  heads: ['Package', 'Given'],
  rows: asked.most.map(({ file, given }) => [versionOf(file), size(given)]),
})}`
}`
}

const WAYS: Record<Way['way'], string> = {
  incoming: 'Connections from others',
  lan: 'Local network (mDNS)',
  direct: 'Named machines',
  webhost: 'Webhosts',
  dht: 'DHT',
  closed: 'Closed network',
}
const STATES: Record<Way['state'], string> = { on: 'on', off: 'off', wrong: 'wrong', unknown: 'unknown' }

export function waysInOf({ ways }: Pick<Status, 'ways'>): Html {
  return html`<dl class="ways">${ways.map(
    ({ way, state, about, fix }) =>
      html`<div><dt>${WAYS[way]} <span class="state ${state}">${STATES[state]}</span></dt><dd>${about}${fix === null ? '' : html` <span class="fix">Fix: ${fix}.</span>`}</dd></div>
`,
  )}</dl>`
}

export function problemsOf({ problems }: Pick<Status, 'problems'>, now: Date): Html {
  if (problems.length === 0) return html``
  return html`<section class="card alarm" aria-labelledby="h-problems"><h2 id="h-problems">What is wrong</h2><ul>${problems.map(
    ({ problem, fix, since }) =>
      html`<li>${problem} <span class="fix">Fix: ${fix}.</span> <span class="quiet">Since ${moment(since, now)}.</span></li>
`,
  )}</ul></section>`
}

export function troublesOf({ troubles, totals }: Pick<Status, 'troubles' | 'totals'>, now: Date): Html {
  const { rejected, banned } = totals
  if (troubles.length === 0)
    return html`<p class="quiet">Nothing was rejected, and nobody was banned, since the start.</p>`
  return html`<p>Since the start ${rejected} rejected, ${banned} banned.</p>
<ul class="troubles">${troubles.map(
    ({ kind, at, who, reason }) =>
      html`<li>${moment(at, now)} <b>${kind}</b> ${who === null ? '' : `${shortPlace(who)}: `}${reason}</li>
`,
  )}</ul>`
}
