/** Calls off what `after` arranged; harmless once it has happened. */
export type Cancel = () => void

/** Time, handed in so that tests and the simulator can wind it. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number
  /** Runs `action` once, `ms` milliseconds from now; 0: when this turn of the loop is over. */
  after(ms: number, action: () => void): Cancel
}

/** The machine's own clock. Its timers don't keep a process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, action) {
    if (ms === 0) {
      const immediate = setImmediate(action).unref()
      return () => clearImmediate(immediate)
    }
    const timer = setTimeout(action, ms).unref()
    return () => clearTimeout(timer)
  },
}
