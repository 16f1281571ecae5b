import { mkdir, symlink, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import type { Clock } from '../base/clock.ts'
import { PacsrvError, systemCode } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { createOwnDatabases, type FetchDatabase } from '../mirror/own-databases.ts'
import type { PacmanConf } from '../pacman/pacman-conf.ts'
import { parsePrinted, readAheadArguments } from '../pacman/read-ahead.ts'

/**
 * The URLs of all that `pacman -Syu` would download now, in its order. pacman's own databases stay as they are, as with
 * checkupdates(8): newer ones come into a folder of our own. Throws PacsrvError `database` where pacman can't tell.
 */
export type UpgradeList = () => Promise<string[]>

const PACMAN_MS = 60_000

export function createUpgradeList(
  {
    clock,
    log,
    fetch,
    pacmanConf,
  }: {
    clock: Clock
    log: Log
    fetch?: FetchDatabase
    pacmanConf(): Promise<PacmanConf | undefined>
  },
  { dir, configFile }: { dir: string; configFile: string },
): UpgradeList {
  return async () => {
    const conf = await pacmanConf()
    if (!conf) throw new PacsrvError('database', `${configFile} can't be read: see pacsrv-xfer check`)
    await mkdir(dir, { recursive: true })
    await link(join(conf.dbPath, 'local'), join(dir, 'local'))
    const own = createOwnDatabases(
      { clock, log, ...(fetch ? { fetch } : {}) },
      { dir: join(dir, 'sync'), repositories: conf.repositories },
    )
    await Promise.all(conf.repositories.map(({ name }) => own.refresh(name)))
    const asked = readAheadArguments(['pacman', '-Su', '--config', configFile, '--dbpath', dir])
    const { failed, stdout, stderr, shortMessage } = await execa('pacman', asked ?? [], {
      stdin: 'ignore',
      env: { LC_ALL: 'C' },
      timeout: PACMAN_MS,
      reject: false,
    })
    if (failed) {
      const why = stderr?.trim().split('\n').at(-1) || shortMessage
      throw new PacsrvError('database', `pacman can't say what an upgrade needs: ${why}`)
    }
    return parsePrinted(stdout)
  }
}

/** Puts the link in place, whatever it was before. */
async function link(target: string, path: string): Promise<void> {
  try {
    await symlink(target, path)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
    await unlink(path)
    await symlink(target, path)
  }
}
