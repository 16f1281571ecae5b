const KIB = 1024
/** The two sizes of chunk (base/chunks.ts). Less than the first is allocated as it comes. */
const SIZES = [64 * KIB, 1024 * KIB] as const
const SMALL = 4 * KIB

/**
 * Buffers for payloads, used again. Allocating 1 MiB for each chunk costs more than receiving it (the kernel clears the
 * pages each time: `bench/link.ts`).
 *
 * Its memory is shared, so that another thread can read it without a copy. Whoever acquires a buffer owns it, and may
 * hand it on. Its last owner may `release` it, after which nobody may touch it. What is never released is left to the
 * garbage collector: correct, only slower. Releasing twice, or releasing what isn't the pool's, does nothing.
 */
export interface BufferPool {
  /** A buffer of exactly `length` bytes, at most 1 MiB, with anything in it. */
  acquire(length: number): Buffer
  release(buffer: Uint8Array): void
  /** Bytes that were released and not kept, ever: rubbish until it is collected. */
  readonly dropped: number
}

/** Keeps at most `keep` bytes for later use. */
export function createBufferPool(keep = 16 * 1024 * KIB): BufferPool {
  const free: SharedArrayBuffer[][] = SIZES.map(() => [])
  const lent = new WeakSet<ArrayBufferLike>()
  let kept = 0
  let dropped = 0

  return {
    acquire(length) {
      if (length < SMALL) return Buffer.allocUnsafe(length)
      const at = SIZES.findIndex((size) => length <= size)
      const again = free[at]?.pop()
      if (again) kept -= again.byteLength
      const buffer = again ?? new SharedArrayBuffer(SIZES[at]!)
      lent.add(buffer)
      return Buffer.from(buffer, 0, length)
    },

    release({ buffer }) {
      if (!lent.delete(buffer) || !(buffer instanceof SharedArrayBuffer)) return
      if (kept + buffer.byteLength > keep) {
        dropped += buffer.byteLength
        return
      }
      free[SIZES.indexOf(buffer.byteLength as (typeof SIZES)[number])]!.push(buffer)
      kept += buffer.byteLength
    },
    get dropped() {
      return dropped
    },
  }
}
