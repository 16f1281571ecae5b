import type { Clock } from '../../base/clock.ts'

/** How fast a source is while it has something to do. Old moments count less and less. */
export interface RateMeter {
  /** The source has been asked for something while it had nothing to do. */
  started(): void
  /** `bytes` have come. */
  received(bytes: number): void
  /** The source has nothing more to do. */
  idle(): void
  /** Bytes a second; 0 while unknown. */
  rate(): number
}

/** What a peer is taken for until it was measured: a good DSL line's upload, in bytes a second. */
export const UNKNOWN_RATE = 250_000
/** A mirror that was never measured is taken for this where it might help peers, in bytes a second. */
export const UNKNOWN_MIRROR_RATE = 1_000_000

/** Milliseconds of work after which a measurement counts half. */
const HALF_LIFE_MS = 1_500
/** Too short a time to conclude from. */
const LEAST_MS = 20

export function createRateMeter(clock: Clock): RateMeter {
  let bytes = 0
  let busyMs = 0
  let since: number | undefined

  function settle() {
    if (since === undefined) return
    const passed = clock.now() - since
    const kept = 0.5 ** (passed / HALF_LIFE_MS)
    bytes *= kept
    busyMs = busyMs * kept + passed
    since = clock.now()
  }

  return {
    started() {
      since ??= clock.now()
    },
    received(count) {
      settle()
      bytes += count
    },
    idle() {
      settle()
      since = undefined
    },
    rate() {
      const running = since === undefined ? 0 : clock.now() - since
      const time = busyMs + running
      return time < LEAST_MS ? 0 : (bytes * 1000) / time
    },
  }
}
