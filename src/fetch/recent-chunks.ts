/** A chunk's bytes, to be left as they are until `release`, which is to be called once. */
export interface Lent {
  bytes: Uint8Array
  release(): void
}

/** Chunks that have just come, kept in memory for those who read them next. */
export interface RecentChunks {
  /** Takes the bytes over; the oldest chunks are let go. */
  add(chunk: number, bytes: Uint8Array): void
  /** Undefined when it is no longer here. */
  lend(chunk: number): Lent | undefined
  drop(chunk: number): void
  clear(): void
}

interface Entry {
  bytes: Uint8Array
  /** Borrowers, and one for the place here. */
  users: number
}

/** Each reader is a few chunks behind at most, or so slow that a read of the spool doesn't matter. */
const KEPT_BYTES = 4 * 1024 * 1024

/** `letGo`: nobody uses these bytes any more. */
export function createRecentChunks(letGo: (bytes: Uint8Array) => void, most = KEPT_BYTES): RecentChunks {
  /** Oldest first. */
  const entries = new Map<number, Entry>()
  let kept = 0

  function release(entry: Entry) {
    entry.users--
    if (entry.users === 0) letGo(entry.bytes)
  }

  function drop(chunk: number) {
    const entry = entries.get(chunk)
    if (!entry) return
    entries.delete(chunk)
    kept -= entry.bytes.length
    release(entry)
  }

  return {
    add(chunk, bytes) {
      drop(chunk)
      entries.set(chunk, { bytes, users: 1 })
      kept += bytes.length
      for (const oldest of entries.keys()) {
        if (kept <= most) break
        drop(oldest)
      }
    },
    lend(chunk) {
      const entry = entries.get(chunk)
      if (!entry) return undefined
      entry.users++
      return { bytes: entry.bytes, release: () => release(entry) }
    },
    drop,
    clear() {
      for (const chunk of entries.keys()) drop(chunk)
    },
  }
}
