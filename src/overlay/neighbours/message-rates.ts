import { createBudgets } from '../../base/budgets.ts'
import type { Clock } from '../../base/clock.ts'
import { type Bucket, createBucket, type Rate } from '../../base/token-bucket.ts'
import type { MessageName } from '../../wire/messages.ts'

/**
 * What one neighbour may send. 20 queries a second, bursts of 100, are the network's own figure (docs/protocol.md); the
 * others leave honest nodes room.
 */
const RATES: Partial<Record<MessageName, Rate>> = {
  file: { perSecond: 20, burst: 100 },
  fileAck: { perSecond: 100, burst: 500 },
  call: { perSecond: 1, burst: 20 },
  announce: { perSecond: 10, burst: 100 },
  withdraw: { perSecond: 10, burst: 100 },
  nodesWanted: { perSecond: 0.1, burst: 5 },
  nodes: { perSecond: 0.1, burst: 5 },
  dialBack: { perSecond: 1 / 60, burst: 2 },
}
/** Bytes from one address, whatever ids it goes by, and from all addresses together. */
interface Share {
  each: Rate
  inAll: Rate
}
const KIB = 1024
const MIB = 1024 * KIB
/**
 * Of what neighbours have: a newcomer tells of 20,000 files in 1.5 MB, an office of fifty of 2,000 each in 7.5, by IPv6 from
 * what counts as one address.
 */
const NEWS: Share = {
  each: { perSecond: 256 * KIB, burst: 8 * MIB },
  inAll: { perSecond: 512 * KIB, burst: 8 * MIB },
}
/**
 * Of everything else: an upgrade of 200 packages asks in 20 KB, four times. Decoded that is several times as much memory,
 * and what a neighbour is still owed outlives it.
 */
const TALK: Share = {
  each: { perSecond: 256 * KIB, burst: 8 * MIB },
  inAll: { perSecond: 4 * MIB, burst: 16 * MIB },
}
const IS_NEWS = new Set<MessageName>(['announce', 'withdraw'])

/** What neighbours may send: what comes too fast is dropped undecoded, and unremembered. */
export interface Rates {
  /** Of one neighbour at this address block: kept with the neighbour. */
  of(block: string): MessageRates
}

export interface MessageRates {
  /** False for too many, too large, and for messages that have no place among neighbours. */
  allow(type: MessageName, bytes: number): boolean
}

export function createRates(clock: Clock): Rates {
  const news = createBudgets(clock, NEWS.each, NEWS.inAll)
  const talk = createBudgets(clock, TALK.each, TALK.inAll)
  return {
    of(block) {
      const buckets = new Map<MessageName, Bucket>()
      return {
        allow(type, bytes) {
          const rate = RATES[type]
          if (rate === undefined) return false
          const bucket = buckets.get(type) ?? createBucket(clock, rate)
          buckets.set(type, bucket)
          return bucket.take() && (IS_NEWS.has(type) ? news : talk).take(block, bytes)
        },
      }
    },
  }
}
