import { sha256 } from './sha256.ts'

/**
 * How a file is cut. The size of a chunk follows from the file's size alone, so that the chunk lists of
 * honest nodes agree (docs/architecture.md, "Trust, chunk by chunk").
 */
const SMALL_CHUNK = 64 * 1024
const LARGE_CHUNK = 1024 * 1024
const LARGE_FILE = 64 * LARGE_CHUNK

/** Bytes of every chunk but the last. */
export function chunkSize(fileSize: number): number {
  return fileSize <= LARGE_FILE ? SMALL_CHUNK : LARGE_CHUNK
}

export function chunkCount(fileSize: number): number {
  return Math.ceil(fileSize / chunkSize(fileSize))
}

/** Bytes of chunk `index`. */
export function chunkLength(fileSize: number, index: number): number {
  const size = chunkSize(fileSize)
  return Math.min(size, fileSize - index * size)
}

/** Bytes of one chunk hash in a list. */
export const HASH_BYTES = 32

/** The name of a list of raw chunk hashes: sources whose roots agree can be mixed. */
export function rootOf(chunkHashes: Uint8Array): string {
  return sha256(chunkHashes)
}

/** A file of one chunk needs no list: its chunk hash is its SHA-256. */
export function singleChunkHashes(fileSha256: string): Uint8Array {
  return Buffer.from(fileSha256, 'hex')
}
