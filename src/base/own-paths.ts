import { join } from 'node:path'
import envPaths from 'env-paths'
import type { DefaultPaths } from './config.ts'

/**
 * An ordinary user's own folders, where there is no /etc/pacsrv.conf; those that systemd made for a service
 * (systemd.exec(5), RuntimeDirectory=) go first. The front (client/conf.c) knows the socket's place too.
 */
export function ownPaths(): DefaultPaths {
  const { data, cache, temp } = envPaths('pacsrv', { suffix: '' })
  const { STATE_DIRECTORY, CACHE_DIRECTORY, RUNTIME_DIRECTORY, XDG_RUNTIME_DIR } = process.env
  const run = RUNTIME_DIRECTORY ?? (XDG_RUNTIME_DIR ? join(XDG_RUNTIME_DIR, 'pacsrv') : temp)
  return {
    stateDir: STATE_DIRECTORY ?? data,
    spoolDir: CACHE_DIRECTORY ?? cache,
    socket: join(run, 'pacsrv.sock'),
  }
}
