import type { Clock } from '../../base/clock.ts'
import { type Bucket, createBucket, type Rate } from '../../base/token-bucket.ts'
import type { MessageName } from '../../wire/messages.ts'
import type { Session } from '../session/session.ts'

/** What one neighbour may send. The rate of queries is DESIGN.md's; the others leave honest nodes room to spare. */
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

/** Per neighbour and kind of message: what comes too fast is dropped unread, and unremembered. */
export interface Rates {
  /** False for too many, and for messages that have no place among neighbours. */
  allows(session: Session, type: MessageName): boolean
}

export function createRates(clock: Clock): Rates {
  const buckets = new WeakMap<Session, Map<MessageName, Bucket>>()

  function bucketOf(session: Session, type: MessageName, rate: Rate): Bucket {
    const own = buckets.get(session) ?? new Map<MessageName, Bucket>()
    buckets.set(session, own)
    const bucket = own.get(type) ?? createBucket(clock, rate)
    own.set(type, bucket)
    return bucket
  }

  return {
    allows(session, type) {
      const rate = RATES[type]
      return rate !== undefined && bucketOf(session, type, rate).take()
    },
  }
}
