import type { Clock } from './clock.ts'

export interface Rate {
  /** How many a second, in the long run. */
  perSecond: number
  /** How many at once, after a pause. */
  burst: number
}

/** A token bucket: false when the caller has had its share. */
export interface Bucket {
  take(count?: number): boolean
}

export function createBucket(clock: Clock, { perSecond, burst }: Rate): Bucket {
  let tokens = burst
  let at = clock.now()
  return {
    take(count = 1) {
      const now = clock.now()
      tokens = Math.min(burst, tokens + ((now - at) / 1000) * perSecond)
      at = now
      if (tokens < count) return false
      tokens -= count
      return true
    },
  }
}
