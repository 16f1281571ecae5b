import { humanSize } from '../../base/progress.ts'
import { type Html, html } from './html.ts'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** A moment as whoever looks would say it: the time of today, the day of before, by the clock of this machine. */
export function moment(iso: string, now: Date): Html {
  const date = new Date(iso)
  const isToday = date.toDateString() === now.toDateString()
  // To the minute: what is told from two clocks differs by a millisecond each time, and isn't news.
  return html`<time datetime="${iso.slice(0, 16)}Z">${isToday ? timeOf(date) : dateOf(date)}</time>`
}

export function timeOf(date: Date): string {
  const two = (number: number) => `${number}`.padStart(2, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}`
}

export const dateOf = (date: Date) => `${date.getDate()} ${MONTHS[date.getMonth()]}`

/** Three digits say enough in a table. */
const short = (bytes: number) =>
  humanSize(bytes).replace(/^\d{3,}\.\d/, (digits) => `${Math.round(Number(digits))}`)

/** Bytes for a table: a dash where there are none. */
export const size = (bytes: number): Html =>
  bytes > 0
    ? html`${short(bytes)}`
    : html`<span class="none" aria-hidden="true">–</span><span class="unseen">none</span>`

export const rate = (bytes: number) => `${humanSize(Math.round(bytes))}/s`

/** How long something takes, roughly. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`
  return seconds < 5_400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`
}

export const counted = (count: number, one: string, more: string) => `${count} ${count === 1 ? one : more}`

/** A package without what all files end with: name, version and release. */
export const versionOf = (file: string) => file.replace(/(?:-[^-]+)?\.pkg\.tar(?:\.\w+)?$/, '')

/** Its name alone. */
export const nameOf = (file: string) => versionOf(file).replace(/(.)-[^-]+-[^-]+$/, '$1')

/** Where something came from: of a mirror and of a connection the host is enough. */
export function shortPlace(source: string): string {
  if (/^\w+:\/\//.test(source) && URL.canParse(source)) return new URL(source).host
  return source.replace(/^\[?(.+?)\]?:\d+(?: \([0-9a-f]{8}\))?$/, '$1')
}

export interface Table {
  /** What it is, for who doesn't see it. */
  caption: string
  heads: (string | Html)[]
  /** The first cell of each names the row. */
  rows: (string | Html)[][]
  className?: string
}

export function table({ caption, heads, rows, className = '' }: Table): Html {
  return html`<table class="${className}"><caption class="unseen">${caption}</caption>
<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([name = '', ...cells]) =>
      html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>
`,
  )}</tbody></table>`
}
