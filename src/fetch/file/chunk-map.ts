import { chunkCount, chunkLength } from '../../base/chunks.ts'

/** What is here of one file, chunk by chunk: only the partial file, which owns it, may change it. */
export interface ChunkMap {
  readonly chunks: number
  /** Chunks that are here. */
  readonly count: number
  /** Bytes that are not here yet. */
  readonly bytesLeft: number
  /** Chunks that are here from the first on without a gap. */
  readonly prefix: number
  /** Chunks that have come, and are being hashed or wait for the disk. */
  readonly beingWritten: number
  /** Grows whenever a chunk that was here, or was being written, is missing again. */
  readonly losses: number
  has(chunk: number): boolean
  /** Neither here nor being hashed or waiting. */
  isMissing(chunk: number): boolean
}

/** The map as its owner has it. */
export interface OwnChunkMap extends ChunkMap {
  /** It has come, and is being hashed or waits for the disk. */
  writing(chunk: number): void
  here(chunk: number): void
  /** What was here, or was being written, doesn't count. */
  missing(chunk: number): void
}

const MISSING = 0
const WRITING = 1
const HERE = 2

export function createChunkMap(fileSize: number): OwnChunkMap {
  const chunks = chunkCount(fileSize)
  const states = new Uint8Array(chunks)
  let count = 0
  let bytesLeft = fileSize
  let prefix = 0
  let beingWritten = 0
  let losses = 0

  function change(chunk: number, to: number) {
    const from = states[chunk]
    states[chunk] = to
    if (from === WRITING) beingWritten--
    if (to === WRITING) beingWritten++
    if (from === HERE) {
      count--
      bytesLeft += chunkLength(fileSize, chunk)
    }
    if (to === HERE) {
      count++
      bytesLeft -= chunkLength(fileSize, chunk)
    }
  }

  return {
    chunks,
    get count() {
      return count
    },
    get bytesLeft() {
      return bytesLeft
    },
    get prefix() {
      return prefix
    },
    get beingWritten() {
      return beingWritten
    },
    get losses() {
      return losses
    },
    has: (chunk) => states[chunk] === HERE,
    isMissing: (chunk) => states[chunk] === MISSING,
    writing: (chunk) => change(chunk, WRITING),
    here(chunk) {
      change(chunk, HERE)
      while (prefix < chunks && states[prefix] === HERE) prefix++
    },
    missing(chunk) {
      change(chunk, MISSING)
      prefix = Math.min(prefix, chunk)
      losses++
    },
  }
}
