import type { Cancel, Clock } from './clock.ts'

export interface OnceATurn {
  /** Has it done at the end of this turn of the loop, once, however often this is called. */
  soon(): void
  /** It is never done again. */
  stop(): void
}

export function createOnceATurn(clock: Clock, action: () => void): OnceATurn {
  let due: Cancel | undefined
  let stopped = false

  function run() {
    due = undefined
    action()
  }

  return {
    soon() {
      if (!stopped) due ??= clock.after(0, run)
    },
    stop() {
      stopped = true
      due?.()
    },
  }
}
