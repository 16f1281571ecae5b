import type { Clock } from './clock.ts'

/** How fast something comes, as a person would say who watches it: pauses count. */
export interface ArrivalRate {
  came(bytes: number): void
  /** Bytes a second, of the last few seconds. */
  rate(): number
}

/** After so many milliseconds what came counts for about a third. */
const MEMORY_MS = 2_000
/** Too short a time to conclude from. */
const LEAST_MS = 250

export function createArrivalRate(clock: Pick<Clock, 'now'>): ArrivalRate {
  const began = clock.now()
  let bytes = 0
  let at = began

  function fade() {
    const now = clock.now()
    bytes *= Math.exp((at - now) / MEMORY_MS)
    at = now
  }

  return {
    came(count) {
      fade()
      bytes += count
    },
    rate() {
      fade()
      // At first there is less to look back on.
      const time = MEMORY_MS * (1 - Math.exp((began - at) / MEMORY_MS))
      return Math.round((bytes * 1_000) / Math.max(LEAST_MS, time))
    },
  }
}
