import { dirname, join, resolve } from 'node:path'
import { createKeep, type Keep } from '../fetch/keep.ts'
import { createOwnDatabases } from '../mirror/own-databases.ts'
import type { CatalogueFile } from '../pacman/catalogue.ts'
import type { PacmanConf } from '../pacman/pacman-conf.ts'
import type { WatchedDatabases } from '../pacman/sync-databases.ts'
import type { Context } from './context.ts'
import type { Living } from './life.ts'

/** What lies in `[cache] keep-dir`, and where the machine that is always on has its databases from. */
export interface Keeping extends Living {
  keep: Keep
  /** Whether all that comes is kept for others; else only what was fetched ahead, until pacman takes it. */
  keepsAll: boolean
  /** What the catalogue looks at beside pacman's cache. */
  dirs: string[]
  /** What is gone by in place of pacman's configuration; undefined without `repository`. */
  conf: PacmanConf | undefined
  /** A package has come to one of this machine's folders. */
  arrived(file: Pick<CatalogueFile, 'path' | 'name'>): void
  /** A package of this machine is about to be given to somebody. */
  opened(file: Pick<CatalogueFile, 'path' | 'name'>): void
  /** As `databases`, but what they don't name is looked for in newer ones, where this daemon has to see to that. */
  refreshed(databases: WatchedDatabases): WatchedDatabases
}

/** What was fetched ahead takes so many bytes and stays so many milliseconds at most: an upgrade, and a week. */
const AHEAD_BYTES = 8 * 1024 ** 3
const AHEAD_MS = 7 * 24 * 60 * 60_000
/** How often what is over the limit is looked for, beside each time that something comes. */
const SWEEP_MS = 60 * 60_000

export function createKeeping({ config: { cache, daemon }, clock, problems, logOf }: Context): Keeping {
  const dir = resolve(cache['keep-dir'] ?? join(daemon['spool-dir'], 'keep'))
  const { keep: limit } = cache
  const log = logOf('spool')
  const keepsAll = limit !== undefined
  const keep = createKeep(
    { log, now: Date.now },
    keepsAll ? { dir, limit } : { dir, limit: AHEAD_BYTES, mostAgeMs: AHEAD_MS },
  )
  const dbPath = daemon['state-dir']
  const conf = cache.repository.length > 0 ? confOf(cache.repository, dbPath) : undefined
  const own =
    conf &&
    createOwnDatabases(
      { clock, log: logOf('mirror'), problems },
      { dir: daemon['sync-dir'] ?? join(dbPath, 'sync'), repositories: conf.repositories },
    )
  let timer: NodeJS.Timeout | undefined

  return {
    keep,
    keepsAll,
    dirs: [dir],
    conf,
    arrived({ path, name }) {
      if (!keepsAll && dirname(path) !== dir) void keep.remove(name)
    },
    opened({ path, name }) {
      if (dirname(path) === dir) keep.used(name)
    },
    refreshed: (databases) =>
      own
        ? {
            ...databases,
            async find(fileName, repository) {
              const found = await databases.find(fileName, repository)
              if (found || repository === undefined) return found
              await own.seek(repository)
              return databases.find(fileName, repository)
            },
          }
        : databases,
    start() {
      void own?.start()
      void keep.sweep()
      timer = setInterval(() => void keep.sweep(), SWEEP_MS)
    },
    stop() {
      own?.stop()
      clearInterval(timer)
    },
  }
}

/** Lines of one repository are its mirrors, best first. */
function confOf(lines: readonly { name: string; server: string }[], dbPath: string): PacmanConf {
  const servers = new Map<string, string[]>()
  for (const { name, server } of lines) servers.set(name, [...(servers.get(name) ?? []), server])
  return {
    cacheDirs: [],
    dbPath,
    repositories: [...servers].map(([name, servers]) => ({
      name,
      servers,
      cacheServers: [],
      // Whoever asks decides what it wants: a signature is looked for, and what has none is given without.
      signatures: 'optional',
    })),
  }
}
