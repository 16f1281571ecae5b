import { createBudgets } from '../../base/budgets.ts'
import type { Clock } from '../../base/clock.ts'
import { type Bucket, createBucket, type Rate } from '../../base/token-bucket.ts'
import type { Message, MessageName } from '../../wire/messages.ts'
import { messageBytes } from '../../wire/size.ts'

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
/** Bytes of all such messages from one address, whatever ids it goes by. A newcomer tells of 20,000 files in 1.5 MB. */
const BYTES: Rate = { perSecond: 256 * 1024, burst: 8 * 1024 * 1024 }
const BYTES_IN_ALL: Rate = { perSecond: 4 * 1024 * 1024, burst: 64 * 1024 * 1024 }

/** What neighbours may send: what comes too fast is dropped unread, and unremembered. */
export interface Rates {
  /** Of one neighbour at this address block: kept with the neighbour. */
  of(block: string): MessageRates
}

export interface MessageRates {
  /** False for too many, too large, and for messages that have no place among neighbours. */
  allow(message: Message): boolean
}

export function createRates(clock: Clock): Rates {
  const bytes = createBudgets(clock, BYTES, BYTES_IN_ALL)
  return {
    of(block) {
      const buckets = new Map<MessageName, Bucket>()
      return {
        allow(message) {
          const rate = RATES[message.type]
          if (rate === undefined) return false
          const bucket = buckets.get(message.type) ?? createBucket(clock, rate)
          buckets.set(message.type, bucket)
          return bucket.take() && bytes.take(block, messageBytes(message))
        },
      }
    },
  }
}
