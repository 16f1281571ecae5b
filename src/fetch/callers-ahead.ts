import { environmentKey } from '../base/caller-environment.ts'
import { createReadAhead, type ReadAhead, type ReadAheadDeps } from './read-ahead.ts'

/** Callers of different environments at the same time; the one heard longest ago is forgotten. */
const MOST_CALLERS = 8

/**
 * A read-ahead for each environment: what one caller says it will ask for, and through which proxy, has nothing to do
 * with what another's is fetched through, or with its turn.
 */
export function createCallersAhead(deps: ReadAheadDeps): ReadAhead {
  const callers = new Map<string, ReadAhead>()

  function of(environment: Record<string, string>): ReadAhead {
    const key = environmentKey(environment)
    const known = callers.get(key) ?? createReadAhead(deps)
    callers.delete(key)
    callers.set(key, known)
    for (const [oldest, one] of callers) {
      if (callers.size <= MOST_CALLERS) break
      callers.delete(oldest)
      one.stop()
    }
    return known
  }

  return {
    isNew: (transaction, environment) => of(environment).isNew(transaction, environment),
    begin: (files, environment) => of(environment).begin(files, environment),
    asked: (sha256, environment) => of(environment).asked(sha256, environment),
    stop() {
      for (const one of callers.values()) one.stop()
    },
  }
}
