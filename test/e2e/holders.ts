import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from './commands.ts'
import type { FalseHolderSetting } from './false-holder.ts'
import type { Host } from './host.ts'
import type { Package } from './packages.ts'
import type { Member } from './pair.ts'

const PROGRAM = join(import.meta.dirname, 'false-holder.ts')

/** Starts a false holder on `host`; it ends with this process, or with the host. */
export async function startFalseHolder(host: Host, { item, deed }: FalseHolderSetting): Promise<void> {
  const setting = JSON.stringify({ item, deed })
  const child = host.spawn([process.execPath, '--import', 'tsx', PROGRAM, host.address, setting], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    cwd: join(import.meta.dirname, '../..'),
  })
  await once(child, 'message')
}

/** Stops the daemon and takes away what it has of this file, so that it can be asked for it again. */
export async function forgetFile({ node, pacman }: Member, item: Package): Promise<void> {
  node.signal('SIGTERM')
  await waitFor('the end of the daemon', () => node.daemons().length === 0)
  for (const name of ['data', 'json']) rmSync(join(node.spool, `${item.sha256}.${name}`), { force: true })
  rmSync(join(pacman.cache, item.file), { force: true })
}
