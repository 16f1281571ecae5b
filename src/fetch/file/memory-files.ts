import { SMALL_BYTES } from '../../base/sizes.ts'
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

/** Of all of them together. */
const MOST_BYTES = 16 * 1024 * 1024

export function createMemoryRoom(most = MOST_BYTES): MemoryRoom {
  let taken = 0

  function give({ length }: Uint8Array) {
    taken -= length
  }

  return {
    open({ path, size }, { completed, free }) {
      if (size > SMALL_BYTES || taken + size > most) return undefined
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
