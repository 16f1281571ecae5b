import type { Cancel, Clock } from '../base/clock.ts'
import type { Limiter } from '../base/limiter.ts'

/**
 * Who may upload when: addresses take turns, and those of one address in the order they were asked for, so that one peer
 * can't starve another, however many connections it has.
 */
export interface Turns {
  /**
   * Runs `turn`, which resolves to the bytes that it sent, when there is a slot and the rate allows. Never rejects.
   * `address`: whose turn it is (addressBlock).
   */
  take(address: string, turn: () => Promise<number>): void
}

/** Chunks that are read and sent at the same time, for all peers together. */
export const UPLOAD_SLOTS = 8

export function createTurns(
  { clock, limiter }: { clock: Clock; limiter: Limiter },
  slots = UPLOAD_SLOTS,
): Turns {
  /** By address, in the order in which their turns come. */
  const queues = new Map<string, (() => Promise<number>)[]>()
  let running = 0
  let timer: Cancel | undefined

  /** The first turn of the address that has waited longest; the address goes to the end. */
  function shift(): (() => Promise<number>) | undefined {
    for (const [address, queue] of queues) {
      const turn = queue.shift()
      queues.delete(address)
      if (queue.length > 0) queues.set(address, queue)
      return turn
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
      running++
      shift()!()
        .then(limiter.charge, () => {})
        .finally(() => {
          running--
          next()
        })
    }
  }

  return {
    take(address, turn) {
      const queue = queues.get(address)
      if (queue) queue.push(turn)
      else queues.set(address, [turn])
      next()
    },
  }
}
