import { createSocket } from 'node:dgram'
import { isIP } from 'node:net'
import { Client } from 'bittorrent-dht'
import type { Clock } from '../../base/clock.ts'
import { type Endpoint, endpoint, type HostPort, hostPort } from '../../base/endpoint.ts'
import { asError, PacsrvError, systemCode } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { DhtKey } from './dht-keys.ts'
import { createDhtSocket, type DhtSocket } from './dht-socket.ts'

/** A node that hasn't answered by then, in milliseconds, counts as dead; the library's own is 2,000. */
const QUERY_TIME = 1_000
/** A lookup takes no longer, in milliseconds. */
const LOOKUP_TIME = 5_000
/** A lookup, and the answers of those that were told. */
const ANNOUNCE_TIME = 20_000
/** Queries under way at once, of all lookups and announcements. */
const CONCURRENCY = 32
/** Nodes that each key is announced to, and that an answer names: BEP 5's. */
const K = 8
/** What others have announced to this node: milliseconds on average, announcements, and lookups of its own remembered. */
const KEPT = { maxAge: 30 * 60_000, maxPeers: 2_000, maxTables: 50, maxValues: 1 }
/** Those who ask are pinged one in so many milliseconds, and so many at once after a pause. */
const PINGS = { each: 500, burst: 20 }
/** Well-known nodes asked where no others are known: the library's. */
const WELL_KNOWN: HostPort[] = ['router.bittorrent.com', 'router.utorrent.com', 'dht.transmissionbt.com'].map(
  (host) => ({ host, port: 6881 }),
)

export interface DhtNodeDeps {
  clock: Clock
  random: Random
  log: Log
  /** The numeric addresses of a host by name. */
  resolve(host: string): Promise<string[]>
  /** It has asked for nodes near itself: time to look something up. */
  onJoined(): void
}

export interface DhtNodeOptions {
  /** Nodes to begin with, by name or number, the first eight of them; the well-known ones where there are none. */
  bootstrap: HostPort[]
}

/** One node of the Mainline DHT (BEP 5, IPv4 only): lookups and announcements, and its share of the work for others. */
export interface DhtNode {
  /** Takes part at an IPv4 address and UDP port; `known` are nodes of an earlier run. Rejects with PacsrvError `daemon`. */
  start(at: Endpoint, known: Endpoint[]): Promise<void>
  stop(): Promise<void>
  /** Where it takes packets, once started. */
  readonly listening: Endpoint | undefined
  /** Nodes in its table, nearest to it first. */
  nodes(): Endpoint[]
  /** Tells of each address listed under a key as it becomes known; resolves at the end, after 5 s, or an abort. */
  lookup(key: DhtKey, options: { signal?: AbortSignal; onPeer(address: Endpoint): void }): Promise<void>
  /** Lists this machine under a key, at a TCP port; resolves to whether anybody took it. */
  announce(key: DhtKey, port: number): Promise<boolean>
  /** Packets dropped as malformed, unasked for or too many. */
  dropped(): number
}

export function createDhtNode(
  { clock, random, log, resolve, onJoined }: DhtNodeDeps,
  options: DhtNodeOptions,
): DhtNode {
  const id = Buffer.from(random.hex(20), 'hex')
  const listeners = new Map<DhtKey, Set<(address: Endpoint) => void>>()
  const running = new Set<() => void>()
  let dht: Client | undefined
  let socket: DhtSocket | undefined
  let listening: Endpoint | undefined
  let pingedUntil = 0

  /** The library asks these again whenever its table is all but empty. By name where that has no address now. */
  async function bootstrapNodes(): Promise<HostPort[]> {
    const given = options.bootstrap.length > 0 ? options.bootstrap : WELL_KNOWN
    const found = given.slice(0, K).map(async ({ host, port }) => {
      const hosts = isIP(host) ? [host] : await resolve(host).catch(() => [])
      return { host: hosts.find((one) => isIP(one) === 4) ?? host, port }
    })
    return Promise.all(found)
  }

  function createClient(bootstrap: HostPort[]): Client {
    socket = createDhtSocket({ udp: createSocket('udp4'), clock, log }, { id, onCaller })
    const client = new Client({
      ...{ socket, nodeId: id, bootstrap, concurrency: CONCURRENCY, k: K, timeout: QUERY_TIME },
      ...KEPT,
    })
    client.on('warning', (error) => log.debug({ error: asError(error).message }, 'of the DHT'))
    client.on('peer', ({ host, port }: HostPort, key: Uint8Array) => {
      const address = endpoint(host, port)
      const told = listeners.get(Buffer.from(key).toString('hex')) ?? []
      if (address !== undefined) for (const listener of told) listener(address)
    })
    client.once('ready', () => dht && onJoined())
    return client
  }

  function listen(client: Client, at: Endpoint): Promise<void> {
    const { host, port } = hostPort(at)
    return new Promise((done, fail) => {
      client.on('error', (error) => {
        const why = systemCode(error) ?? asError(error).message
        fail(new PacsrvError('daemon', `no DHT: can't take packets at ${at} over UDP: ${why}`, error))
      })
      client.once('listening', done)
      client.listen(port, host)
    })
  }

  const nodes = () => dht?.toJSON().nodes.flatMap(({ host, port }) => endpoint(host, port) ?? []) ?? []

  /** Who asks may come into the table, one for each address, once it has answered in turn; a flood of them must not. */
  function onCaller(from: Endpoint) {
    const now = clock.now()
    const { host } = hostPort(from)
    if (pingedUntil - now > PINGS.burst * PINGS.each) return
    if (nodes().some((node) => hostPort(node).host === host)) return
    pingedUntil = Math.max(pingedUntil, now) + PINGS.each
    dht?.addNode(hostPort(from))
  }

  function lookup(
    key: DhtKey,
    { signal, onPeer }: { signal?: AbortSignal; onPeer(address: Endpoint): void },
  ): Promise<void> {
    if (!dht || signal?.aborted) return Promise.resolve()
    const client = dht
    const told = new Set<Endpoint>()
    const listener = (address: Endpoint) => {
      if (told.has(address)) return
      told.add(address)
      onPeer(address)
    }
    const of = listeners.get(key) ?? new Set()
    listeners.set(key, of.add(listener))
    return new Promise((done) => {
      const end = () => {
        abort()
        cancel()
        signal?.removeEventListener('abort', end)
        running.delete(end)
        of.delete(listener)
        if (of.size === 0 && listeners.get(key) === of) listeners.delete(key)
        done()
      }
      const abort = client.lookup(key, end)
      const cancel = clock.after(LOOKUP_TIME, end)
      signal?.addEventListener('abort', end)
      running.add(end)
    })
  }

  return {
    async start(at, known) {
      const client = createClient(await bootstrapNodes())
      dht = client
      await listen(client, at)
      const { address, port } = client.address()
      listening = endpoint(address, port)
      for (const node of known) client.addNode(hostPort(node))
    },
    async stop() {
      const client = dht
      dht = undefined
      for (const end of [...running]) end()
      if (client) await new Promise<void>((done) => client.destroy(done))
    },
    get listening() {
      return listening
    },
    nodes,
    lookup,
    announce(key, port) {
      const client = dht
      if (!client) return Promise.resolve(false)
      return new Promise((done) => {
        const end = (taken: boolean) => {
          cancel()
          running.delete(giveUp)
          done(taken)
        }
        const giveUp = () => end(false)
        const cancel = clock.after(ANNOUNCE_TIME, giveUp)
        running.add(giveUp)
        client.announce(key, port, (error) => end(!error))
      })
    },
    dropped: () => socket?.dropped() ?? 0,
  }
}
