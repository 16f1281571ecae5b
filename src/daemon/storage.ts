import { join } from 'node:path'
import { asError } from '../base/error.ts'
import { createEvent } from '../base/event.ts'
import { createSpool, type Spool } from '../fetch/file/spool.ts'
import { createWholeHasher, type WholeHasher } from '../fetch/file/whole-hash.ts'
import { type Figures, openFigures } from '../figures/figures.ts'
import { readPacmanAgent } from '../mirror/pacman-agent.ts'
import { type Catalogue, createCatalogue } from '../pacman/catalogue.ts'
import { createHashWorker } from '../pacman/hasher.ts'
import { createLivePacmanConf } from '../pacman/live-conf.ts'
import type { PacmanConf } from '../pacman/pacman-conf.ts'
import { createSyncDatabases, type SyncDatabases } from '../pacman/sync-databases.ts'
import type { Context } from './context.ts'
import { createKeeping, type Keeping } from './keeping.ts'
import type { Living } from './life.ts'

/** What lies on this machine's disk. */
export interface StorageParts {
  pacmanConf(): Promise<PacmanConf | undefined>
  /** What pacman calls itself to mirrors; undefined where there is none. */
  pacmanAgent: string | undefined
  databases: SyncDatabases
  catalogue: Catalogue
  spool: Spool
  wholeHasher: WholeHasher
  figures: Figures
  keep: Keeping['keep']
  /** Whether all that comes is kept for others: `[cache] keep`. */
  keepsAll: boolean
  /** Hears of each file, by its SHA-256, that has left the spool. */
  onDropped(listener: (sha256: string) => void): void
}

/** Where pacman keeps things when neither the configuration nor pacman-conf says. */
const PACMAN_DEFAULTS = { cacheDirs: ['/var/cache/pacman/pkg/'], dbPath: '/var/lib/pacman/' }
/** How often what has lain in the spool for too long is removed. */
const SWEEP_MS = 10 * 60_000

export async function createStorage(context: Context): Promise<Living & { parts: StorageParts }> {
  const { workers, clock, logOf } = context
  const { daemon } = context.config
  const log = logOf('pacman')
  const keeping = createKeeping(context)
  const pacmanConf = keeping.conf
    ? async () => keeping.conf
    : createLivePacmanConf({ log, clock }, daemon['pacman-conf'])
  const [conf, pacmanAgent] = await Promise.all([pacmanConf(), readPacmanAgent()])
  const { cacheDirs, dbPath } = conf ?? PACMAN_DEFAULTS
  const databases = createSyncDatabases({ log, clock }, { dir: daemon['sync-dir'] ?? join(dbPath, 'sync') })
  const fileHasher = createHashWorker({ clock }, workers.fileHash)
  const wholeHasher = createWholeHasher(workers.wholeHash)
  const ownDirs = daemon['cache-dir']
  const catalogue = createCatalogue(
    {
      log: logOf('catalogue'),
      clock,
      hashFile: fileHasher.hashFile,
      onHashed: keeping.arrived,
      onOpened: keeping.opened,
    },
    {
      dirs: [...(ownDirs.length > 0 ? ownDirs : cacheDirs), ...keeping.dirs],
      stateFile: join(daemon['state-dir'], 'catalogue'),
    },
  )
  const spoolLog = logOf('spool')
  const dropped = createEvent<[sha256: string]>()
  const spool = createSpool({ log: spoolLog, onDropped: dropped.tell }, { dir: daemon['spool-dir'] })
  const figures = await openFigures(
    { clock, log: logOf('daemon'), now: () => new Date() },
    join(daemon['state-dir'], 'figures'),
  )
  const sweep = () =>
    void spool.sweep().catch((error) => spoolLog.warn({ err: asError(error) }, "the spool can't be swept"))
  let timer: NodeJS.Timeout | undefined

  return {
    parts: {
      pacmanConf,
      pacmanAgent,
      databases: keeping.refreshed(databases),
      catalogue: catalogue,
      spool,
      wholeHasher,
      figures,
      keep: keeping.keep,
      keepsAll: keeping.keepsAll,
      onDropped: dropped.on,
    },
    start() {
      sweep()
      databases.watch()
      keeping.start()
      timer = setInterval(sweep, SWEEP_MS)
      // What pacman has put into its cache needn't lie in the spool too.
      catalogue.onChange((added) => {
        for (const { sha256 } of added) if (spool.isComplete(sha256)) void spool.discard(sha256)
      })
    },
    async stop() {
      clearInterval(timer)
      keeping.stop()
      databases.close()
      await Promise.all([catalogue.close(), figures.close()])
      await Promise.all([fileHasher.close(), wholeHasher.close()])
    },
  }
}
