import type { Clock } from '../../base/clock.ts'
import { createExpiringMap } from '../../base/expiring-map.ts'
import type { Limiter } from '../../base/limiter.ts'
import { createBucket, type Rate } from '../../base/token-bucket.ts'
import { limits } from '../../wire/limits.ts'

/** What this node sends on for others, in bytes: for whoever comes from one address, and in all. */
export interface RelayBudget {
  /** Somebody of this address block has sent so many bytes to be passed on: how many copies may leave. */
  copies(block: string, bytes: number, wanted: number): number
}

/** For each byte that it sent, a stranger gets so many passed on … */
const FACTOR = 4
/** … and besides what ordinary questions take: in bytes at once, and a second. A query for one file has 150. */
const FREE = { burst: 64 * 1024, perSecond: 8 * 1024 }
/** For all strangers together, in bytes; where uploads have a limit, this part of it. */
const IN_ALL = { burst: 8 * 1024 * 1024, perSecond: 2 * 1024 * 1024 }
const PART_OF_LIMIT = 1 / 4
const MOST_ADDRESSES = 10_000

/** `uploads`: what keeps to the limit of this node's uploads; what is passed on is charged to it. */
export function createRelayBudget(clock: Clock, uploads?: Limiter): RelayBudget {
  const credits = createExpiringMap<string, { bytes: number; at: number }>(clock, {
    ttl: (FREE.burst * 1000) / FREE.perSecond,
    limit: MOST_ADDRESSES,
  })
  let limit = uploads?.bytesPerSecond
  let total = createBucket(clock, rateInAll(limit))

  /** The limit may be set anew. */
  function totalNow() {
    if (uploads?.bytesPerSecond !== limit) {
      limit = uploads?.bytesPerSecond
      total = createBucket(clock, rateInAll(limit))
    }
    return total
  }

  function creditOf(block: string) {
    const now = clock.now()
    const known = credits.get(block)
    const gained = known ? ((now - known.at) * FREE.perSecond) / 1000 : FREE.burst
    const bytes = Math.min(FREE.burst, (known?.bytes ?? 0) + gained)
    return { bytes, at: now }
  }

  return {
    copies(block, bytes, wanted) {
      const credit = creditOf(block)
      credit.bytes += FACTOR * bytes
      let count = Math.min(wanted, Math.floor(credit.bytes / bytes))
      const total = totalNow()
      while (count > 0 && !total.take(count * bytes)) count = Math.floor(count / 2)
      credit.bytes = Math.min(FREE.burst, credit.bytes - count * bytes)
      credits.set(block, credit)
      uploads?.charge(count * bytes)
      return count
    },
  }
}

function rateInAll(limit: number | undefined): Rate {
  if (limit === undefined) return IN_ALL
  const perSecond = limit * PART_OF_LIMIT
  // Or the largest question could never pass.
  return { perSecond, burst: Math.max(limits.headerBytes, perSecond) }
}
