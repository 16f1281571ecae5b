import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { chunkCount, chunkLength, chunkSize, HASH_BYTES } from '../base/chunks.ts'

export interface FileHashes {
  /** 64 hex digits. */
  sha256: string
  /** SHA-256 of each chunk, raw and one behind the other. */
  chunkHashes: Uint8Array
}

/** `known`: of files of its size, of which it may be one: chunk hashes that are the same tell the whole's. */
export type HashFile = (path: string, known?: readonly FileHashes[]) => Promise<FileHashes>

/** A whole number of chunks of either size. */
const READ_BYTES = 1024 * 1024

/**
 * Whole and chunk hashes in one pass, synchronously: for a worker thread. `known` as in HashFile.
 * Throws the system's error, also for a link or anything else that isn't a plain file, and when it shrinks.
 */
export function hashFile(path: string, known: readonly FileHashes[] = []): FileHashes {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stat = fstatSync(file)
    if (!stat.isFile()) throw new Error(`${path} is no plain file`)
    const read: Read = (buffer, at) => readSync(file, buffer, 0, buffer.length, at)
    return (known.length > 0 && recognise(stat.size, read, known)) || hashWhole(stat.size, read)
  } finally {
    closeSync(file)
  }
}

type Read = (buffer: Buffer, at: number) => number

function recognise(size: number, read: Read, known: readonly FileHashes[]): FileHashes | undefined {
  const found = hashChunks(size, read)
  return known.find(({ chunkHashes }) => found.equals(chunkHashes))
}

/** The only chunk's hash is the whole's. */
function hashWhole(size: number, read: Read): FileHashes {
  if (chunkCount(size) === 1) {
    const chunkHashes = hashChunks(size, read)
    return { sha256: chunkHashes.toString('hex'), chunkHashes }
  }
  const whole = createHash('sha256')
  const chunkHashes = hashChunks(size, read, (part) => whole.update(part))
  return { sha256: whole.digest('hex'), chunkHashes }
}

function hashChunks(size: number, read: Read, onRead: (part: Buffer) => void = () => {}): Buffer {
  const chunkHashes = Buffer.alloc(chunkCount(size) * HASH_BYTES)
  const buffer = Buffer.allocUnsafe(Math.min(size, READ_BYTES))
  for (let at = 0; at < size; ) {
    const part = buffer.subarray(0, Math.min(READ_BYTES, size - at))
    for (let filled = 0; filled < part.length; ) {
      const count = read(part.subarray(filled), at + filled)
      if (count === 0) throw new Error('the file became shorter while being read')
      filled += count
    }
    onRead(part)
    for (let offset = 0; offset < part.length; ) {
      const index = (at + offset) / chunkSize(size)
      const chunk = part.subarray(offset, offset + chunkLength(size, index))
      createHash('sha256')
        .update(chunk)
        .digest()
        .copy(chunkHashes, index * HASH_BYTES)
      offset += chunk.length
    }
    at += part.length
  }
  return chunkHashes
}
