import type { BufferPool } from '../wire/pool.ts'

/** Bytes that were read for one and are lent to all who ask for the same. */
export interface SharedBytes {
  bytes: Uint8Array
  /** To be called once, when the borrower has done with them. */
  release(): void
}

/** Reads of the disk, each done once for all peers that ask for the same chunk at about the same time. */
export interface SharedReads {
  /** `key` names the chunk and the state of its file; `read` fills a buffer of `length` bytes. Rejects as `read` does. */
  get(key: string, length: number, read: (buffer: Uint8Array) => Promise<void>): Promise<SharedBytes>
}

interface Entry {
  bytes: Uint8Array
  done: Promise<void>
  /** Borrowers, and one for the place among those that are kept. */
  users: number
}

/** Bytes kept of what was just read: a crowd asks within a moment. */
export const KEPT_BYTES = 4 * 1024 * 1024

export function createSharedReads(pool: BufferPool, keep = KEPT_BYTES): SharedReads {
  /** The longest unused first. */
  const entries = new Map<string, Entry>()
  let kept = 0

  function release(entry: Entry) {
    entry.users--
    if (entry.users === 0) pool.release(entry.bytes)
  }

  function drop(key: string, entry: Entry) {
    if (entries.get(key) !== entry) return
    entries.delete(key)
    kept -= entry.bytes.length
    release(entry)
  }

  function begin(key: string, length: number, read: (buffer: Uint8Array) => Promise<void>): Entry {
    const bytes = pool.acquire(length)
    const entry: Entry = { bytes, done: read(bytes), users: 1 }
    kept += length
    entry.done.catch(() => drop(key, entry))
    return entry
  }

  return {
    async get(key, length, read) {
      const entry = entries.get(key) ?? begin(key, length, read)
      entries.delete(key)
      entries.set(key, entry)
      entry.users++
      for (const [oldest, other] of entries) {
        if (kept <= keep || other === entry) break
        drop(oldest, other)
      }
      try {
        await entry.done
      } catch (error) {
        release(entry)
        throw error
      }
      return { bytes: entry.bytes, release: () => release(entry) }
    },
  }
}
