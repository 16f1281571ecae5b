import { readdirSync, type Stats, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cancel, Clock } from '../base/clock.ts'
import { asError, PacsrvError, systemCode } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { createProblems, type Problems } from '../base/problems.ts'
import { type WatchFolder, watchFolder } from './cache-watch.ts'
import { coalesce } from './coalesce.ts'
import { readDatabase } from './database-file.ts'
import type { PackageEntry } from './desc.ts'
import type { Packages } from './package-table.ts'

/** A package file that pacman may download: only bytes of this size and SHA-256 are right. */
export interface PackageFile extends PackageEntry {
  repository: string
}

/** pacman's sync databases, read again when they change. */
export interface SyncDatabases {
  /**
   * What the databases promise of a file. Where several repositories name it, `repository` decides; without
   * it, or when it doesn't name the file, all must agree. Undefined also when `repository`'s database is
   * there but can't be read.
   */
  find(fileName: string, repository?: string): Promise<PackageFile | undefined>
  /** What the databases promise of files by SHA-256. */
  findHashes(hashes: ReadonlySet<string>): Promise<PackageFile[]>
  /** Names of the repositories whose databases can be read. */
  repositories(): Promise<string[]>
}

/** Databases that are read when they change, so that whoever asks next needn't wait for that. */
export interface WatchedDatabases extends SyncDatabases {
  /**
   * The file of a package by name, from the first of `order` that has it: pacman.conf's repositories, as pacman takes
   * them.
   */
  findPackage(name: string, order: string[]): Promise<PackageFile | undefined>
  /** Watches the folder from now on, also one that comes to be later: it is looked for at each lookup. */
  watch(): void
  close(): void
}

export interface SyncDatabasesDeps {
  log: Log
  clock: Clock
  /** Who hears what is wrong; nobody when left out. */
  problems?: Problems
  watchFolder?: WatchFolder
}

/**
 * What is written in place is read when it has been still for so long, in milliseconds. pacman renames a whole file, and
 * has its first package fetched some 200 ms after the last database: by then all have been read.
 */
const SETTLE_MS = 20

interface Database {
  /** The state of the file that `packages` came from; undefined asks for another try. */
  version: string | undefined
  /** Undefined: it can't be read. */
  packages: Packages | undefined
}

/** `dir` is pacman's DBPath/sync; it may be missing, and may appear later. */
export function createSyncDatabases(
  { log, clock, problems = createProblems(clock), watchFolder: watch = watchFolder }: SyncDatabasesDeps,
  { dir }: { dir: string },
): WatchedDatabases {
  const databases = new Map<string, Database>()
  let watching = false
  let stopWatch: (() => void) | undefined
  let stopTimer: Cancel = () => {}

  const pathOf = (repository: string) => join(dir, `${repository}.db`)

  function onName(name: string | null) {
    if (name !== null && !isDatabase(name)) return
    stopTimer()
    stopTimer = clock.after(SETTLE_MS, () => void refresh().catch(() => {})) // whoever asks next hears of it
  }

  function unwatch() {
    stopWatch?.()
    stopWatch = undefined
  }

  function renewWatch() {
    if (!watching || stopWatch) return
    try {
      stopWatch = watch(dir, onName, unwatch)
    } catch (error) {
      log.debug({ dir, err: error }, "the sync databases can't be watched: they are read when somebody asks")
    }
  }

  /** At once, as live-conf.ts looks: for each file that pacman asks for. */
  function databaseFiles(): string[] {
    renewWatch()
    try {
      const names = readdirSync(dir)
      problems.solved('databases', dir)
      return names.filter(isDatabase)
    } catch (error) {
      unwatch() // The next folder of that name is another one.
      problems.report('databases', dir, {
        problem: `There are no sync databases in ${dir} (${systemCode(error)}): packages come from the mirror alone.`,
        fix: `pacman -Sy, and let the node's user read ${dir}`,
        log,
      })
      return []
    }
  }

  /** Looks at every database; resolves when all that changed have been read. */
  const refresh = coalesce(async () => {
    const repositories = new Set(databaseFiles().map((file) => file.slice(0, -'.db'.length)))
    for (const repository of databases.keys()) {
      if (repositories.has(repository)) continue
      databases.delete(repository)
      problems.solved('databases', pathOf(repository))
    }
    for (const repository of repositories) {
      const database = databases.get(repository)
      const fresh = await reload({ log, problems }, pathOf(repository), database)
      if (fresh) databases.set(repository, fresh)
    }
  })

  return {
    async find(fileName, repository) {
      await refresh()
      const own = repository === undefined ? undefined : databases.get(repository)
      if (own && !own.packages) return undefined
      const found = [...databases].flatMap(([name, { packages }]) => {
        const entry = packages?.get(fileName)
        return entry ? [{ ...entry, repository: name }] : []
      })
      const asked = found.find((file) => file.repository === repository)
      if (asked) return asked
      return found.every((file) => file.sha256 === found[0]?.sha256) ? found[0] : undefined
    },
    async findPackage(name, order) {
      await refresh()
      for (const repository of new Set([...order, ...databases.keys()])) {
        const entry = databases.get(repository)?.packages?.ofPackage(name)
        if (entry) return { ...entry, repository }
      }
      return undefined
    },
    async findHashes(hashes) {
      await refresh()
      return [...databases].flatMap(([repository, { packages }]) =>
        (packages?.ofHashes(hashes) ?? []).map((entry) => ({ ...entry, repository })),
      )
    },
    async repositories() {
      await refresh()
      return [...databases].filter(([, { packages }]) => packages).map(([name]) => name)
    },
    watch() {
      watching = true
      renewWatch()
    },
    close() {
      watching = false
      stopTimer()
      unwatch()
    },
  }
}

const isDatabase = (name: string) => name.endsWith('.db') && name !== '.db'

/** Undefined when `known` is still right. */
async function reload(
  { log, problems }: { log: Log; problems: Problems },
  path: string,
  known: Database | undefined,
): Promise<Database | undefined> {
  let handle: FileHandle | undefined
  let version: string | undefined
  try {
    if (known?.version !== undefined && versionOf(statSync(path)) === known.version) return undefined
    handle = await open(path)
    version = versionOf(await handle.stat())
    const packages = await readDatabase(handle)
    log.debug({ path, packages: packages.size }, 'read a sync database')
    problems.solved('databases', path)
    return { version, packages }
  } catch (error) {
    problems.report('databases', path, {
      problem: `${path} can't be used (${systemCode(error) ?? asError(error).message}): its packages come from the mirror alone.`,
      fix: `let the node's user read it, or fetch it again: pacman -Syy`,
      log,
    })
    // Bad content stays bad until the file changes; permissions and a want of memory or processes may pass.
    const lasting = error instanceof PacsrvError
    return { version: lasting ? version : undefined, packages: undefined }
  } finally {
    await handle?.close()
  }
}

function versionOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [dev, ino, size, mtimeMs, ctimeMs].join(':')
}
