import { readFile, rename, writeFile } from 'node:fs/promises'
import { chunkCount } from '../../base/chunks.ts'

/** What is said beside a file in the spool. */
interface Note {
  name: string
  size: number
  /** Base64 bitmap: bit i of byte i/8, lowest first. */
  chunks: string
}

/** The chunks that are noted of a file of this size; none where there is no note that can be read. */
export async function readNote(path: string, size: number): Promise<number[]> {
  try {
    const kept: Note = JSON.parse(await readFile(path, 'utf8'))
    return kept.size === size ? chunksOf(Buffer.from(kept.chunks, 'base64'), chunkCount(size)) : []
  } catch {
    return []
  }
}

/** Puts the note in place of the one before, whole. */
export async function writeNote(
  path: string,
  { name, size, chunks }: { name: string; size: number; chunks: Iterable<number> },
): Promise<void> {
  const kept: Note = { name, size, chunks: bitmapOf(chunks, chunkCount(size)).toString('base64') }
  await writeFile(`${path}.new`, JSON.stringify(kept), { mode: 0o600 })
  await rename(`${path}.new`, path)
}

export function bitmapOf(chunks: Iterable<number>, count: number): Buffer {
  const bits = Buffer.alloc(Math.ceil(count / 8))
  for (const chunk of chunks) bits[chunk >> 3]! |= 1 << (chunk & 7)
  return bits
}

export function chunksOf(bits: Uint8Array, count: number): number[] {
  return Array.from({ length: count }, (_, chunk) => chunk).filter(
    (chunk) => (bits[chunk >> 3]! >> (chunk & 7)) & 1,
  )
}
