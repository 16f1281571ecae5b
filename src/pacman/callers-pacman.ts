import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { createExpiringMap } from '../base/expiring-map.ts'
import { type OtherPlaces, otherPlaces } from './other-places.ts'
import type { PacmanConf } from './pacman-conf.ts'
import type { SyncDatabases } from './sync-databases.ts'

/** The configuration and the databases by which one pacman goes. */
export interface PacmanSetup {
  conf: PacmanConf
  databases: SyncDatabases
}

/** The pacmans that have another configuration, root or database folder than this machine's, as pacstrap has. */
export interface CallersPacman {
  /**
   * `transaction`: "PID START" as proc(5) has them. Undefined: it goes by this machine's. `unknown`: by others that can't be
   * known here; what the databases here say of a file may then be wrong for it.
   */
  of(transaction: string): Promise<PacmanSetup | 'unknown' | undefined>
}

export interface CallersPacmanDeps {
  clock: Clock
  /** The file that the daemon goes by. */
  ownConfig: string
  /** Reads a configuration as pacman with this root would; undefined where the daemon's user may not. */
  readConf(file: string, root: string | undefined): Promise<PacmanConf | undefined>
  /** Databases in a folder that the daemon's user may perhaps not read: then they name nothing. */
  open(dir: string): SyncDatabases
  wordsOf?(pid: string, start: string): Promise<CallerWords | undefined>
}

/** The command line of a process. */
export interface CallerWords {
  argv: string[]
  /** Any other user could name files and folders that cost the daemon much to read. */
  isRoots: boolean
}

/** A pacman's words don't change, and few have places of their own at the same time. */
const KEPT_MS = 10 * 60_000
const MOST_PACMANS = 16
const MOST_FOLDERS = 4

export function createCallersPacman({
  clock,
  ownConfig,
  readConf,
  open,
  wordsOf = readWords,
}: CallersPacmanDeps): CallersPacman {
  /** By transaction. */
  const setups = createExpiringMap<string, Promise<PacmanSetup | 'unknown' | undefined>>(clock, {
    ttl: KEPT_MS,
    limit: MOST_PACMANS,
  })
  const opened = createExpiringMap<string, SyncDatabases>(clock, { ttl: KEPT_MS, limit: MOST_FOLDERS })

  async function setUp(transaction: string): Promise<PacmanSetup | 'unknown' | undefined> {
    const [, pid, start] = /^(\d{1,10}) (\d{1,20})$/.exec(transaction) ?? []
    const words = pid === undefined || start === undefined ? undefined : await wordsOf(pid, start)
    const places = words && otherPlaces(words.argv, ownConfig)
    return typeof places === 'object' && words?.isRoots ? setupAt(places) : places && 'unknown'
  }

  async function setupAt({
    config = ownConfig,
    root,
    dbPath,
  }: OtherPlaces): Promise<PacmanSetup | 'unknown'> {
    const conf = await readConf(config, root)
    if (!conf) return 'unknown'
    const dir = join(dbPath ?? conf.dbPath, 'sync')
    const databases = opened.get(dir) ?? open(dir)
    opened.set(dir, databases)
    return { conf, databases }
  }

  return {
    of(transaction) {
      const setup = setups.get(transaction) ?? setUp(transaction)
      setups.set(transaction, setup)
      return setup
    },
  }
}

/** Undefined where no such process started then, or /proc hides it. */
async function readWords(pid: string, start: string): Promise<CallerWords | undefined> {
  try {
    const folder = `/proc/${pid}`
    const isRoots = (await stat(folder)).uid === 0
    const fields = (await readFile(`${folder}/stat`, 'latin1')).split(') ').at(-1)!.split(' ')
    if (fields[19] !== start) return undefined
    return { argv: (await readFile(`${folder}/cmdline`, 'utf8')).split('\0').slice(0, -1), isRoots }
  } catch {
    return undefined
  }
}
