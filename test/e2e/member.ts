import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from './host.ts'
import type { Lab } from './lab.ts'
import type { Mirror } from './mirror.ts'
import { createNode, type Sections } from './node.ts'
import { fillCache, type Package } from './packages.ts'
import { createPacman } from './pacman.ts'
import type { Member } from './pair.ts'

export interface MemberOptions {
  /** What its cache has. */
  holds?: Package[]
  sections?: Sections
  /** The environment of its daemon. */
  env?: Record<string, string>
}

/** pacman through pacsrv on `host`, with the mirror's databases; its daemon runs and has all that it holds indexed. */
export async function createMember(
  lab: Lab,
  mirror: Mirror,
  host: Host,
  { holds = [], sections = {}, env = {} }: MemberOptions = {},
): Promise<Member> {
  const node = createNode(lab, host, join(host.folder, 'pacman.conf'), sections, env)
  const pacman = createPacman(host, {
    repositories: { lab: [`${mirror.url}/lab`] },
    options: [`XferCommand = ${node.xferCommand}`],
  })
  copyFileSync(join(mirror.folder, 'lab/lab.db'), join(pacman.sync, 'lab.db'))
  fillCache(pacman.cache, holds)
  await node.start()
  if (holds.length > 0)
    await node.until('all that it holds offered', (status) => status.files.count === holds.length)
  return { host, pacman, node }
}

/** Nodes of [direct]. */
export const directTo = (...hosts: Host[]) => ({
  direct: hosts.map(({ address }) => `server = ${address}:8048`),
})
