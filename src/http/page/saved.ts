import { type Counts, noCounts } from '../../figures/counts.ts'
import { type Day, dayOf, daysBefore } from '../../figures/ledger.ts'
import { savedSentence } from '../../figures/saved.ts'
import type { Status } from '../status.ts'
import { type Html, html } from './html.ts'
import { size, table } from './words.ts'

const DAYS = 30

/** What is counted of where bytes came from and went, as the plot has it too. `className` gives its colour. */
const KINDS: { name: string; className: string; of(counts: Counts): number }[] = [
  { name: 'From this site', className: 'site', of: ({ fromSite }) => fromSite },
  { name: 'From the world', className: 'world', of: ({ fromWorld }) => fromWorld },
  { name: 'From mirrors', className: 'mirror', of: ({ fromMirror }) => fromMirror },
  { name: 'Given to others', className: 'given', of: ({ toSite, toWorld }) => toSite + toWorld },
]

export const sentenceOf = ({ figures }: Pick<Status, 'figures'>): Html =>
  html`<p>${savedSentence(figures.days30, 'In the last 30 days')}</p>`

export function savedOf({ figures: { today, days30, ever } }: Pick<Status, 'figures'>): Html {
  return table({
    caption: 'Bytes of packages by where they came from and went',
    heads: [html`<span class="unseen">Bytes</span>`, 'Today', '30 days', 'Ever'],
    rows: KINDS.map(({ name, className, of }) => [
      html`<span class="key ${className}"></span>${name}`,
      ...[today, days30, ever].map((counts) => size(of(counts))),
    ]),
  })
}

/** The plot is drawn of this table, where scripts run. */
export function daysOf({ days }: Pick<Status, 'days'>, now: Date): Html {
  const known = new Map(days.map(({ day, counts }) => [day, counts]))
  const shown: Day[] = Array.from({ length: DAYS }, (_, n) => daysBefore(dayOf(now), DAYS - 1 - n))
  return table({
    caption: 'Bytes of packages by day',
    className: 'days',
    heads: ['Day', ...KINDS.map(({ name }) => name)],
    rows: shown.map((day) => [
      html`<time datetime="${day}">${day}</time>`,
      ...KINDS.map(({ of }) => {
        const bytes = of(known.get(day) ?? noCounts())
        return html`<data value="${bytes}">${size(bytes)}</data>`
      }),
    ]),
  })
}
