import type { Clock } from './clock.ts'

/** A rate limit that is paid afterwards: a user in debt waits. */
export interface Limiter {
  /** Undefined: no limit. */
  readonly bytesPerSecond: number | undefined
  /** Milliseconds until something may go again; 0 is now. */
  wait(): number
  /** So many bytes have gone, or are sure to. */
  charge(bytes: number): void
}

/** The same, for its owner, who may change the rate. */
export interface OwnLimiter extends Limiter {
  /** The rate from now on; what was owed before is forgotten. */
  set(bytesPerSecond: number | undefined): void
}

/** Time that was not used may be made up for, up to so many milliseconds of it. */
const BURST_MS = 200

/** `bytesPerSecond` undefined: no limit. */
export function createLimiter(clock: Clock, bytesPerSecond: number | undefined): OwnLimiter {
  let rate = bytesPerSecond
  /** When all that has gone will have been paid for. */
  let paidAt = Number.NEGATIVE_INFINITY
  return {
    get bytesPerSecond() {
      return rate
    },
    wait: () => Math.max(0, paidAt - clock.now()),
    charge(bytes) {
      if (rate !== undefined) paidAt = Math.max(paidAt, clock.now() - BURST_MS) + (bytes * 1000) / rate
    },
    set(bytesPerSecond) {
      if (rate === bytesPerSecond) return
      rate = bytesPerSecond
      paidAt = Number.NEGATIVE_INFINITY
    },
  }
}
