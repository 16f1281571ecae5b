import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from './commands.ts'
import type { FalseHolderSetting } from './false-holder.ts'
import type { Host } from './host.ts'
import type { Package } from './packages.ts'
import type { Member } from './pair.ts'
import type { RumourSetting } from './rumour.ts'

/** Starts a program of this folder on `host`, until it tells of itself; it ends with this process, or the host. */
async function startProgram(host: Host, program: string, ...words: string[]): Promise<void> {
  const path = join(import.meta.dirname, program)
  const child = host.spawn([process.execPath, '--import', 'tsx', path, ...words], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    cwd: join(import.meta.dirname, '../..'),
  })
  await once(child, 'message')
}

export const startFalseHolder = (host: Host, setting: FalseHolderSetting) =>
  startProgram(host, 'false-holder.ts', host.address, JSON.stringify(setting))

/** A neighbour of the node on `of`. */
export const startRumour = (host: Host, of: Host, setting: RumourSetting) =>
  startProgram(host, 'rumour.ts', `${of.address}:8048`, JSON.stringify(setting))

/** Stops the daemon and takes away what it has of this file, so that it can be asked for it again. */
export async function forgetFile({ node, pacman }: Member, item: Package): Promise<void> {
  node.signal('SIGTERM')
  await waitFor('the end of the daemon', () => node.daemons().length === 0)
  for (const name of ['data', 'json']) rmSync(join(node.spool, `${item.sha256}.${name}`), { force: true })
  rmSync(join(pacman.cache, item.file), { force: true })
}
