import { chunkSize } from '../../base/chunks.ts'
import { createLender, type Lent } from '../../base/lent-buffers.ts'
import { sha256 } from '../../base/sha256.ts'
import type { SpoolFile } from './spool-file.ts'
import type { FilePart, WholeHasher } from './whole-hash.ts'
import { createWriteBehind } from './write-behind.ts'

/** The bytes of a partial file: in memory, on their way to the disk, and there. */
export interface ChunkStore {
  /** Whether no more should be put before `flush` is over: the disk lags, or has failed. */
  readonly isFull: boolean
  /** Takes a chunk's bytes over; they can be read at once. */
  put(chunk: number, bytes: Uint8Array): void
  /** What it has of a chunk is wrong, and isn't lent any more. */
  drop(chunk: number): void
  /** The bytes from a position to its chunk's end, where they are still in memory. */
  lend(position: number): Lent | undefined
  /** Fills `buffer` from a position on, where all of it was put. Rejects with PacsrvError `spool`. */
  read(buffer: Uint8Array, position: number): Promise<void>
  /** The first `chunks` are here, and may be hashed. */
  advance(chunks: number): void
  /** What was hashed may have been wrong: it is hashed again. */
  reset(): void
  /** All that was put is on the disk, if it belongs there. Rejects with PacsrvError `spool`. */
  flush(): Promise<void>
  /** The SHA-256 of the whole, once all was put and written. */
  hash(): Promise<string>
  close(): void
}

export interface ChunkStoreDeps {
  hasher: WholeHasher
  /** Takes back the buffer of a chunk. */
  recycle(bytes: Uint8Array): void
}

export function createChunkStore(deps: ChunkStoreDeps, spooled: SpoolFile): ChunkStore {
  return spooled.bytes ? inMemory(deps, spooled.bytes) : onDisk(deps, spooled)
}

function inMemory({ recycle }: ChunkStoreDeps, all: Uint8Array): ChunkStore {
  const step = chunkSize(all.length)
  return {
    isFull: false,
    put(chunk, bytes) {
      all.set(bytes, chunk * step)
      recycle(bytes)
    },
    drop() {},
    lend(position) {
      const end = (Math.floor(position / step) + 1) * step
      return { bytes: all.subarray(position, end), release() {} }
    },
    async read(buffer, position) {
      buffer.set(all.subarray(position, position + buffer.length))
    },
    advance() {},
    reset() {},
    async flush() {},
    hash: async () => sha256(all),
    close() {},
  }
}

function onDisk({ hasher, recycle }: ChunkStoreDeps, spooled: SpoolFile): ChunkStore {
  const { size } = spooled
  const step = chunkSize(size)
  const whole = hasher.begin(spooled.path)
  const recent = createLender<number, { bytes: Uint8Array }>(recycle)
  const behind = createWriteBehind(spooled.write, hashOn)
  /** Chunks from the first on that may be hashed, and those that the hash was told of. */
  let here = 0
  let announced = 0

  /** As far as all is on the disk: what isn't in memory any more is read from there. */
  function hashOn() {
    const before = announced
    const parts: FilePart[] = []
    for (; announced < here && !behind.has(announced); announced++) {
      const lent = recent.lend(announced)
      if (lent) parts.push({ ...lent, at: announced * step })
    }
    if (announced > before) whole.advance(Math.min(size, announced * step), parts)
  }

  function isOnDisk(from: number, to: number): boolean {
    for (let chunk = from; chunk <= to; chunk++) if (behind.has(chunk)) return false
    return true
  }

  return {
    get isFull() {
      return behind.isFull
    },
    put(chunk, bytes) {
      recent.add(chunk, { bytes })
      behind.add(chunk, recent.lend(chunk)!)
    },
    drop: (chunk) => recent.drop(chunk),
    lend(position) {
      const lent = recent.lend(Math.floor(position / step))
      return lent && { ...lent, bytes: lent.bytes.subarray(position % step) }
    },
    async read(buffer, position) {
      const first = Math.floor(position / step)
      const last = Math.floor((position + buffer.length - 1) / step)
      const lent = first === last ? recent.lend(first) : undefined
      if (lent) {
        const at = position - first * step
        buffer.set(lent.bytes.subarray(at, at + buffer.length))
        return lent.release()
      }
      if (!isOnDisk(first, last)) await behind.flush()
      await spooled.read(buffer, position)
    },
    advance(chunks) {
      here = chunks
      hashOn()
    },
    reset() {
      whole.reset()
      announced = 0
    },
    flush: behind.flush,
    hash: () => whole.result(size),
    close() {
      whole.close()
      recent.clear()
    },
  }
}
