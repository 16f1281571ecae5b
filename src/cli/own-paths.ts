import { join } from 'node:path'
import envPaths from 'env-paths'
import type { DefaultPaths } from '../base/config.ts'

/** An ordinary user's own folders, where there is no /etc/pacsrv.conf. The sh front knows the socket's too. */
export function ownPaths(): DefaultPaths {
  const { data, cache, temp } = envPaths('pacsrv', { suffix: '' })
  const run = process.env.XDG_RUNTIME_DIR
  return {
    stateDir: data,
    spoolDir: cache,
    socket: join(run ? join(run, 'pacsrv') : temp, 'pacsrv.sock'),
  }
}
