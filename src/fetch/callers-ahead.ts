import { type Caller, callerKey, createCallers } from './callers.ts'
import type { Located } from './locator.ts'
import { createReadAhead, type ReadAhead, type ReadAheadDeps } from './read-ahead.ts'

/** A read-ahead for each caller. */
export interface CallersAhead {
  /** Whether this caller's transaction is new: then its list is wanted, once. */
  isNew(caller: Caller): boolean
  /** The list of a transaction. */
  begin(files: Located[], caller: Caller): void
  /** The caller has asked for this file, and whoever answers has it or follows its job. */
  asked(sha256: string, caller: Caller): void
  /** What is on its way stops, unless somebody else waits for it. */
  stop(): void
}

/** Transactions remembered, so that each is asked for its list once. */
const MOST_TRANSACTIONS = 100

export function createCallersAhead(deps: ReadAheadDeps): CallersAhead {
  const transactions = new Set<string>()
  const callers = createCallers<ReadAhead>(deps.clock, {
    make: (environment) => createReadAhead(deps, environment),
    end: (one) => one.stop(),
  })

  return {
    isNew(caller) {
      const key = callerKey(caller)
      if (caller.transaction === undefined || transactions.has(key)) return false
      transactions.add(key)
      if (transactions.size > MOST_TRANSACTIONS) transactions.delete(transactions.values().next().value!)
      return true
    },
    begin: (files, caller) => callers.enter(caller)?.begin(files),
    asked: (sha256, caller) => callers.get(caller)?.asked(sha256),
    stop() {
      for (const one of callers.all()) one.stop()
    },
  }
}
