import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import type { Host } from './host.ts'
import type { Lab } from './lab.ts'
import { createMirror, type Mirror, type MirrorRequest } from './mirror.ts'
import { createNode, type PacsrvNode, type Sections } from './node.ts'
import { fillCache, type Package } from './packages.ts'
import { CACHE_SERVER, createPacman, type Pacman } from './pacman.ts'

export const CURL = 'XferCommand = /usr/bin/curl -sfgL -o %o %u'

export interface Member {
  host: Host
  pacman: Pacman
  node: PacsrvNode
}

/** A mirror, a holder with every package in its cache, and an asker with none, which knows the holder. */
export interface Pair {
  mirror: Mirror
  packages: Package[]
  holder: Member
  asker: Member
}

export interface PairOptions {
  /** tc's rate of the holder's link. */
  holderRate?: string
  /** The asker's configuration beyond the usual. */
  asker?: Sections
  /** Leave the asker's daemon alone. */
  unstarted?: boolean
  /** The asker's pacman runs in here (trixie.ts). */
  inside?: (lab: Lab, host: Host) => string[]
  /** The asker's pacman goes by CacheServer, not by XferCommand. */
  byCacheServer?: boolean
  /** More of the asker's pacman.conf. */
  pacmanOptions?: string[]
  /** Before the asker's daemon starts. */
  prepare?: (lab: Lab, asker: Member) => void
}

export async function createPair(lab: Lab, packages: Package[], options: PairOptions = {}): Promise<Pair> {
  const mirror = await createMirror(lab.host('mirror'))
  mirror.publish('lab', packages)
  const repositories = { lab: [`${mirror.url}/lab`] }
  const holder = await createHolder(lab, packages, repositories, options.holderRate)

  const host = lab.host('asker')
  const config = join(host.folder, 'pacman.conf')
  const node = createNode(lab, host, config, {
    direct: [`server = ${holder.host.address}:8048`],
    ...options.asker,
  })
  const pacman = createPacman(host, {
    repositories,
    options: [
      ...(options.byCacheServer ? [] : [`XferCommand = ${node.xferCommand}`]),
      ...(options.pacmanOptions ?? []),
    ],
    ...(options.byCacheServer ? { cacheServer: CACHE_SERVER } : {}),
    ...(options.inside ? { inside: options.inside(lab, host) } : {}),
  })
  const asker = { host, pacman, node }
  options.prepare?.(lab, asker)
  if (!options.unstarted) {
    await node.start()
    await node.until('a connection to the holder', (status) => status.peers.length === 1)
  }
  await mirror.clearLog()
  return { mirror, packages, holder, asker }
}

async function createHolder(
  lab: Lab,
  packages: Package[],
  repositories: Record<string, string[]>,
  rate?: string,
): Promise<Member> {
  const host = lab.host('holder', rate ? { rate } : {})
  const pacman = createPacman(host, { repositories, options: [CURL] })
  const outcome = await pacman.run(['-Sy'])
  assert.is(outcome.code, 0, outcome.all)
  fillCache(pacman.cache, packages)
  const node = createNode(lab, host, pacman.config)
  await node.start()
  await node.until('the whole cache offered', (status) => status.files.count === packages.length)
  return { host, pacman, node }
}

export const install = (packages: Package[]) => ['-Sy', ...packages.map((item) => item.name)]

/** Every package is in the cache byte for byte, and nothing else is: no `.part`, no temporary file. */
export function assertCache(pacman: Pacman, packages: Package[]) {
  for (const item of packages) {
    const same = readFileSync(join(pacman.cache, item.file)).equals(readFileSync(item.path))
    assert.ok(same, `${item.file} differs`)
  }
  assert.equal(readdirSync(pacman.cache).sort(), packages.map((item) => item.file).sort())
  assert.equal(readdirSync(pacman.sync), ['lab.db'])
}

/** What the mirror had to send besides databases. */
export const packageRequests = (log: MirrorRequest[]) =>
  log.filter((request) => !/\.(db|files)(\.sig)?$/.test(request.path))

/** The same transaction by curl on a host of its own: the seconds that pacman takes without pacsrv. */
export async function secondsByCurl(lab: Lab, pair: Pair): Promise<number> {
  const pacman = createPacman(lab.host('plain'), {
    repositories: { lab: [`${pair.mirror.url}/lab`] },
    options: [CURL],
  })
  const outcome = await pacman.run(install(pair.packages))
  assert.is(outcome.code, 0, outcome.all)
  return outcome.seconds
}
