import type { Lent } from '../../base/lent-buffers.ts'

/** Chunks that are here, in memory, and on their way to the disk: adjoining ones are written together. */
export interface WriteBehind {
  /** The bytes are released once they are written, or another of the chunk takes their place. */
  add(chunk: number, lent: Lent): void
  /** Whether it is not on the disk yet. */
  has(chunk: number): boolean
  /** Whether so much waits that no more should come before a `flush`. */
  readonly isFull: boolean
  /** Writes what waits. Rejects as the first write that failed, now and ever after. */
  flush(): Promise<void>
}

/** So much is worth a write, in bytes: to ask for one costs as much as to write 100 KB. */
const WORTH_BYTES = 1024 * 1024
/** What may wait, in bytes. */
const MOST_BYTES = 4 * 1024 * 1024

/** `write` puts bytes that lie one behind the other from a chunk's start on; `onWritten`: fewer wait now. */
export function createWriteBehind(
  write: (chunk: number, parts: Uint8Array[]) => Promise<void>,
  onWritten: () => void,
): WriteBehind {
  let waiting = new Map<number, Lent>()
  let flying = new Map<number, Lent>()
  let waitingBytes = 0
  let flyingBytes = 0
  let failure: { error: unknown } | undefined
  /** One write after another: several threads writing one file spin on its lock, a tenth of a busy daemon's CPU time. */
  let work: Promise<void> = Promise.resolve()

  async function writeAll() {
    if (waiting.size === 0) return
    flying = waiting
    flyingBytes = waitingBytes
    waiting = new Map()
    waitingBytes = 0
    try {
      if (!failure) for (const { chunk, parts } of runsOf(flying)) await write(chunk, parts)
    } catch (error) {
      failure = { error }
    }
    for (const { release } of flying.values()) release()
    flying = new Map()
    flyingBytes = 0
    if (!failure) onWritten()
  }

  async function flush() {
    if (waiting.size > 0) work = work.then(writeAll)
    await work
    if (failure) throw failure.error
  }

  return {
    add(chunk, lent) {
      const before = waiting.get(chunk)
      waiting.set(chunk, lent)
      waitingBytes += lent.bytes.length - (before?.bytes.length ?? 0)
      before?.release()
      if (waitingBytes >= WORTH_BYTES) void flush().catch(() => {}) // the next flush tells
    },
    has: (chunk) => waiting.has(chunk) || flying.has(chunk),
    get isFull() {
      return failure !== undefined || waitingBytes + flyingBytes >= MOST_BYTES
    },
    flush,
  }
}

/** Chunks that adjoin, together. */
function runsOf(chunks: ReadonlyMap<number, Lent>): { chunk: number; parts: Uint8Array[] }[] {
  const runs: { chunk: number; parts: Uint8Array[] }[] = []
  for (const [chunk, { bytes }] of [...chunks].sort(([a], [b]) => a - b)) {
    const run = runs.at(-1)
    if (run && run.chunk + run.parts.length === chunk) run.parts.push(bytes)
    else runs.push({ chunk, parts: [bytes] })
  }
  return runs
}
