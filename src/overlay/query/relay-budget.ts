import type { Clock } from '../../base/clock.ts'
import { createExpiringMap } from '../../base/expiring-map.ts'
import type { Limiter } from '../../base/limiter.ts'
import { createBucket, type Rate } from '../../base/token-bucket.ts'
import type { Link } from '../../net/transport.ts'
import { limits } from '../../wire/limits.ts'

/** Who sent what is to be passed on: a session. */
export interface Payer {
  readonly block: string
  readonly link: Pick<Link, 'received'>
}

/** What this node sends on for others, in bytes: for whoever comes from one address, and in all. */
export interface RelayBudget {
  /** How many of the `wanted` copies of so many bytes may leave for what the payer's address has sent. */
  copies(payer: Payer, bytes: number, wanted: number): number
}

/**
 * For each byte that came from an address so many are passed on, and never more: greetings, announcements and copies
 * that this node has had already count as sent, so neighbours in peace have more than they need.
 */
const FACTOR = 4
/** What an address may leave unspent, in bytes: some hundred ordinary questions, each to thirty neighbours. */
const MOST_UNSPENT = 1024 * 1024
/** An address that sends nothing for so long, in milliseconds, starts over. */
const UNSPENT_TTL = 60 * 60_000
const MOST_ADDRESSES = 10_000
/** For all strangers together, in bytes; where uploads have a limit, this part of it. */
const IN_ALL = { burst: 8 * 1024 * 1024, perSecond: 2 * 1024 * 1024 }
const PART_OF_LIMIT = 1 / 4

/** `uploads`: what keeps to the limit of this node's uploads; what is passed on is charged to it. */
export function createRelayBudget(clock: Clock, uploads?: Limiter): RelayBudget {
  /** By address block. */
  const unspent = createExpiringMap<string, number>(clock, { ttl: UNSPENT_TTL, limit: MOST_ADDRESSES })
  /** Of what each link has received, what has become credit. */
  const credited = new WeakMap<Payer['link'], number>()
  let limit = uploads?.bytesPerSecond
  let total = createBucket(clock, rateInAll(limit))

  /** The limit may be changed. */
  function totalNow() {
    if (uploads?.bytesPerSecond !== limit) {
      limit = uploads?.bytesPerSecond
      total = createBucket(clock, rateInAll(limit))
    }
    return total
  }

  return {
    copies({ block, link }, bytes, wanted) {
      const news = link.received - (credited.get(link) ?? 0)
      credited.set(link, link.received)
      const credit = (unspent.get(block) ?? 0) + FACTOR * news
      let count = Math.min(wanted, Math.floor(credit / bytes))
      const total = totalNow()
      while (count > 0 && !total.take(count * bytes)) count = Math.floor(count / 2)
      unspent.set(block, Math.min(MOST_UNSPENT, credit - count * bytes))
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
