import type { Clock } from './clock.ts'

/** A rate that is kept by paying afterwards: whoever is in debt waits. */
export interface Limiter {
  /** Undefined: no limit. */
  readonly bytesPerSecond: number | undefined
  /** Milliseconds until something may go again; 0 is now. */
  wait(): number
  /** So many bytes have gone, or are sure to. */
  charge(bytes: number): void
}

/** Time that was not used may be made up for, up to so many milliseconds of it. */
const BURST_MS = 200

/** `bytesPerSecond` undefined: no limit. */
export function createLimiter(clock: Clock, bytesPerSecond: number | undefined): Limiter {
  /** When all that has gone will have been paid for. */
  let paidAt = Number.NEGATIVE_INFINITY
  if (bytesPerSecond === undefined) return { bytesPerSecond, wait: () => 0, charge() {} }
  return {
    bytesPerSecond,
    wait: () => Math.max(0, paidAt - clock.now()),
    charge(bytes) {
      paidAt = Math.max(paidAt, clock.now() - BURST_MS) + (bytes * 1000) / bytesPerSecond
    },
  }
}
