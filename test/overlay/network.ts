import { createHash } from 'node:crypto'
import { reachOf } from '../../src/base/address.ts'
import type { Endpoint } from '../../src/base/endpoint.ts'
import { createLimiter } from '../../src/base/limiter.ts'
import { type Log, silentLog } from '../../src/base/log.ts'
import type { Problems } from '../../src/base/problems.ts'
import { createMemoryNetwork, type MemoryOptions, type Nat } from '../../src/net/memory.ts'
import {
  createOverlay,
  type Holder,
  type Overlay,
  type OverlayOptions,
  type Session,
} from '../../src/overlay/overlay.ts'
import { createIdentity, type Identity } from '../../src/overlay/session/identity.ts'
import type { HeldFile, WantedFile } from '../../src/wire/messages.ts'
import { createClock } from '../clock.ts'
import { seeded } from '../seeded.ts'

export function wanted(name: string, size = 1000): WantedFile {
  return { sha256: createHash('sha256').update(name).digest('hex'), size, name }
}

export function held(name: string, size = 1000): HeldFile {
  const { sha256 } = wanted(name, size)
  return { sha256, size, root: sha256, whole: true }
}

/** Each test host's link is its /24, and every link-local address. */
const isBeside = (host: string) => {
  const net = host.slice(0, host.lastIndexOf('.') + 1)
  return (address: Endpoint) => (net !== '' && address.startsWith(net)) || reachOf(address) === 'link'
}

export interface TestNode {
  overlay: Overlay
  identity: Identity
  host: string
  address: string
  /** Files it vouches for. */
  holds: Map<string, HeldFile>
  /** Sessions that others opened to fetch. */
  served: Session[]
  /** Whom it has banned, and why. */
  bans: string[]
  /** Looks for one file; who was told of, and whether the search is over. */
  find(name: string): { holders: Holder[]; over: boolean }
}

export type NodeOptions = Partial<OverlayOptions> & {
  nat?: Nat
  holds?: string[]
  /** What it is downloading. */
  downloads?: string[]
  identity?: Identity
  log?: Log
  problems?: Problems
  /** Bytes a second. */
  uploadLimit?: number | undefined
}

/** Nodes over the network in memory, under a clock that the test winds. */
export function createTestNetwork(options: MemoryOptions = {}, seed = 1) {
  const clock = createClock()
  const random = seeded(seed)
  const network = createMemoryNetwork({ clock, random }, options)
  const flush = () => new Promise((resolve) => setImmediate(resolve))

  /** Winds the clock, letting promises settle on the way. */
  async function run(ms: number) {
    const until = clock.now() + ms
    await flush()
    while (clock.now() < until) {
      clock.advance(Math.min(5, until - clock.now()))
      await flush()
    }
  }

  async function node(
    host: string,
    {
      nat,
      holds = [],
      downloads = [],
      identity,
      log = silentLog,
      problems,
      uploadLimit,
      ...rest
    }: NodeOptions = {},
  ): Promise<TestNode> {
    const files = new Map(holds.map((name) => [wanted(name).sha256, held(name)]))
    for (const name of downloads) files.set(wanted(name).sha256, { ...held(name), whole: false })
    const served: Session[] = []
    const bans: string[] = []
    const own = identity ?? createIdentity()
    const overlay = createOverlay(
      {
        transport: network.transport(host, nat),
        identity: own,
        clock,
        random,
        log,
        ...(problems ? { problems } : {}),
        holdings: { find: (sha256) => files.get(sha256) },
        resolve: async () => [],
        isOnLink: isBeside(host),
        uploads: createLimiter(clock, uploadLimit),
      },
      { listen: `${host}:8048`, agent: 'test', ...rest },
      {
        onTransfer(session) {
          session.handle({ onMessage() {}, onClose() {} })
          served.push(session)
        },
        onBanned: ({ id }, reason) => void bans.push(`${id}: ${reason}`),
      },
    )
    await overlay.start()
    return {
      overlay,
      identity: own,
      host,
      address: `${host}:8048`,
      holds: files,
      served,
      bans,
      find(name) {
        const search = { holders: [] as Holder[], over: false }
        void overlay
          .find([wanted(name)], { onHolder: (holder) => void search.holders.push(holder) })
          .then(() => {
            search.over = true
          })
        return search
      },
    }
  }

  return { clock, random, network, run, node }
}

/** For `[direct]`. */
export const directTo = (...nodes: { host: string }[]) => nodes.map(({ host }) => ({ host, port: 8048 }))

/** 10.0.0.1 to 10.0.0.`count`, each connected to the one before. */
export async function chain(
  node: (host: string, options?: NodeOptions) => Promise<TestNode>,
  count: number,
  options: (i: number) => NodeOptions = () => ({}),
) {
  const nodes: TestNode[] = []
  for (let i = 1; i <= count; i++) {
    const before = nodes.at(-1)
    nodes.push(
      await node(`10.0.0.${i}`, {
        minConnections: 0,
        direct: before ? directTo(before) : [],
        ...options(i),
      }),
    )
  }
  return nodes
}

/** A node that outsiders see at `seenAs` and can't dial. */
export const behind = (seenAs: string) => ({ nat: { seenAs, silent: true }, minConnections: 0 })
