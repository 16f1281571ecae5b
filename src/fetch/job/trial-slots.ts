import { addressBlock } from '../../base/address.ts'
import type { Cancel, Clock } from '../../base/clock.ts'
import type { Holder } from '../../overlay/query/holders.ts'

/**
 * How many holders are tried side by side. Who gives keeps its slot; whoever doesn't within `TRIAL_MS` makes
 * room for the next, and may give all the same. So any number of false claims costs a true one its turn only
 * once in `MOST` of them, and each turn is short.
 */
export interface TrialSlots {
  /** Tries the holder now, or when a slot is free; not at all where its address has had its share. */
  offer(holder: Holder): void
  /** It is of no use: the next may have its slot. */
  release(holder: Holder): void
  /** How many are being tried or wait. */
  readonly size: number
  /** The job is over, or its holders are strangers again. */
  clear(): void
}

/** At the same time: a file needs no more sources, and each costs a connection. */
export const MOST = 24
/** … of one address (an IPv6 /64 is one), until they have proved themselves; and in all of a job. */
const MOST_OF_ADDRESS = 8
const MOST_TRIES_OF_ADDRESS = 32
/** A dial, a list and a chunk come sooner, in milliseconds, from whoever is worth waiting for. */
export const TRIAL_MS = 600

interface Slot {
  address: string
  proved: boolean
  stop: Cancel
}

export interface TrialSlotsHandler {
  try(holder: Holder): void
  /** Whether it has given something, and kept nothing too long. */
  isSound(holder: Holder): boolean
}

export function createTrialSlots(clock: Clock, handler: TrialSlotsHandler): TrialSlots {
  const slots = new Map<string, Slot>()
  const waiting: Holder[] = []
  const tries = new Map<string, number>()

  // Who can't be dialled has no address yet: all such are one.
  const keyOf = ({ address }: Holder) => (address === undefined ? '' : addressBlock(address))

  function mayTry(address: string): boolean {
    let own = 0
    for (const slot of slots.values()) if (slot.address === address && !slot.proved) own++
    return own < MOST_OF_ADDRESS
  }

  function next() {
    for (let at = 0; at < waiting.length && slots.size < MOST; ) {
      const holder = waiting[at]
      if (!holder || !mayTry(keyOf(holder))) at++
      else {
        waiting.splice(at, 1)
        begin(holder)
      }
    }
  }

  function begin(holder: Holder) {
    slots.set(holder.id, { address: keyOf(holder), proved: false, stop: lookLater(holder) })
    handler.try(holder)
  }

  /** Whether it has deserved to keep its slot, now and again. */
  function lookLater(holder: Holder): Cancel {
    return clock.after(TRIAL_MS, () => {
      const slot = slots.get(holder.id)
      if (!slot) return
      if (handler.isSound(holder)) {
        slot.proved = true
        slot.stop = lookLater(holder)
      } else slots.delete(holder.id)
      next()
    })
  }

  return {
    offer(holder) {
      const address = keyOf(holder)
      const count = tries.get(address) ?? 0
      if (count >= MOST_TRIES_OF_ADDRESS) return
      tries.set(address, count + 1)
      waiting.push(holder)
      next()
    },
    release({ id }) {
      slots.get(id)?.stop()
      if (slots.delete(id)) next()
    },
    get size() {
      return slots.size + waiting.length
    },
    clear() {
      for (const { stop } of slots.values()) stop()
      slots.clear()
      waiting.length = 0
      tries.clear()
    },
  }
}
