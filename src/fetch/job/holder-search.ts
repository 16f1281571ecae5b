import type { Cancel, Clock } from '../../base/clock.ts'
import type { Holder } from '../../overlay/query/holders.ts'
import type { WantedFile } from '../../wire/messages.ts'
import type { FileNetwork } from '../network.ts'

/** A job's searches for holders: the first, and those after it where what was claimed proves nothing. */
export interface HolderSearch {
  begin(): void
  /** Somebody claims to have the file: from now on that has a while to prove true. */
  claimed(): void
  /** A claim that is known ends a search before it has gone far; where all claims were false, others may be true. */
  seekMore(): void
  readonly searching: boolean
}

export interface HolderSearchHandler {
  onHolder(holder: Holder): void
  onOver(): void
  /** Whether nobody is left of those who were found. */
  isAlone(): boolean
  /** Whether those who have given something bring the rest soon enough. */
  isServed(): boolean
}

/** Searches of a job after the first, made when all who were found are gone, or give too little. */
const MORE_SEARCHES = 2
/** A claim ends the search for so long, in milliseconds: then it has been proved, or others are asked as well. */
const CLAIM_MS = 300

export function createHolderSearch(
  { clock, network }: { clock: Clock; network: Pick<FileNetwork, 'find'> },
  { file, signal }: { file: WantedFile; signal: AbortSignal },
  handler: HolderSearchHandler,
): HolderSearch {
  let searching = false
  let more = MORE_SEARCHES
  let stopTimer: Cancel | undefined

  /** `beyond`: also of those that nobody has told us of, however many claim to have it. */
  function search(beyond: boolean) {
    searching = true
    void network.find([file], { signal, onHolder: handler.onHolder, beyond }).then(() => {
      searching = false
      seekMore()
      handler.onOver()
    })
  }

  function searchMore() {
    if (searching || more === 0 || signal.aborted) return
    more--
    search(true)
  }

  function seekMore() {
    if (handler.isAlone()) searchMore()
  }

  signal.addEventListener('abort', () => stopTimer?.())

  return {
    begin: () => search(false),
    claimed() {
      stopTimer ??= clock.after(CLAIM_MS, () => {
        if (!handler.isServed()) searchMore()
      })
    },
    seekMore,
    get searching() {
      return searching
    },
  }
}
