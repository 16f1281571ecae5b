import { createLender, type Lent } from '../base/lent-buffers.ts'
import type { BufferPool } from '../wire/pool.ts'

/** Reads of the disk, each done once for all peers that ask for the same chunk at about the same time. */
export interface SharedReads {
  /** `key` names the chunk and the state of its file; `read` fills a buffer of `length` bytes. Rejects as `read` does. */
  get(key: string, length: number, read: (buffer: Uint8Array) => Promise<void>): Promise<Lent>
}

/** `keep`: bytes of what was just read that stay, since a crowd asks within a moment; room for a chunk at least. */
export function createSharedReads(pool: BufferPool, keep?: number): SharedReads {
  const lender = createLender<string, { bytes: Uint8Array; done: Promise<void> }>(pool.release, keep)

  function begin(key: string, length: number, read: (buffer: Uint8Array) => Promise<void>) {
    const bytes = pool.acquire(length)
    const item = { bytes, done: read(bytes) }
    item.done.catch(() => lender.drop(key, item))
    lender.add(key, item)
    return lender.lend(key)!
  }

  return {
    async get(key, length, read) {
      const lent = lender.lend(key) ?? begin(key, length, read)
      try {
        await lent.done
      } catch (error) {
        lent.release()
        throw error
      }
      return lent
    },
  }
}
