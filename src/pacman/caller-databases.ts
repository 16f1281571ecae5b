import { readFile, stat } from 'node:fs/promises'
import type { Clock } from '../base/clock.ts'
import { createExpiringMap } from '../base/expiring-map.ts'
import { otherSyncDir } from './other-root.ts'
import type { SyncDatabases } from './sync-databases.ts'

/** The databases of a pacman that has another root or database folder than this machine's, as `pacman -r` and pacstrap have. */
export interface CallerDatabases {
  /** `transaction`: "PID START" as proc(5) has them. Undefined: it goes by this machine's. */
  of(transaction: string): Promise<SyncDatabases | undefined>
}

export interface CallerDatabasesDeps {
  clock: Clock
  /** Databases in a folder that the daemon's user may perhaps not read: then they name nothing. */
  open(dir: string): SyncDatabases
  /** The words of a process that root started at that time; undefined for any other. */
  argvOf?(pid: string, start: string): Promise<string[] | undefined>
}

/** A pacman's words don't change, and few have roots of their own at the same time. */
const KEPT_MS = 10 * 60_000
const MOST_PACMANS = 16
const MOST_FOLDERS = 4

export function createCallerDatabases({
  clock,
  open,
  argvOf = argvOfRoots,
}: CallerDatabasesDeps): CallerDatabases {
  /** By transaction; empty where it goes by this machine's. */
  const folders = createExpiringMap<string, string>(clock, { ttl: KEPT_MS, limit: MOST_PACMANS })
  const opened = createExpiringMap<string, SyncDatabases>(clock, { ttl: KEPT_MS, limit: MOST_FOLDERS })

  async function folderOf(transaction: string): Promise<string | undefined> {
    const [, pid, start] = /^(\d{1,10}) (\d{1,20})$/.exec(transaction) ?? []
    const argv = pid === undefined || start === undefined ? undefined : await argvOf(pid, start)
    return argv && otherSyncDir(argv)
  }

  return {
    async of(transaction) {
      const dir = folders.get(transaction) ?? (await folderOf(transaction)) ?? ''
      folders.set(transaction, dir)
      if (dir === '') return undefined
      const databases = opened.get(dir) ?? open(dir)
      opened.set(dir, databases)
      return databases
    },
  }
}

/** Only root's: any other user could name a folder that costs the daemon much to read. */
async function argvOfRoots(pid: string, start: string): Promise<string[] | undefined> {
  try {
    const folder = `/proc/${pid}`
    if ((await stat(folder)).uid !== 0) return undefined
    const fields = (await readFile(`${folder}/stat`, 'latin1')).split(') ').at(-1)!.split(' ')
    if (fields[19] !== start) return undefined
    return (await readFile(`${folder}/cmdline`, 'utf8')).split('\0').slice(0, -1)
  } catch {
    return undefined // it has ended, or /proc hides it
  }
}
