/** Nodes on loopback for benches and the demo: each with a folder, ports, a cache and databases of its own. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHost, type Host } from '../test/e2e/host.ts'
import { createMirror, type Mirror } from '../test/e2e/mirror.ts'
import { createNode, type PacsrvNode, type Sections } from '../test/e2e/node.ts'
import { fillCache, type Package } from '../test/e2e/packages.ts'
import { createPacman, type Pacman } from '../test/e2e/pacman.ts'

const ADDRESS = '127.0.0.1'
/** Below the range that the system hands out by itself. */
const FIRST_PORT = 28048

export interface Member {
  name: string
  address: string
  host: Host
  node: PacsrvNode
  pacman: Pacman
}

export interface Loopback {
  folder: string
  program: string
  mirror: Mirror
  /** The repository's Server. */
  server: string
  members: Member[]
  /** A node that holds these, connected to those added before; its daemon is started. */
  add(name: string, held: Package[], sections?: Sections): Promise<Member>
}

/** Of which build the nodes are; from which port on they listen, where two are open at once; their daemons' environment. */
export interface LoopbackOptions {
  dist?: string
  firstPort?: number
  env?: Record<string, string>
}

/** A mirror of these packages, and room for nodes. All of it is gone when the process exits. */
export async function createLoopback(
  packages: Package[],
  { dist = join(import.meta.dirname, '../dist'), firstPort = FIRST_PORT, env = {} }: LoopbackOptions = {},
): Promise<Loopback> {
  const folder = mkdtempSync(join(tmpdir(), 'pacsrv-loopback-'))
  execFileSync('chmod', ['755', folder])
  process.on('exit', () => cleanUp(folder))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
  // The daemon's user must be able to read the program, wherever the checkout lies.
  const program = join(folder, 'dist/pacsrv-xfer')
  execFileSync('cp', ['-r', dist, join(folder, 'dist')])

  const hostFor = (name: string) => {
    mkdirSync(join(folder, name))
    return createHost(name, ADDRESS, join(folder, name))
  }
  const mirror = await createMirror(hostFor('mirror'), 0)
  mirror.publish('lab', packages)
  const members: Member[] = []

  return {
    folder,
    program,
    mirror,
    server: `${mirror.url}/lab`,
    members,
    async add(name, held, sections = {}) {
      const n = members.length
      const host = hostFor(name)
      const address = `${ADDRESS}:${firstPort + 2 * n}`
      const all = {
        network: [`listen = ${address}`],
        server: [`listen = ${ADDRESS}:${firstPort + 2 * n + 1}`],
        direct: members.map((other) => `server = ${other.address}`),
        ...sections,
      }
      const own = { program, showOnFailure() {} }
      const node = createNode(own, host, join(host.folder, 'pacman.conf'), all, env)
      const pacman = createPacman(host, {
        repositories: { lab: [`${mirror.url}/lab`] },
        options: [`XferCommand = ${node.xferCommand}`],
      })
      copyFileSync(join(mirror.folder, 'lab/lab.db'), join(pacman.sync, 'lab.db'))
      fillCache(pacman.cache, held)
      await node.start()
      await node.until('its files indexed', (status) => status.files.count === held.length, 60)
      await node.until('its neighbours', (status) => status.peers.length >= members.length)
      const member = { name, address, host, node, pacman }
      members.push(member)
      return member
    },
  }
}

function cleanUp(folder: string) {
  for (const pid of createHost('all', ADDRESS, folder).pids(folder, 'daemon')) process.kill(pid, 'SIGKILL')
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
