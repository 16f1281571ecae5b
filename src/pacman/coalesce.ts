/**
 * Makes `run` shared: it never runs twice at once, and a call during a run gets the one run after it, which
 * starts later than the call and so sees what the caller saw.
 */
export function coalesce<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  let next: Promise<T> | undefined

  function start(): Promise<T> {
    running = run().finally(() => {
      running = undefined
    })
    return running
  }

  function startNext(): Promise<T> {
    next = undefined
    return start()
  }

  return () => {
    if (!running) return start()
    next ??= running.then(startNext, startNext)
    return next
  }
}
