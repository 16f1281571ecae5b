import type { Clock } from './clock.ts'
import { createExpiringMap } from './expiring-map.ts'
import { type Bucket, createBucket, type Rate } from './token-bucket.ts'

/** A rate for each key (an address, say) and one for all of them together. */
export interface Budgets {
  /** False when the key, or all together, have had their share. */
  take(key: string, count?: number): boolean
}

/** Keys remembered: who is forgotten begins with a full bucket, which the rate for all bounds. */
const MOST_KEYS = 10_000

export function createBudgets(clock: Clock, each: Rate, inAll: Rate): Budgets {
  const refillMs = Math.ceil((each.burst / each.perSecond) * 1000)
  const buckets = createExpiringMap<string, Bucket>(clock, { ttl: refillMs, limit: MOST_KEYS })
  const total = createBucket(clock, inAll)
  return {
    take(key, count = 1) {
      const bucket = buckets.get(key) ?? createBucket(clock, each)
      // Set again each time: it is forgotten only when it would be full again.
      buckets.set(key, bucket)
      return bucket.take(count) && total.take(count)
    },
  }
}
