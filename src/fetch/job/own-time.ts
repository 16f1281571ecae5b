import type { Cancel, Clock } from '../../base/clock.ts'

/**
 * Time as this process had it. However late a tick comes, since the machine was busy or asleep, no more than a tick has
 * passed: what others sent meanwhile lies in sockets that nobody read, and nobody is late for that.
 */
export interface OwnTime extends Clock {
  /** Calls `look` now and every `tickMs`, each time when what lies in the sockets by then has been read. */
  begin(look: () => void): void
  stop(): void
}

/** It begins with what `clock` says now; what `after` arranges comes by `clock`. */
export function createOwnTime(clock: Clock, tickMs: number): OwnTime {
  let ticked = clock.now()
  let own = ticked
  let stop: Cancel = () => {}
  const now = () => own + Math.min(clock.now() - ticked, tickMs)

  function goOn(look: () => void) {
    stop = clock.after(tickMs, () => {
      own = now()
      ticked = clock.now()
      // A timer of no time comes after what lies in the sockets.
      stop = clock.after(0, () => {
        goOn(look)
        look()
      })
    })
  }

  return {
    now,
    after: clock.after,
    begin(look) {
      stop()
      goOn(look)
      look()
    },
    stop: () => stop(),
  }
}
