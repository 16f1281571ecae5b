import type { Clock } from './clock.ts'

/** What `promise` resolves to, or undefined when it takes longer than `ms` milliseconds. It must not reject. */
export function within<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    const stop = clock.after(ms, () => resolve(undefined))
    void promise.then((value) => {
      stop()
      resolve(value)
    })
  })
}
