import type { Clock } from './clock.ts'

export interface ExpiringOptions {
  /** Milliseconds that an entry lasts after it was last set. */
  ttl: number
  /** Entries at most; one more pushes out the oldest. */
  limit: number
}

/**
 * A bounded memory whose entries end by themselves. It has no timer: what has expired is removed when it is looked up.
 */
export interface ExpiringMap<K, V> {
  get(key: K): V | undefined
  /** Lasts `ttl` from now, or shorter where asked for. */
  set(key: K, value: V, ttl?: number): void
  delete(key: K): void
  /** Entries kept, some of them expired perhaps. */
  readonly size: number
  entries(): Iterable<[K, V]>
}

export function createExpiringMap<K, V>(clock: Clock, { ttl, limit }: ExpiringOptions): ExpiringMap<K, V> {
  /** In the order of setting, so that the oldest are first. */
  const held = new Map<K, { value: V; until: number }>()

  function makeRoom(now: number) {
    for (const [key, { until }] of held) {
      if (until > now && held.size < limit) return
      held.delete(key)
    }
  }

  return {
    get(key) {
      const entry = held.get(key)
      if (!entry) return undefined
      if (entry.until > clock.now()) return entry.value
      held.delete(key)
      return undefined
    },
    set(key, value, lasting = ttl) {
      const now = clock.now()
      held.delete(key)
      makeRoom(now)
      held.set(key, { value, until: now + Math.min(ttl, lasting) })
    },
    delete: (key) => void held.delete(key),
    get size() {
      return held.size
    },
    *entries() {
      const now = clock.now()
      for (const [key, { value, until }] of held) if (until > now) yield [key, value]
    },
  }
}
