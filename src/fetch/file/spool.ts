import { mkdirSync, statfsSync, statSync } from 'node:fs'
import { open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { chunkLength } from '../../base/chunks.ts'
import { asError, PacsrvError, systemCode } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'
import { fileInMemory, type ReadableFile } from '../../base/readable-file.ts'
import { createMemoryRoom, type FileInRoom } from './memory-files.ts'
import { type CompleteFile, fileOnDisk, type SpoolFile, versionOf } from './spool-file.ts'
import { readNote } from './spool-notes.ts'

/** In memory, or on the disk as its last change left it. */
type Whole = FileInRoom | (CompleteFile & { bytes?: undefined; version: string })

export interface SpoolOptions {
  dir: string
  /** Bytes that idle files may take up in all. */
  idleBytes?: number
  /** Bytes that small files may take up in memory. */
  memoryBytes?: number
}

export interface Spool {
  /**
   * Makes or takes up the file, once whoever has it open has closed it. Throws PacsrvError `spool` when there is no
   * room or no permission.
   */
  open(file: { sha256: string; name: string; size: number }): Promise<SpoolFile>
  /** A file that is whole and verified, for reading. */
  complete(sha256: string): Promise<(CompleteFile & { handle: ReadableFile }) | undefined>
  isComplete(sha256: string): boolean
  /** What is whole and verified, by SHA-256. */
  completeFiles(): ReadonlyMap<string, CompleteFile>
  /** It is to be had elsewhere: removed, unless somebody has it open. Never rejects. */
  discard(sha256: string): Promise<void>
  /** Removes what nobody has come back for. */
  sweep(): Promise<void>
}

const HOUR = 3_600_000
const KEEP_COMPLETE_MS = HOUR
/** pacman has it long before, unless it was called off. */
const KEEP_IN_MEMORY_MS = HOUR / 6
const KEEP_PARTIAL_MS = 7 * 24 * HOUR
const IDLE_BYTES = 8 * 1024 ** 3
const MEMORY_BYTES = 16 * 1024 ** 2
/** Left free for others on the same disk. */
const MARGIN = 16 * 1024 * 1024
const NAME = /^([0-9a-f]{64})\.(data|json)$/

export function createSpool(
  { log, onDropped = () => {} }: { log: Log; onDropped?: (sha256: string) => void },
  { dir, idleBytes = IDLE_BYTES, memoryBytes = MEMORY_BYTES }: SpoolOptions,
): Spool {
  /** Resolves when whoever has the file open, or waits for that, has closed it. */
  const inUse = new Map<string, Promise<void>>()
  const whole = new Map<string, Whole>()
  const room = createMemoryRoom(memoryBytes)
  const data = (sha256: string) => join(dir, `${sha256}.data`)
  const note = (sha256: string) => join(dir, `${sha256}.json`)

  /** `onDropped` hears of every whole file that is no longer to be had here. */
  function drop(sha256: string) {
    const file = whole.get(sha256)
    if (!file) return
    whole.delete(sha256)
    if (file.bytes) room.give(file.bytes)
    onDropped(sha256)
  }

  function complete(sha256: string, file: Whole) {
    const before = whole.get(sha256)
    if (before?.bytes) room.give(before.bytes)
    whole.set(sha256, file)
  }

  async function remove(sha256: string) {
    const isInMemory = whole.get(sha256)?.bytes !== undefined
    drop(sha256)
    if (isInMemory) return
    await Promise.all([rm(data(sha256), { force: true }), rm(note(sha256), { force: true })])
  }

  async function idle() {
    const names = (await readdir(dir).catch(() => [] as string[])).map((name) => NAME.exec(name)?.[1])
    const hashes = [...new Set(names)].filter(
      (sha256) => sha256 !== undefined && !inUse.has(sha256),
    ) as string[]
    const found = await Promise.all(
      hashes.map(async (sha256) => {
        const info = await stat(data(sha256)).catch(() => undefined)
        return { sha256, used: info?.mtimeMs ?? 0, bytes: info ? info.blocks * 512 : 0 }
      }),
    )
    return found.sort((a, b) => b.used - a.used)
  }

  /** Oldest first, everything past its time or past `limit` bytes. */
  async function sweepDownTo(limit: number) {
    for (const [sha256, file] of whole) {
      if (file.bytes && Date.now() - file.since >= KEEP_IN_MEMORY_MS) drop(sha256)
    }
    let bytes = 0
    for (const { sha256, used, bytes: taken } of await idle()) {
      const keep = whole.has(sha256) ? KEEP_COMPLETE_MS : KEEP_PARTIAL_MS
      bytes += taken
      if (Date.now() - used >= keep || bytes > limit) await removeIdle(sha256)
    }
  }

  /** Waits for the file; returns how to let the next one have it. */
  async function take(sha256: string): Promise<() => void> {
    const before = inUse.get(sha256)
    let free = () => {}
    const mine = new Promise<void>((resolve) => {
      free = resolve
    })
    inUse.set(sha256, mine)
    await before
    return () => {
      if (inUse.get(sha256) === mine) inUse.delete(sha256)
      free()
    }
  }

  /** Unless somebody has it open; who comes meanwhile waits. */
  async function removeIdle(sha256: string) {
    if (inUse.has(sha256)) return
    const free = await take(sha256)
    await remove(sha256).finally(free)
  }

  async function makeRoom(size: number) {
    const free = () => {
      const { bavail, bsize } = statfsSync(dir)
      return bavail * bsize - MARGIN
    }
    if (free() >= size) return
    await sweepDownTo(0)
    if (free() < size) throw new PacsrvError('spool', `${dir} has no room for ${size} bytes; free some`)
  }

  return {
    async open({ sha256, name, size }) {
      const free = await take(sha256)
      const inMemory = room.open(
        { path: data(sha256), size },
        { completed: (file) => complete(sha256, file), free },
      )
      if (inMemory) return inMemory
      try {
        // Looks at what the system has in memory: to have a thread do it costs ten times as much.
        mkdirSync(dir, { recursive: true })
        const hasData = statSync(data(sha256), { throwIfNoEntry: false })
        const found = hasData ? await readNote(note(sha256), size) : []
        await makeRoom(size - found.reduce((sum, chunk) => sum + chunkLength(size, chunk), 0))
        const handle = await open(data(sha256), found.length > 0 ? 'r+' : 'w+', 0o600)
        try {
          await handle.truncate(size)
        } catch (error) {
          await handle.close()
          throw error
        }
        return fileOnDisk(
          handle,
          { path: data(sha256), notePath: note(sha256), name, size, found, log },
          {
            completed: (from, chunkHashes) =>
              complete(sha256, { size, from, chunkHashes, version: versionOf(handle) }),
            free,
            remove: () => remove(sha256),
          },
        )
      } catch (error) {
        free()
        if (error instanceof PacsrvError) throw error
        throw new PacsrvError('spool', `${dir} can't keep ${name} (${systemCode(error) ?? error})`, error)
      }
    },
    async complete(sha256) {
      const found = whole.get(sha256)
      if (!found) return undefined
      if (found.bytes) return { handle: fileInMemory(found.bytes, new Date(found.since)), ...found }
      const handle = await open(data(sha256)).catch(() => undefined)
      if (handle && versionOf(handle) === found.version) return { handle, ...found }
      // Somebody has removed or changed it since it was verified.
      drop(sha256)
      await handle?.close()
      return undefined
    },
    isComplete: (sha256) => whole.has(sha256),
    completeFiles: () => whole,
    discard: (sha256) =>
      removeIdle(sha256).catch((error) =>
        log.warn({ err: asError(error), sha256 }, "a spool file can't be removed"),
      ),
    sweep: () => sweepDownTo(idleBytes),
  }
}
