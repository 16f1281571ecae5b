import { join } from 'node:path'
import { asError } from '../base/error.ts'
import { createEvent } from '../base/event.ts'
import type { Log } from '../base/log.ts'
import type { Problems } from '../base/problems.ts'
import { createSpool, type Spool } from '../fetch/file/spool.ts'
import { createWholeHasher, type WholeHasher } from '../fetch/file/whole-hash.ts'
import { type Figures, openFigures } from '../figures/figures.ts'
import { createTallies, type Tallies } from '../figures/tallies.ts'
import { readPacmanAgent } from '../mirror/pacman-agent.ts'
import { type Catalogue, createCatalogue } from '../pacman/catalogue.ts'
import { createDatabaseSignatures, type DatabaseSignatures } from '../pacman/database-signatures.ts'
import type { FileHashes } from '../pacman/hash-file.ts'
import { createHashWorker } from '../pacman/hasher.ts'
import { createLivePacmanConf } from '../pacman/live-conf.ts'
import type { PacmanConf } from '../pacman/pacman-conf.ts'
import { createSyncDatabases, type WatchedDatabases } from '../pacman/sync-databases.ts'
import type { Context } from './context.ts'
import { createKeeping, type Keeping } from './keeping.ts'
import type { Living } from './life.ts'

/** What lies on this machine's disk. */
export interface StorageParts {
  pacmanConf(): Promise<PacmanConf | undefined>
  /** What pacman calls itself to mirrors; undefined where there is none. */
  pacmanAgent: string | undefined
  /** With the signatures that they carry. */
  databases: WatchedDatabases & { signatures: DatabaseSignatures }
  catalogue: Catalogue
  spool: Spool
  wholeHasher: WholeHasher
  figures: Figures
  /** What is counted since the start only. */
  tallies: Tallies
  keeping: Pick<Keeping, 'keep' | 'keepsAll'>
  /** Hears of each file, by its SHA-256, that has left the spool. */
  onDropped(listener: (sha256: string) => void): void
}

/** Where pacman keeps things when neither the configuration nor pacman-conf says. */
const PACMAN_DEFAULTS = { cacheDirs: ['/var/cache/pacman/pkg/'], dbPath: '/var/lib/pacman/' }
/** How often what has lain in the spool for too long is removed. */
const SWEEP_MS = 10 * 60_000

export async function createStorage(context: Context): Promise<Living & { parts: StorageParts }> {
  const { workers, clock, problems, logOf } = context
  const { daemon } = context.config
  const log = logOf('pacman')
  const keeping = createKeeping(context)
  const pacmanConf = keeping.conf
    ? async () => keeping.conf
    : createLivePacmanConf({ log, clock, problems }, daemon['pacman-conf'])
  const [conf, pacmanAgent] = await Promise.all([pacmanConf(), readPacmanAgent()])
  const { cacheDirs, dbPath } = conf ?? PACMAN_DEFAULTS
  const sync = { dir: daemon['sync-dir'] ?? join(dbPath, 'sync') }
  const databases = createSyncDatabases({ log, clock, problems }, sync)
  const fileHasher = createHashWorker({ clock }, workers.fileHash)
  const wholeHasher = createWholeHasher(workers.wholeHash)
  const ownDirs = daemon['cache-dir']
  const spoolLog = logOf('spool')
  const dropped = createEvent<[sha256: string]>()
  const spool = minded(
    createSpool({ log: spoolLog, onDropped: dropped.tell }, { dir: daemon['spool-dir'] }),
    { problems, log: spoolLog },
    daemon['spool-dir'],
  )
  const catalogue = createCatalogue(
    {
      log: logOf('catalogue'),
      clock,
      problems,
      hashFile: (path, size) => fileHasher.hashFile(path, fetchedOfSize(spool, size)),
      onHashed: keeping.arrived,
      onOpened: keeping.opened,
    },
    {
      dirs: [...(ownDirs.length > 0 ? ownDirs : cacheDirs), ...keeping.dirs],
      stateFile: join(daemon['state-dir'], 'catalogue'),
    },
  )
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
      databases: {
        ...keeping.refreshed(databases),
        signatures: createDatabaseSignatures({ log, clock }, sync),
      },
      catalogue,
      spool,
      wholeHasher,
      figures,
      tallies: createTallies(clock),
      keeping,
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

/** A spool whose faults are told: without it all comes from the mirror, past the other nodes. */
function minded(spool: Spool, { problems, log }: { problems: Problems; log: Log }, dir: string): Spool {
  return {
    ...spool,
    async open(file) {
      try {
        const opened = await spool.open(file)
        problems.solved('spool', dir)
        return opened
      } catch (error) {
        problems.report('spool', dir, {
          problem: `Packages can't be kept while they come, so other nodes aren't used: ${asError(error).message}.`,
          fix: `make room on the disk of ${dir}, or let the node's user write there`,
          log,
        })
        throw error
      }
    },
  }
}

/** What pacman's cache has got from here, most likely. */
function fetchedOfSize(spool: Spool, size: number): FileHashes[] {
  return [...spool.completeFiles()].flatMap(([sha256, file]) =>
    file.size === size && file.chunkHashes ? [{ sha256, chunkHashes: file.chunkHashes }] : [],
  )
}
