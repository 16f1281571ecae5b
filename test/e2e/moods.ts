/** A mirror's moods, and what becomes of a transaction in each: by stock pacman, by curl as XferCommand, and by pacsrv. */

import { seeded } from '../seeded.ts'
import type { Rule } from './mirror.ts'
import { type Factors, pairwise, type Row } from './pairwise.ts'

const PAGE = `<!doctype html><html><body>Welcome to the hotel. Please log in.${' '.repeat(900)}</body></html>\n`

/** What the mirror is asked to do; `elsewhere`: a mirror in order that has the same. */
interface Place {
  elsewhere: string
  /** A folder that has yesterday's. */
  yesterday: string
}

/** Instead of a mirror that answers: `dead` refuses the call, behind a firewall it is `dropped`. */
type Nobody = 'dead' | 'dropped'

/** One rule each, for the paths that a row names. */
export const MOODS: Record<string, (place: Place) => Rule | Nobody> = {
  right: () => ({}),
  dead: () => 'dead',
  dropped: () => 'dropped',
  'not found': () => ({ status: 404 }),
  gone: () => ({ status: 410 }),
  forbidden: () => ({ status: 403 }),
  'too many': () => ({ status: 429 }),
  unavailable: () => ({ status: 503 }),
  'a page': () => ({ page: PAGE }),
  'a page without length': () => ({ page: PAGE, noLength: true }),
  'another length': () => ({ wrongLength: 100 }),
  'a byte wrong': () => ({ corruptAt: 500 }),
  'cut off': () => ({ dropAfter: 600 }),
  stalls: () => ({ stallAfter: 600 }),
  'slow to answer': () => ({ delay: 1_500 }),
  '100 ms a byte for signatures': () => ({ match: '\\.sig$', bytesPerSecond: 100 }),
  'redirects to another': ({ elsewhere }) => ({ redirectTo: elsewhere }),
  chunked: () => ({ chunked: true }),
  'no length': () => ({ noLength: true }),
  'no ranges': () => ({ noRanges: true }),
  'no time': () => ({ noModified: true }),
  'says gzip': () => ({ encoding: 'gzip' }),
  'a limit from the fourth request on': () => ({ status: 429, from: 4 }),
  "pacman's agent only": () => ({ agent: '^pacman/' }),
  'a day old': ({ yesterday }) => ({ stale: yesterday }),
}

/** Which paths the mood is of. */
const OF: Record<string, string> = {
  everything: '',
  packages: '\\.pkg\\.tar\\.zst$',
  signatures: '\\.pkg\\.tar\\.zst\\.sig$',
  databases: '\\.db(\\.sig)?$',
  "databases' signatures": '\\.db\\.sig$',
}

export const FACTORS = {
  mood: Object.keys(MOODS),
  of: Object.keys(OF),
  /** What stands second in the list. */
  second: ['none', 'right'],
  road: ['XferCommand, pacman 6', 'XferCommand, pacman 7', 'CacheServer, pacman 7'],
  peers: ['yes', 'no'],
  signatures: ['required', 'never'],
} as const satisfies Factors

export type MoodRow = Row<typeof FACTORS>

export const nameOf = ({ mood, of, second, road, peers, signatures }: MoodRow) =>
  `${mood} (${of}); second mirror: ${second}; ${road}; peers: ${peers}; signatures: ${signatures}`

/** A mood of what is never asked for is none. */
export function isPossible({ mood, of, road, signatures }: MoodRow): boolean {
  if (/^(dead|dropped|a limit)/.test(mood) && of !== 'everything') return false
  if (mood === '100 ms a byte for signatures' && of !== 'everything' && of !== 'signatures') return false
  const isSigned = signatures === 'required'
  if (/signatures/.test(of) && !isSigned) return false
  // 6.0 fetches no signatures by XferCommand; its database must have them then.
  return !(isSigned && road === 'XferCommand, pacman 6')
}

/** The whole table: every pair of two factors' levels, of a seed. */
export const allRows = (seed: number): MoodRow[] => pairwise(FACTORS, seeded(seed), isPossible)

/** The rules of a row's first mirror, or that nobody is there. */
export function rulesOf({ mood, of }: Pick<MoodRow, 'mood' | 'of'>, place: Place): Rule[] | Nobody {
  const rule = MOODS[mood]!(place)
  return typeof rule === 'string' ? rule : [{ match: OF[of]!, ...rule }]
}
