/**
 * What a part tells, for parts that are made after it: the later one subscribes to the earlier, so that nothing refers
 * to what doesn't exist yet. What nobody listens to is lost.
 */
export interface Event<Args extends unknown[]> {
  tell(...args: Args): void
  /** Listeners are told in the order in which they came. */
  on(listener: (...args: Args) => void): void
}

export function createEvent<Args extends unknown[] = []>(): Event<Args> {
  const listeners: ((...args: Args) => void)[] = []
  return {
    tell(...args) {
      for (const listener of listeners) listener(...args)
    },
    on: (listener) => void listeners.push(listener),
  }
}
