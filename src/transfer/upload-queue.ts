import type { Cancel, Clock } from '../base/clock.ts'
import type { Limiter } from '../base/limiter.ts'

/** Who may upload when: turns are taken in the order they were asked for, so that one peer can't starve another. */
export interface Turns {
  /** Runs `turn`, which resolves to the bytes that it sent, when there is a slot and the rate allows. Never rejects. */
  take(turn: () => Promise<number>): void
}

/** Chunks that are read and sent at the same time, for all peers together. */
export const UPLOAD_SLOTS = 8

export function createTurns(
  { clock, limiter }: { clock: Clock; limiter: Limiter },
  slots = UPLOAD_SLOTS,
): Turns {
  const queue: (() => Promise<number>)[] = []
  let running = 0
  let timer: Cancel | undefined

  function next() {
    while (running < slots && queue.length > 0 && !timer) {
      const wait = limiter.wait()
      if (wait > 0) {
        timer = clock.after(wait, () => {
          timer = undefined
          next()
        })
        return
      }
      running++
      queue.shift()!()
        .then(limiter.charge, () => {})
        .finally(() => {
          running--
          next()
        })
    }
  }

  return {
    take(turn) {
      queue.push(turn)
      next()
    },
  }
}
