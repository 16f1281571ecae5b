import { fstatSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { chunkSize } from '../../base/chunks.ts'
import { asError, PacsrvError } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'
import { writeNote } from './spool-notes.ts'

/**
 * A file on its way: its bytes in `SHA256.data`, and beside it `SHA256.json`, which says what of it is there. A small one is in
 * memory alone.
 */
export interface SpoolFile {
  /** Where it would lie, for one in memory. */
  readonly path: string
  /** All of a file in memory: what comes is put there, and there is nothing to write or read. */
  readonly bytes?: Uint8Array
  readonly size: number
  /** Chunks that an earlier invocation left. Trusted no further than the check of the whole. */
  readonly found: number[]
  /** `parts` lie one behind the other from the chunk's start on. */
  write(chunk: number, parts: Uint8Array[]): Promise<void>
  /** Fills `buffer` from `position` on. */
  read(buffer: Uint8Array, position: number): Promise<void>
  /** Notes what is there, for the next invocation. */
  save(chunks: Iterable<number>): Promise<void>
  /**
   * It is whole and verified: from now on `complete` gives it, unless somebody else has written to it.
   * `chunkHashes` as in a manifest, where they are known.
   */
  completed(from: Origins, chunkHashes?: Uint8Array): void
  /** Closes it. What is kept stays for a while, and can be opened again. */
  close(outcome: 'keep' | 'useless'): Promise<void>
}

/** Where a whole file's bytes came from. */
export interface Origins {
  fromPeers: number
  /** What of that came from this site, whose bytes cost nobody an internet line. */
  fromSite: number
  fromMirror: number
  /** The peers that gave something, each once, by names that are the same for every file. */
  peers: readonly string[]
}

/** A file in the spool that is whole and verified. */
export interface CompleteFile {
  size: number
  from: Origins
  /** Raw, one behind the other; undefined where some of it was left by an earlier invocation. */
  chunkHashes?: Uint8Array | undefined
}

interface OpenedOnDisk {
  path: string
  notePath: string
  name: string
  size: number
  found: number[]
  log: Log
}

interface SpoolFileHandler {
  completed(from: Origins, chunkHashes: Uint8Array | undefined): void
  /** Lets the next one have it. */
  free(): void
  remove(): Promise<void>
}

/** One on the disk. */
export function fileOnDisk(
  handle: FileHandle,
  { path, notePath, name, size, found, log }: OpenedOnDisk,
  handler: SpoolFileHandler,
): SpoolFile {
  const step = chunkSize(size)
  /** As our own last change left it. */
  let version = versionOf(handle)
  let isOurs = true
  let isWhole = false

  /**
   * Whether nobody else has changed the file. What came is hashed from memory, so that the hash tells nothing of the
   * disk; a look at the file's times costs a thousandth of reading it back.
   */
  function look(): boolean {
    isOurs &&= versionOf(handle) === version
    return isOurs
  }

  return {
    path,
    size,
    found,
    async write(chunk, parts) {
      look()
      const { bytesWritten } = await handle.writev(parts, chunk * step)
      version = versionOf(handle)
      if (bytesWritten !== parts.reduce((sum, { length }) => sum + length, 0))
        throw new PacsrvError('spool', `${dirname(path)} is full; free some room`)
    },
    async read(buffer, position) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position)
      if (bytesRead !== buffer.length) throw new PacsrvError('spool', `${path} was cut short by somebody`)
      if (!isOurs) throw new PacsrvError('spool', `${path} was changed by somebody`)
    },
    save: (chunks) =>
      writeNote(notePath, { name, size, chunks }).catch((error) =>
        log.warn({ err: asError(error), name }, "can't note what is in the spool"),
      ),
    completed(from, chunkHashes) {
      if (look()) handler.completed(from, chunkHashes)
      else log.warn({ name }, `${path} was changed by somebody while it came: it is not kept`)
      isWhole = true
    },
    async close(outcome) {
      try {
        await handle.close()
        if (outcome === 'useless' || (isWhole && !isOurs)) await handler.remove()
      } finally {
        handler.free()
      }
    },
  }
}

/** Another one once anybody has written to the file, or put another in its place. */
export function versionOf({ fd }: FileHandle): string {
  const { ino, size, ctimeMs } = fstatSync(fd)
  return `${ino} ${size} ${ctimeMs}`
}
