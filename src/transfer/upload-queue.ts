import type { Cancel, Clock } from '../base/clock.ts'
import type { Limiter } from '../base/limiter.ts'

/**
 * Who may upload when: addresses take turns, and those of one address in the order they were asked for, so that one peer
 * can't starve another, however many connections it has. What has been read and isn't sent yet lies in memory: there is a
 * bound to that, with some left over for addresses that keep us waiting for nothing.
 */
export interface Turns {
  /**
   * Runs `turn`, which resolves to the bytes that it sent, when there is a slot, the rate allows and there is room. Never
   * rejects. `address`: whose turn it is (addressBlock). `onStuck`: what it said to `hold` wasn't sent in a minute, and the
   * room is needed.
   */
  take(address: string, turn: Turn, onStuck?: () => void): void
}

/** `hold`: so many bytes wait to be sent until what it returns is called. */
export type Turn = (hold: (bytes: number) => () => void) => Promise<number>

/** Chunks that are read and sent at the same time, for all peers together. */
export const UPLOAD_SLOTS = 8
const MIB = 1024 * 1024
/** Bytes that wait to be sent: with so many an address of which some wait gets no turn, and with so many none. */
const MANY_UNSENT = 24 * MIB
const MOST_UNSENT = 40 * MIB
/** Who doesn't read a chunk in this time, in milliseconds, takes less than 17 KB a second: too slow where many wait. */
const STUCK_MS = 60_000

interface Waiting {
  turn: Turn
  onStuck: () => void
}

export function createTurns(
  { clock, limiter }: { clock: Clock; limiter: Limiter },
  slots = UPLOAD_SLOTS,
): Turns {
  /** By address, in the order in which their turns come. */
  const queues = new Map<string, Waiting[]>()
  /** Bytes that wait to be sent, by address, and all. */
  const unsent = new Map<string, number>()
  let unsentInAll = 0
  let running = 0
  let timer: Cancel | undefined

  const hasRoom = (address: string) => unsentInAll < (unsent.has(address) ? MANY_UNSENT : MOST_UNSENT)

  function count(address: string, bytes: number) {
    unsentInAll += bytes
    const own = (unsent.get(address) ?? 0) + bytes
    if (own > 0) unsent.set(address, own)
    else unsent.delete(address)
  }

  function hold(address: string, bytes: number, onStuck: () => void): () => void {
    count(address, bytes)
    let stopTimer = clock.after(STUCK_MS, look)
    function look() {
      if (unsentInAll >= MANY_UNSENT) onStuck()
      else stopTimer = clock.after(STUCK_MS, look)
    }
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      stopTimer()
      count(address, -bytes)
      next()
    }
  }

  /** The first turn of the address that has waited longest, of those for which there is room; the address goes to the end. */
  function shift(): (() => Promise<number>) | undefined {
    for (const [address, queue] of queues) {
      if (!hasRoom(address)) continue
      const { turn, onStuck } = queue.shift()!
      queues.delete(address)
      if (queue.length > 0) queues.set(address, queue)
      return () => turn((bytes) => hold(address, bytes, onStuck))
    }
    return undefined
  }

  function next() {
    while (running < slots && queues.size > 0 && !timer) {
      const wait = limiter.wait()
      if (wait > 0) {
        timer = clock.after(wait, () => {
          timer = undefined
          next()
        })
        return
      }
      const turn = shift()
      if (!turn) return
      running++
      turn()
        .then(limiter.charge, () => {})
        .finally(() => {
          running--
          next()
        })
    }
  }

  return {
    take(address, turn, onStuck = () => {}) {
      const queue = queues.get(address)
      if (queue) queue.push({ turn, onStuck })
      else queues.set(address, [{ turn, onStuck }])
      next()
    },
  }
}
