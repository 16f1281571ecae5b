import { addressBlock } from '../../base/address.ts'
import type { Clock } from '../../base/clock.ts'
import type { Endpoint } from '../../base/endpoint.ts'
import { createExpiringMap } from '../../base/expiring-map.ts'
import type { Limiter } from '../../base/limiter.ts'
import { createBucket } from '../../base/token-bucket.ts'
import { limits } from '../../wire/limits.ts'

/** What this node sends on for others, in bytes: for whoever comes from one address, and in all. */
export interface RelayBudget {
  /** Somebody at this address has sent so many bytes to be passed on: how many copies may leave. */
  copies(from: Endpoint, bytes: number, wanted: number): number
}

/** For each byte that it sent, a stranger gets so many passed on … */
const FACTOR = 4
/** … and besides what ordinary questions take: in bytes at once, and a second. A query for one file has 150. */
const FREE = { burst: 64 * 1024, perSecond: 8 * 1024 }
/** For all strangers together, in bytes; where uploads have a limit, this part of it. */
const IN_ALL = { burst: 8 * 1024 * 1024, perSecond: 2 * 1024 * 1024 }
const PART_OF_LIMIT = 1 / 4
const MOST_ADDRESSES = 10_000

export interface RelayBudgetOptions {
  /** Bytes a second; undefined for no limit. */
  uploadLimit?: number | undefined
  /** What keeps to that limit: told of what was passed on. */
  uploads?: Limiter | undefined
}

export function createRelayBudget(
  clock: Clock,
  { uploadLimit, uploads }: RelayBudgetOptions = {},
): RelayBudget {
  const credits = createExpiringMap<string, { bytes: number; at: number }>(clock, {
    ttl: (FREE.burst * 1000) / FREE.perSecond,
    limit: MOST_ADDRESSES,
  })
  const perSecond = uploadLimit === undefined ? IN_ALL.perSecond : uploadLimit * PART_OF_LIMIT
  // Or the largest question could never pass.
  const burst = uploadLimit === undefined ? IN_ALL.burst : Math.max(limits.headerBytes, perSecond)
  const total = createBucket(clock, { perSecond, burst })

  function creditOf(block: string) {
    const now = clock.now()
    const known = credits.get(block)
    const gained = known ? ((now - known.at) * FREE.perSecond) / 1000 : FREE.burst
    const bytes = Math.min(FREE.burst, (known?.bytes ?? 0) + gained)
    return { bytes, at: now }
  }

  return {
    copies(from, bytes, wanted) {
      const block = addressBlock(from)
      const credit = creditOf(block)
      credit.bytes += FACTOR * bytes
      let count = Math.min(wanted, Math.floor(credit.bytes / bytes))
      while (count > 0 && !total.take(count * bytes)) count = Math.floor(count / 2)
      credit.bytes = Math.min(FREE.burst, credit.bytes - count * bytes)
      credits.set(block, credit)
      uploads?.charge(count * bytes)
      return count
    },
  }
}
