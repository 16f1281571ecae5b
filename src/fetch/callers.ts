import { type CallerEnvironment, environmentKey } from '../base/caller-environment.ts'
import type { Clock } from '../base/clock.ts'

/** Who asks: through which proxies, and for which pacman. */
export interface Caller {
  environment: CallerEnvironment
  /** pid and start time of the pacman that it was called by; left out where there is none. */
  transaction?: string | undefined
}

/** Something for each caller, so that what one says has no effect on what another gets. */
export interface Callers<T> {
  /** What this caller has, or a new one; undefined where all places are taken by others who are still there. */
  enter(caller: Caller): T | undefined
  /** What this caller has. */
  get(caller: Caller): T | undefined
  all(): T[]
}

/** pacman that asks for nothing for so long, in milliseconds, is gone, or is asking its user something. */
export const FOLLOWED_MS = 60_000
/** Callers at the same time. */
const MOST_CALLERS = 8

export const callerKey = ({ environment, transaction = '' }: Caller) =>
  `${transaction} ${environmentKey(environment)}`

export function createCallers<T>(
  clock: Clock,
  { make, end }: { make(environment: CallerEnvironment): T; end(one: T): void },
): Callers<T> {
  /** Who was heard longest ago is first. */
  const known = new Map<string, { one: T; heardAt: number }>()

  function heard(key: string): T | undefined {
    const entry = known.get(key)
    if (!entry) return undefined
    known.delete(key)
    known.set(key, { ...entry, heardAt: clock.now() })
    return entry.one
  }

  function hasRoom(): boolean {
    if (known.size < MOST_CALLERS) return true
    const [oldest, { one, heardAt }] = known.entries().next().value!
    if (clock.now() - heardAt < FOLLOWED_MS) return false
    known.delete(oldest)
    end(one)
    return true
  }

  return {
    enter(caller) {
      const key = callerKey(caller)
      const mine = heard(key)
      if (mine || !hasRoom()) return mine
      const one = make(caller.environment)
      known.set(key, { one, heardAt: clock.now() })
      return one
    },
    get: (caller) => heard(callerKey(caller)),
    all: () => [...known.values()].map(({ one }) => one),
  }
}
