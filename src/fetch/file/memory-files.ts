import type { CompleteFile, SpoolFile } from './spool-file.ts'

/** A small file that is whole, in memory. */
export interface FileInRoom extends CompleteFile {
  bytes: Buffer
  /** By the system's clock, in milliseconds. */
  since: number
}

/**
 * Room for small files in memory: pacman has them in its cache within a moment, and what is lost with the daemon is soon had
 * again. On the disk each would cost a dozen calls of the system.
 */
export interface MemoryRoom {
  /** A file on its way, of which nothing is ever written. Undefined for one that is large, or for which there is no room. */
  open(file: { path: string; size: number }, handler: MemoryRoomHandler): SpoolFile | undefined
  /** A file that was completed is no longer kept. */
  give(bytes: Uint8Array): void
}

export interface MemoryRoomHandler {
  completed(file: FileInRoom): void
  /** Lets the next one have it. */
  free(): void
}

/** Up to this, in bytes, a file is worth it: to hash the whole here takes half a millisecond, and as much is lost of one. */
const MOST_OF_ONE = 1024 * 1024

/** `most`: bytes of all of them together. */
export function createMemoryRoom(most: number): MemoryRoom {
  let taken = 0

  function give({ length }: Uint8Array) {
    taken -= length
  }

  return {
    open({ path, size }, { completed, free }) {
      if (size > MOST_OF_ONE || taken + size > most) return undefined
      taken += size
      const bytes = Buffer.allocUnsafeSlow(size)
      let isWhole = false
      return {
        path,
        size,
        bytes,
        found: [],
        async write() {},
        async read() {},
        async save() {},
        completed(from, chunkHashes) {
          isWhole = true
          completed({ size, from, chunkHashes, bytes, since: Date.now() })
        },
        async close() {
          if (!isWhole) give(bytes)
          free()
        },
      }
    },
    give,
  }
}
