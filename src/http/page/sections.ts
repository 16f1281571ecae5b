import type { Status } from '../status.ts'
import { type Html, html } from './html.ts'
import { cacheOf, neighboursOf, problemsOf, troublesOf, waysInOf } from './others.ts'
import { daysOf, savedOf, sentenceOf } from './saved.ts'
import { transactionsOf, transfersOf } from './traffic.ts'

/** The parts of the page that change, by the id of the element that holds them, as HTML. */
export type Sections = Record<(typeof SECTIONS)[number], string>

export const SECTIONS = [
  'now',
  'problems',
  'sentence',
  'saved',
  'days',
  'transfers',
  'transactions',
  'neighbours',
  'cache',
  'ways',
  'troubles',
] as const

/** Each is the same text as long as there is nothing new to see in it. */
export function sectionsOf(status: Status, now: Date): Sections {
  const made: Record<keyof Sections, Html> = {
    now: nowOf(status),
    problems: problemsOf(status, now),
    sentence: sentenceOf(status),
    saved: savedOf(status),
    days: daysOf(status, now),
    transfers: transfersOf(status),
    transactions: transactionsOf(status, now),
    neighbours: neighboursOf(status, now),
    cache: cacheOf(status),
    ways: waysInOf(status),
    troubles: troublesOf(status, now),
  }
  return Object.fromEntries(Object.entries(made).map(([id, { text }]) => [id, text])) as Sections
}

/** Read out when it changes: it says what begins and ends, and nothing of how far it is. */
function nowOf({ transfers, problems }: Status): Html {
  const moving = transfers.length > 0 ? 'Packages are on their way.' : 'Nothing is on its way.'
  const { length } = problems
  return html`${moving}${length > 0 ? ` ${length === 1 ? 'Something is' : `${length} things are`} wrong.` : ''}`
}
