import { humanSize } from '../../base/progress.ts'
import type { Status, Transfer } from '../status.ts'
import { type Html, html } from './html.ts'
import {
  counted,
  duration,
  moment,
  nameOf,
  rate,
  shortPlace,
  size,
  table,
  timeOf,
  versionOf,
} from './words.ts'

/** What is drawn of each; the rest is counted. */
export const MOST_TRANSFERS = 20
export const MOST_SOURCES = 8

const KIND = { site: 'this site', world: 'the world', mirror: 'mirror' }

export function transfersOf({ transfers }: Pick<Status, 'transfers'>): Html {
  if (transfers.length === 0) return html`<p class="quiet">Nothing is on its way.</p>`
  const shown = transfers.slice(0, MOST_TRANSFERS)
  const more = transfers.length - shown.length
  return html`<ul class="transfers">${shown.map(transfer)}</ul>
${more > 0 ? html`<p class="quiet">… and ${more} more.</p>` : ''}`
}

function transfer(of: Transfer): Html {
  const { file, size: whole, done, from } = of
  const shown = from.slice(0, MOST_SOURCES)
  const more = from.length - shown.length
  return html`<li><p class="file">${versionOf(file)}</p>
<progress max="${whole}" value="${done}" aria-label="${versionOf(file)}"></progress>
<p class="quiet">${humanSize(done)} of ${humanSize(whole)}${pace(of)}</p>
<ul class="sources">${shown.map(
    ({ source, kind, bytes, rate: own }) =>
      html`<li><span class="key ${kind}"></span>${shortPlace(source)} <span class="quiet">(${KIND[kind]})</span>: ${humanSize(bytes)}${own > 0 ? `, ${rate(own)}` : ''}</li>`,
  )}${more > 0 ? html`<li class="quiet">… and ${more} more</li>` : ''}</ul></li>
`
}

function pace({ size: whole, done, rate: now }: Transfer): string {
  if (done === whole) return ', being checked'
  return now > 0 ? `, ${rate(now)}, ${duration((whole - done) / now)} left` : ''
}

export function transactionsOf({ transactions }: Pick<Status, 'transactions'>, now: Date): Html {
  if (transactions.length === 0) return html`<p class="quiet">Nothing has come since the start.</p>`
  return table({
    caption: 'What came, the newest first',
    heads: ['When', 'What', 'Peers', 'Mirror'],
    rows: transactions.map(({ began, ended, packages, names, fromSite, fromWorld, fromMirror }) => [
      html`${moment(ended, now)} <span class="quiet took">${seconds(began, ended)}</span>`,
      whatOf(packages, names),
      size(fromSite + fromWorld),
      size(fromMirror),
    ]),
  })
}

const seconds = (began: string, ended: string) => duration((Date.parse(ended) - Date.parse(began)) / 1_000)

function whatOf(packages: number, names: string[]): Html {
  const shown = names.map(nameOf).join(', ')
  const more = packages - names.length
  return html`${counted(packages, 'package', 'packages')} <span class="quiet">${shown}${more > 0 ? ' …' : ''}</span>`
}

/** The page as it stands when nobody brings anything newer. */
export const asOf = (now: Date) => `As of ${timeOf(now)}. Reload the page for newer figures.`
