import { addressBlock } from '../../base/address.ts'
import type { Cancel, Clock } from '../../base/clock.ts'
import type { Holder } from '../../overlay/query/holders.ts'

/**
 * How many holders are tried side by side. Who gives keeps its slot; whoever doesn't within `TRIAL_MS` makes
 * room for the next, and may give all the same. So any number of false claims costs a true one its turn only
 * once in `MOST` of them, and each turn is short.
 */
export interface TrialSlots {
  /**
   * Tries the holder now, or when a slot is free; not at all where its address has had its share. `last`: after all
   * others, since little is hoped of it.
   */
  offer(holder: Holder, last?: boolean): void
  /** It is of no use: the next may have its slot. */
  release(holder: Holder): void
  /** How many of whom something is hoped are being tried or wait. */
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
  last: boolean
  proved: boolean
  stop: Cancel
}

export interface TrialSlotsHandler {
  try(holder: Holder): void
  /** Whether it has given something, and kept nothing too long. */
  isSound(holder: Holder): boolean
  /** It has had its time and given nothing. */
  onLate(holder: Holder): void
}

export function createTrialSlots(clock: Clock, handler: TrialSlotsHandler): TrialSlots {
  const slots = new Map<string, Slot>()
  const waiting: { holder: Holder; last: boolean }[] = []
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
      const next = waiting[at]
      if (!next || !mayTry(keyOf(next.holder))) at++
      else {
        waiting.splice(at, 1)
        begin(next.holder, next.last)
      }
    }
  }

  function begin(holder: Holder, last: boolean) {
    slots.set(holder.id, { address: keyOf(holder), last, proved: false, stop: lookLater(holder) })
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
      } else {
        slots.delete(holder.id)
        handler.onLate(holder)
      }
      next()
    })
  }

  return {
    offer(holder, last = false) {
      const address = keyOf(holder)
      const count = tries.get(address) ?? 0
      if (count >= MOST_TRIES_OF_ADDRESS) return
      tries.set(address, count + 1)
      const at = last ? -1 : waiting.findIndex((other) => other.last)
      waiting.splice(at < 0 ? waiting.length : at, 0, { holder, last })
      next()
    },
    release({ id }) {
      slots.get(id)?.stop()
      if (slots.delete(id)) next()
    },
    get size() {
      return [...slots.values(), ...waiting].filter(({ last }) => !last).length
    },
    clear() {
      for (const { stop } of slots.values()) stop()
      slots.clear()
      waiting.length = 0
      tries.clear()
    },
  }
}
