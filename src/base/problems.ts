import type { Clock } from './clock.ts'
import type { Log } from './log.ts'

/** What a problem is about, for programs. Others depend on these words (docs/architecture.md, rule 9). */
export type ProblemCode =
  | 'config' // the configuration could not be read again
  | 'direct' // a machine of [direct] can't be reached
  | 'key' // another node has another key
  | 'webhost'
  | 'lan'
  | 'dht'
  | 'pacman-conf'
  | 'databases'
  | 'cache' // what is in a package cache can't be shared
  | 'state-dir'
  | 'spool'

/** Something that is wrong, until it is right again. */
export interface Problem {
  code: ProblemCode
  /** A sentence. */
  problem: string
  /** What to do about it, often a command. */
  fix: string
  /** When it began, by the clock. */
  since: number
}

/** How a part tells of a problem. `lasts`: milliseconds after which it no longer counts, unless it is told again. */
export interface ProblemReport extends Pick<Problem, 'problem' | 'fix'> {
  log: Log
  /** For the log. */
  fields?: object
  lasts?: number
}

/** All that this node knows to be wrong with itself: the status, the page and `check` show it. */
export interface Problems {
  /** `about`: which one of its kind. The log hears of it once, however often it is told. */
  report(code: ProblemCode, about: string, report: ProblemReport): void
  /** It is right again; nothing where it wasn't wrong. */
  solved(code: ProblemCode, about: string): void
  /** The oldest first. */
  all(): Problem[]
}

/** They are about what the configuration names and what lies in its folders; who has more, has more than can be read. */
const MOST_PROBLEMS = 100

export function createProblems(clock: Clock): Problems {
  const known = new Map<string, Problem & { log: Log; until: number }>()
  const keyOf = (code: ProblemCode, about: string) => `${code} ${about}`

  function drop(key: string) {
    const entry = known.get(key)
    known.delete(key)
    entry?.log.info({ code: entry.code }, `Solved: ${entry.problem}`)
  }

  function dropOld() {
    for (const [key, { until }] of known) if (until <= clock.now()) known.delete(key)
  }

  return {
    report(code, about, { problem, fix, log, fields, lasts = Number.POSITIVE_INFINITY }) {
      dropOld()
      const key = keyOf(code, about)
      const before = known.get(key)
      if (!before && known.size >= MOST_PROBLEMS) return
      const now = clock.now()
      known.set(key, { code, problem, fix, since: before?.since ?? now, log, until: now + lasts })
      if (!before) log.warn({ code, fix, ...fields }, problem)
    },
    solved: (code, about) => drop(keyOf(code, about)),
    all() {
      dropOld()
      return [...known.values()].map(({ code, problem, fix, since }) => ({ code, problem, fix, since }))
    },
  }
}

/** What `check` and the page say of a node that nobody can dial. */
export const unreachableAt = (port: number | string) =>
  `Other nodes can't reach TCP port ${port} here: this machine fetches, and gives only to whom it dials.`
