import { dirname } from 'node:path'
import type { Config } from '../base/config.ts'
import { makeFolders, userIds } from '../daemon/privileges.ts'

/** Asked by root's front: makes the daemon's folders, and prints user and group to run as, for setpriv(1). */
export function userOf(config: Config, command: 'daemon' | 'webhost', print: (line: string) => void): number {
  const { user, 'state-dir': stateDir, 'spool-dir': spoolDir } = config.daemon
  const { uid, gid } = userIds(user)
  if (command === 'daemon') {
    makeFolders(user, [
      { path: stateDir, mode: 0o700 },
      { path: spoolDir, mode: 0o700 },
      { path: dirname(config.server.socket), mode: 0o755 },
    ])
  }
  print(`${uid} ${gid}`)
  return 0
}
