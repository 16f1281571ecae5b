import { type FileHandle, lstat, mkdir, open, readdir, rename, rm, statfs, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { asError, PacsrvError, systemCode } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { ReadableFile } from '../base/readable-file.ts'
import { isPackageName } from '../pacman/cache-folder.ts'
import { coalesce } from '../pacman/coalesce.ts'
import type { WantedFile } from '../wire/messages.ts'
import { hasRoom, type KeptFile, whatGoes } from './keep-order.ts'

/** The folder `[cache] keep-dir`: packages that somebody may want. The catalogue offers what is in it. */
export interface Keep {
  /**
   * Copies a file that is whole and verified. Resolves to whether it is here now; never rejects: a disk that is full or a
   * folder that can't be written costs the copy, and a line in the log.
   */
  take(file: WantedFile, source: Pick<ReadableFile, 'read'>): Promise<boolean>
  /** Puts a signature beside a file that is here. Never rejects. */
  sign(name: string, signature: Uint8Array): Promise<void>
  /** It is to be had elsewhere now. Never rejects. */
  remove(name: string): Promise<void>
  /** Somebody was given this file of the folder. */
  used(name: string): void
  /** Whether a file would fit where it is in nobody's way but that of its own other versions. Never rejects. */
  hasRoom(file: WantedFile): Promise<boolean>
  /** Removes what is over the limit. Never rejects. */
  sweep(): Promise<void>
}

/** Left free for others on the same disk, in bytes. */
const MARGIN = 256 * 1024 * 1024
/** How exactly it is noted when a file was used, in milliseconds: each note is a write. */
const USED_MS = 60 * 60_000
const COPY_BYTES = 1024 * 1024
const PART = /^\.[^/]+\.part$/

/** `limit` and sizes are bytes; what came `mostAgeMs` milliseconds ago goes. The last use is the file's access time, set here: no mount option decides it. */
export function createKeep(
  { log, now }: { log: Log; now(): number },
  { dir, limit, mostAgeMs = Number.POSITIVE_INFINITY }: { dir: string; limit: number; mostAgeMs?: number },
): Keep {
  let said: string | undefined
  /** Names of what is here, as of the last look. */
  const here = new Set<string>()
  let last: Promise<unknown> = Promise.resolve()

  /** One after another: each counts what is there. */
  function inTurn<T>(deed: () => Promise<T>): Promise<T> {
    const mine = last.then(deed)
    last = mine.catch(() => {})
    return mine
  }

  /** The same trouble is told once, until it is over. */
  function complain(error: unknown, what: string) {
    const why = systemCode(error) ?? asError(error).message
    if (said !== why) log.warn({ err: asError(error), dir }, `${what} in ${dir} ([cache] keep-dir): ${why}`)
    said = why
  }

  async function list(): Promise<KeptFile[]> {
    const files = await packagesIn(dir)
    for (const { name } of files) here.add(name)
    return files
  }

  async function discard({ name }: { name: string }) {
    here.delete(name)
    await rm(join(dir, name), { force: true })
    await rm(join(dir, `${name}.sig`), { force: true })
    log.debug({ file: name }, 'no longer kept')
  }

  async function sweepDownTo(most: number) {
    const files = await list()
    const old = files.filter(({ keptAt }) => now() - keptAt >= mostAgeMs)
    for (const file of old) await discard(file)
    for (const file of whatGoes(
      files.filter((file) => !old.includes(file)),
      most,
    ))
      await discard(file)
  }

  /** Bytes that may be written without pressing on others of the same disk. */
  async function free(): Promise<number> {
    const { bavail, bsize } = await statfs(dir)
    return bavail * bsize - MARGIN
  }

  async function makeRoom(size: number) {
    await sweepDownTo(limit - size)
    const missing = size - (await free())
    if (missing <= 0) return
    const held = (await list()).reduce((sum, { bytes }) => sum + bytes, 0)
    await sweepDownTo(Math.max(0, held - missing))
    if ((await free()) < size) throw new PacsrvError('spool', 'the disk is full')
  }

  /** The file is there whole or not at all. */
  async function write(name: string, put: (handle: FileHandle) => Promise<void>) {
    const part = join(dir, `.${name}.part`)
    try {
      // Others' daemons and machines read it: a package is no secret.
      const handle = await open(part, 'w', 0o644)
      try {
        await put(handle)
      } finally {
        await handle.close()
      }
      await rename(part, join(dir, name))
    } catch (error) {
      await rm(part, { force: true }).catch(() => {})
      throw error
    }
  }

  return {
    take({ name, size }, source) {
      if (!isPackageName(name) || size > limit) return Promise.resolve(false)
      return inTurn(async () => {
        try {
          await mkdir(dir, { recursive: true, mode: 0o755 })
          await makeRoom(size)
          await write(name, (to) => copy(source, to, size))
          here.add(name)
          said = undefined
          return true
        } catch (error) {
          complain(error, `${name} can't be kept`)
          return false
        }
      })
    },
    async sign(name, signature) {
      try {
        await write(`${name}.sig`, async (handle) => void (await handle.writeFile(signature)))
      } catch (error) {
        complain(error, `the signature of ${name} can't be kept`)
      }
    },
    async remove(name) {
      // Packages come by thousands where a daemon first looks at a cache: few of them are here.
      if (!here.has(name)) return
      try {
        await inTurn(() => discard({ name }))
      } catch (error) {
        complain(error, `${name} can't be removed`)
      }
    },
    used(name) {
      const path = join(dir, name)
      void lstat(path)
        .then(async ({ atimeMs, mtime }) => {
          if (now() - atimeMs >= USED_MS) await utimes(path, now() / 1000, mtime)
        })
        .catch(() => {}) // gone meanwhile
    },
    hasRoom: (file) =>
      inTurn(async () => {
        try {
          await mkdir(dir, { recursive: true, mode: 0o755 })
          return hasRoom(await list(), limit, file) && (await free()) >= file.size
        } catch {
          return false
        }
      }),
    sweep: coalesce(() =>
      inTurn(async () => {
        try {
          // What a daemon that was killed has left.
          for (const name of await readdir(dir))
            if (PART.test(name)) await rm(join(dir, name), { force: true })
          await sweepDownTo(limit)
        } catch (error) {
          if (systemCode(error) !== 'ENOENT') complain(error, "what is over the limit can't be removed")
        }
      }),
    ),
  }
}

async function packagesIn(dir: string): Promise<KeptFile[]> {
  const names = new Set(await readdir(dir))
  const files: KeptFile[] = []
  for (const name of names) {
    if (!isPackageName(name)) continue
    const found = await lstat(join(dir, name)).catch(() => undefined)
    if (!found?.isFile()) continue
    const signature = names.has(`${name}.sig`)
      ? await lstat(join(dir, `${name}.sig`)).catch(() => {})
      : undefined
    files.push({
      name,
      bytes: found.size + (signature?.size ?? 0),
      keptAt: found.mtimeMs,
      usedAt: Math.max(found.atimeMs, found.mtimeMs),
    })
  }
  return files
}

async function copy(from: Pick<ReadableFile, 'read'>, to: FileHandle, size: number): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(size, COPY_BYTES))
  for (let position = 0; position < size; ) {
    const { bytesRead } = await from.read(buffer, 0, Math.min(buffer.length, size - position), position)
    if (bytesRead === 0) throw new PacsrvError('spool', 'it was cut short by somebody')
    await to.writeFile(buffer.subarray(0, bytesRead))
    position += bytesRead
  }
}
