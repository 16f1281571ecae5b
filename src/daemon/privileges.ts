import { spawnSync } from 'node:child_process'
import { chownSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { PacsrvError, systemCode } from '../base/error.ts'

/** The numbers of a user and its primary group. Throws PacsrvError `daemon` where there is none, or it is root. */
export function userIds(user: string): { uid: number; gid: number } {
  const uid = idOf(user, '-u')
  const gid = idOf(user, '-g')
  if (uid === undefined || gid === undefined) {
    const has = user === 'pacsrv' && spawnSync('systemd-sysusers', ['--version']).status === 0
    const fix = has ? 'run systemd-sysusers' : `make it (useradd --system ${user}), or name another`
    throw new PacsrvError('daemon', `there is no user ${user} to run as ([daemon] user): ${fix}`)
  }
  if (uid === 0) throw new PacsrvError('daemon', `pacsrv never runs as ${user}; set [daemon] user to another`)
  return { uid, gid }
}

/**
 * What root does before the daemon runs as `user`: makes the folders that are missing, for that user. To become
 * the user is the front's, by setpriv(1): where Node is built with the system's libuv (Debian 13; Arch's may be), its own
 * setuid refuses ("io_uring may be enabled", CVE-2024-22017).
 */
export function makeFolders(user: string, folders: { path: string; mode: number }[]): void {
  const { uid, gid } = userIds(user)
  for (const { path, mode } of folders) makeFolder(path, mode, uid, gid)
}

/** Only a folder that wasn't there is given away: one that was may be anybody's. */
function makeFolder(path: string, mode: number, uid: number, gid: number): void {
  try {
    if (statSync(path, { throwIfNoEntry: false })) return
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
    mkdirSync(path, { mode })
    chownSync(path, uid, gid)
  } catch (error) {
    throw new PacsrvError('daemon', `can't make the folder ${path} (${systemCode(error) ?? error})`, error)
  }
}

function idOf(user: string, option: '-u' | '-g'): number | undefined {
  const { status, stdout } = spawnSync('id', [option, '--', user], { encoding: 'utf8' })
  return status === 0 ? Number(stdout) : undefined
}
