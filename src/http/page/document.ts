import { Html, html } from './html.ts'
import type { Sections } from './sections.ts'
import { asOf } from './traffic.ts'

/** The whole page. It needs no script: those that run bring what is newer, and draw the plot. */
export function documentOf(
  sections: Sections,
  { host, version, id, now }: { host: string; version: string; id: string; now: Date },
): string {
  const part = (name: keyof Sections, className = '') =>
    html`<div id="${name}" class="${className}">${new Html(sections[name])}</div>`
  const card = (name: keyof Sections, title: string, className = '') =>
    html`<section class="card ${className}" aria-labelledby="h-${name}"><h2 id="h-${name}">${title}</h2>${part(name)}</section>
`
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>pacsrv on ${host}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/page/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/page/page.css">
<script type="module" src="/page/page.js"></script></head>
<body>
<header><h1>pacsrv <span class="quiet">on ${host}</span></h1>
<div class="lines"><div id="now" role="status">${new Html(sections.now)}</div><p id="live" class="quiet">${asOf(now)}</p></div></header>
<main>
${part('problems')}
<section class="card wide" aria-labelledby="h-saved"><h2 id="h-saved">What was saved</h2>
${part('sentence', 'sentence')}
<div class="figures">${part('saved')}
<div id="plot" aria-hidden="true"></div></div>
<details><summary>The last 30 days as a table</summary>${part('days')}</details></section>
${card('transfers', 'On its way')}${card('transactions', 'Last transactions')}${card('neighbours', 'Neighbours', 'wide')}${card('cache', 'In the cache')}${card('ways', 'Ways in')}${card('troubles', 'Rejected and banned', 'wide')}</main>
<footer class="quiet">pacsrv ${version}, node ${id.slice(0, 16)}. The same for programs: <a href="/status">/status</a>, <a href="/metrics">/metrics</a>.</footer>
</body></html>
`.text
}
