import type { Cancel, Clock } from '../../base/clock.ts'
import { type Endpoint, type HostPort, hostPort } from '../../base/endpoint.ts'
import { asError } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'
import type { Problems } from '../../base/problems.ts'
import type { Random } from '../../base/random.ts'
import type { NetworkKey } from '../../net/key-file.ts'
import { createAnnouncer } from './dht-announcer.ts'
import { type DhtKey, dhtKeys } from './dht-keys.ts'
import { loadKnown, saveKnown } from './dht-known.ts'
import { createMeeting } from './dht-meeting.ts'
import { createDhtNode } from './dht-node.ts'

const SAVE_PAUSE = 10 * 60_000

export interface DhtDeps {
  clock: Clock
  random: Random
  log: Log
  problems: Problems
  resolve(host: string): Promise<string[]>
  /** Whether this node can be dialled. */
  reachable(): 'yes' | 'no' | 'unknown'
  /** Addresses where nodes of the network are said to be. */
  onNodes(addresses: Endpoint[]): void
}

export interface DhtOptions {
  /** A closed network's: all are met by, packages are listed by the first. None: the open network. */
  keys: NetworkKey[]
  bootstrap: HostPort[]
  /** Where nodes are kept for the next start. */
  stateFile: string
  /** The TCP port to be dialled at from outside, where it isn't the one listened at. */
  port?: number | undefined
}

/** The Mainline DHT as pacsrv uses it: where nodes meet, and who has a package. */
export interface Dht {
  /** Takes part at the port of `listening`, over UDP. Never rejects: without it, the rest of the network stays. */
  start(listening: Endpoint): Promise<void>
  stop(): Promise<void>
  /** Short of neighbours. */
  wanted(): void
  /** Packages, by SHA-256, that this node now has, the newest last, or that were asked for. */
  holds(packages: string[]): void
  holdsNoLonger(packages: string[]): void
  /** Tells of addresses where a package is said to be. */
  seek(sha256: string, options: { signal: AbortSignal; onPeer(address: Endpoint): void }): Promise<void>
  status(): { nodes: number; announced: number; dropped: number }
}

export function createDht(deps: DhtDeps, { keys, bootstrap, stateFile, port }: DhtOptions): Dht {
  const { clock, random, log, reachable } = deps
  const node = createDhtNode({ clock, random, log, resolve: deps.resolve, onJoined }, { bootstrap })
  let tcpPort = port
  const networks = keys.length > 0 ? keys.map(dhtKeys) : [dhtKeys()]
  const packageKey = networks[0]!.package
  const announce = (key: DhtKey) => node.announce(key, tcpPort!)
  const meetings = networks.map(({ meeting }) =>
    createMeeting({
      clock,
      random,
      lookup: (options) => node.lookup(meeting, options),
      announce: () => announce(meeting),
      mayAnnounce: () => reachable() !== 'no',
      onNodes: deps.onNodes,
    }),
  )
  const announcer = createAnnouncer({ clock, random, mayAnnounce: () => reachable() === 'yes', announce })
  let cancelSave: Cancel = () => {}
  let running = false

  function onJoined() {
    log.info({ nodes: node.nodes().length, address: node.listening }, 'the DHT is joined')
    for (const meeting of meetings) meeting.start()
    announcer.start()
  }

  function saveAgain() {
    cancelSave = clock.after(SAVE_PAUSE, async () => {
      await save()
      if (running) saveAgain()
    })
  }

  /** What was known before is worth more than nothing. */
  async function save() {
    const nodes = node.nodes()
    if (nodes.length > 0) await saveKnown(stateFile, nodes, log)
  }

  return {
    async start(listening) {
      const at = ipv4Of(listening)
      if (at === undefined) {
        deps.problems.report('dht', '', {
          problem: 'dht = yes has no effect: the DHT is IPv4 only, and [network] listen is not.',
          fix: 'set [network] listen = [::]:8048, which takes IPv4 too, or dht = no',
          log,
        })
        return
      }
      tcpPort ??= hostPort(listening).port
      try {
        await node.start(at, await loadKnown(stateFile))
      } catch (error) {
        deps.problems.report('dht', '', {
          problem: `The DHT can't be used: ${asError(error).message.replace(/\.$/, '')}.`,
          fix: 'end the program that has that UDP port (ss -ulpn shows which), or set dht = no',
          log,
        })
        return
      }
      running = true
      saveAgain()
    },
    async stop() {
      cancelSave()
      for (const meeting of meetings) meeting.stop()
      announcer.stop()
      if (running) await save()
      running = false
      await node.stop()
    },
    wanted() {
      for (const meeting of meetings) meeting.wanted()
    },
    holds(packages) {
      for (const sha256 of packages) announcer.put(packageKey(sha256))
    },
    holdsNoLonger(packages) {
      for (const sha256 of packages) announcer.drop(packageKey(sha256))
    },
    seek: (sha256, options) => (running ? node.lookup(packageKey(sha256), options) : Promise.resolve()),
    status: () => ({ nodes: node.nodes().length, announced: announcer.announced, dropped: node.dropped() }),
  }
}

/** The IPv4 address that takes in what a TCP listener at `listening` does; undefined where that takes IPv6 only. */
function ipv4Of(listening: Endpoint): Endpoint | undefined {
  const { host, port } = hostPort(listening)
  if (host === '::') return `0.0.0.0:${port}`
  return host.includes(':') ? undefined : listening
}
