import { fstatSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { chunkLength, chunkSize } from '../../base/chunks.ts'
import { asError, PacsrvError, systemCode } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'
import { readNote, writeNote } from './spool-notes.ts'

/** A file on its way: its bytes in `SHA256.data`, and beside it `SHA256.json`, which says what of it is there. */
export interface SpoolFile {
  readonly path: string
  readonly size: number
  /** Chunks that an earlier invocation left. Trusted no further than the check of the whole. */
  readonly found: number[]
  write(chunk: number, bytes: Uint8Array): Promise<void>
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
  peers: number
}

/** A file in the spool that is whole and verified. */
export interface CompleteFile {
  size: number
  from: Origins
  /** Raw, one behind the other; undefined where some of it was left by an earlier invocation. */
  chunkHashes?: Uint8Array | undefined
}

export interface SpoolOptions {
  dir: string
  /** Bytes that idle files may take up in all. */
  idleBytes?: number
}

export interface Spool {
  /**
   * Makes or takes up the file, once whoever has it open has closed it. Throws PacsrvError `spool` when there is no
   * room or no permission.
   */
  open(file: { sha256: string; name: string; size: number }): Promise<SpoolFile>
  /** A file that is whole and verified, for reading. */
  complete(sha256: string): Promise<(CompleteFile & { handle: FileHandle }) | undefined>
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
const KEEP_PARTIAL_MS = 7 * 24 * HOUR
const IDLE_BYTES = 8 * 1024 ** 3
/** Left free for others on the same disk. */
const MARGIN = 16 * 1024 * 1024
const NAME = /^([0-9a-f]{64})\.(data|json)$/

export function createSpool(
  { log, onDropped = () => {} }: { log: Log; onDropped?: (sha256: string) => void },
  { dir, idleBytes = IDLE_BYTES }: SpoolOptions,
): Spool {
  /** Resolves when whoever has the file open, or waits for that, has closed it. */
  const inUse = new Map<string, Promise<void>>()
  const whole = new Map<string, CompleteFile & { version: string }>()
  const data = (sha256: string) => join(dir, `${sha256}.data`)
  const note = (sha256: string) => join(dir, `${sha256}.json`)

  /** `onDropped` hears of every whole file that is no longer to be had here. */
  function drop(sha256: string) {
    if (whole.delete(sha256)) onDropped(sha256)
  }

  async function remove(sha256: string) {
    drop(sha256)
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
    const free = async () => {
      const { bavail, bsize } = await statfs(dir)
      return bavail * bsize - MARGIN
    }
    if ((await free()) >= size) return
    await sweepDownTo(0)
    if ((await free()) < size)
      throw new PacsrvError('spool', `${dir} has no room for ${size} bytes; free some`)
  }

  return {
    async open({ sha256, name, size }) {
      const free = await take(sha256)
      try {
        await mkdir(dir, { recursive: true })
        const hasData = await stat(data(sha256)).catch(() => undefined)
        const found = hasData ? await readNote(note(sha256), size) : []
        await makeRoom(size - found.reduce((sum, chunk) => sum + chunkLength(size, chunk), 0))
        const handle = await open(data(sha256), found.length > 0 ? 'r+' : 'w+', 0o600)
        try {
          await handle.truncate(size)
        } catch (error) {
          await handle.close()
          throw error
        }
        return spoolFile(
          handle,
          { path: data(sha256), notePath: note(sha256), name, size, found, log },
          {
            completed: (from, chunkHashes) =>
              void whole.set(sha256, { size, from, chunkHashes, version: versionOf(handle) }),
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

interface Opened {
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

function spoolFile(
  handle: FileHandle,
  { path, notePath, name, size, found, log }: Opened,
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
    async write(chunk, bytes) {
      look()
      const { bytesWritten } = await handle.write(bytes, 0, bytes.length, chunk * step)
      version = versionOf(handle)
      if (bytesWritten !== bytes.length)
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
function versionOf({ fd }: FileHandle): string {
  const { ino, size, ctimeMs } = fstatSync(fd)
  return `${ino} ${size} ${ctimeMs}`
}
