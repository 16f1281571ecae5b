import { addressBlock } from '../../base/address.ts'
import { createBudgets } from '../../base/budgets.ts'
import type { Clock } from '../../base/clock.ts'
import { type Bucket, createBucket, type Rate } from '../../base/token-bucket.ts'
import type { Message, MessageName } from '../../wire/messages.ts'
import { messageBytes } from '../../wire/size.ts'
import type { Session } from '../session/session.ts'

/** What one neighbour may send. 20 queries a second, bursts of 100, are the network's own figure (docs/protocol.md); the others leave honest nodes room. */
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

/** Per neighbour, address and kind of message: what comes too fast is dropped unread, and unremembered. */
export interface Rates {
  /** False for too many, too large, and for messages that have no place among neighbours. */
  allows(session: Session, message: Message): boolean
}

interface Known {
  block: string
  buckets: Map<MessageName, Bucket>
}

export function createRates(clock: Clock): Rates {
  const sessions = new WeakMap<Session, Known>()
  const bytes = createBudgets(clock, BYTES, BYTES_IN_ALL)

  function known(session: Session): Known {
    const found = sessions.get(session) ?? { block: addressBlock(session.remote), buckets: new Map() }
    sessions.set(session, found)
    return found
  }

  return {
    allows(session, message) {
      const rate = RATES[message.type]
      if (rate === undefined) return false
      const { block, buckets } = known(session)
      const bucket = buckets.get(message.type) ?? createBucket(clock, rate)
      buckets.set(message.type, bucket)
      return bucket.take() && bytes.take(block, messageBytes(message))
    },
  }
}
