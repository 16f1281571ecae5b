import type { Stats } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cancel, Clock } from '../base/clock.ts'
import { asError } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { readDescs } from './database-file.ts'
import { isSignature } from './signature.ts'

/**
 * The signatures of packages that sync databases carry (%PGPSIG%, `repo-add --include-sigs`). pacman 7 asks for `FILE.sig` all
 * the same.
 */
export interface DatabaseSignatures {
  /** Reads those of a repository, unless that was done and its database is the same. Never rejects. */
  load(repository: string): Promise<void>
  /** The signature of the package with this SHA-256, where it has been read. */
  find(repository: string, sha256: string): Uint8Array | undefined
}

/** Those of 15,000 packages take 13 MB, so they are dropped when nobody has asked for so long, in milliseconds. */
const KEPT_MS = 60_000
/** A database of whose first packages none has a signature has none. */
const FIRST = 20
const NEWLINE = 0x0a

interface Database {
  version: string
  loaded: Promise<void>
  bySha256: Map<string, Buffer>
}

/** `dir` is pacman's DBPath/sync. */
export function createDatabaseSignatures(
  { log, clock }: { log: Log; clock: Clock },
  { dir }: { dir: string },
): DatabaseSignatures {
  const databases = new Map<string, Database>()
  let stopTimer: Cancel = () => {}

  function keep() {
    stopTimer()
    stopTimer = clock.after(KEPT_MS, () => {
      for (const [repository, { bySha256 }] of databases) if (bySha256.size > 0) databases.delete(repository)
    })
  }

  async function read(path: string, into: Map<string, Buffer>) {
    let seen = 0
    const handle = await open(path)
    try {
      await readDescs(handle, (desc) => {
        const [sha256, text] = [fieldOf(desc, '%SHA256SUM%'), fieldOf(desc, '%PGPSIG%')]
        const bytes = text && Buffer.from(text, 'base64')
        if (sha256 && bytes && isSignature(bytes)) into.set(sha256.toLowerCase(), bytes)
        return ++seen !== FIRST || into.size > 0
      })
    } finally {
      await handle.close()
    }
  }

  return {
    async load(repository) {
      const path = join(dir, `${repository}.db`)
      const found = await stat(path).catch(() => undefined)
      if (!found) return void databases.delete(repository)
      const version = versionOf(found)
      let database = databases.get(repository)
      if (database?.version !== version) {
        const bySha256 = new Map<string, Buffer>()
        const loaded = read(path, bySha256).catch((error) =>
          log.debug({ path, err: asError(error) }, "a database's signatures can't be read"),
        )
        database = { version, loaded, bySha256 }
        databases.set(repository, database)
      }
      keep()
      await database.loaded
    },
    find(repository, sha256) {
      const found = databases.get(repository)?.bySha256.get(sha256)
      if (found) keep()
      return found
    },
  }
}

const versionOf = ({ dev, ino, size, mtimeMs, ctimeMs }: Stats) =>
  [dev, ino, size, mtimeMs, ctimeMs].join(':')

/** A field's name stands alone on a line, its value follows. */
function fieldOf(content: Buffer, field: string): string | undefined {
  const at = content.indexOf(`${field}\n`, 0, 'latin1')
  if (at < 0 || (at > 0 && content[at - 1] !== NEWLINE)) return undefined
  const start = at + field.length + 1
  const end = content.indexOf(NEWLINE, start)
  return content.toString('latin1', start, end < 0 ? content.length : end)
}
