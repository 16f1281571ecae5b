import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { systemClock } from '../../../src/base/clock.ts'
import { type Endpoint, hostPort } from '../../../src/base/endpoint.ts'
import { silentLog } from '../../../src/base/log.ts'
import { type Random, systemRandom } from '../../../src/base/random.ts'
import { encode } from '../../../src/discovery/bencode.ts'
import { createDhtNode, type DhtNode } from '../../../src/discovery/dht/dht-node.ts'

/** Each has an address of its own on loopback, as each machine has: what one may send is counted by address. */
const hostOf = (i: number) => `127.1.${i >> 8}.${(i & 255) + 1}`

export interface TestDht {
  nodes: DhtNode[]
  stop(): Promise<void>
}

/** A private DHT on loopback, each node of which began with the first; all have joined. */
export async function createTestDht(count: number): Promise<TestDht> {
  const nodes: DhtNode[] = []
  for (let i = 0; i < count; i++) {
    const first = nodes[0]
    await new Promise<void>((joined) => {
      const node = createDhtNode(
        {
          clock: systemClock,
          random: systemRandom,
          log: silentLog,
          resolve: async () => [],
          onJoined: joined,
        },
        { bootstrap: [first ? hostPort(first.listening!) : { host: '127.1.0.2', port: 1 }] },
      )
      nodes.push(node)
      void node.start(`${hostOf(i)}:0`, []).then(() => i === 0 && joined())
    })
  }
  return { nodes, stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))) }
}

/** Milliseconds until the first address listed under a key; undefined where the lookup ends without. */
export async function timeToFirst(node: DhtNode, key: string): Promise<number | undefined> {
  const begin = performance.now()
  const stop = new AbortController()
  let took: number | undefined
  await node.lookup(key, {
    signal: stop.signal,
    onPeer() {
      took ??= performance.now() - begin
      stop.abort()
    },
  })
  return took
}

/** Packets that break the rules in every way that a seed comes upon: queries and answers, and plain noise. */
export function malformed(random: Random): Buffer {
  const bytes = (count: number) => Buffer.from(random.hex(count), 'hex')
  const any = (): unknown => {
    switch (random.below(7)) {
      case 0:
        return random.below(100_000) - 50_000
      case 1:
        return bytes(random.below(60))
      case 2:
        return [bytes(random.below(8)), random.below(9)]
      case 3:
        return { id: bytes(random.below(30)) }
      case 4:
        return bytes(20)
      case 5:
        return []
      default:
        return bytes(26 * random.below(3) + 1)
    }
  }
  const one = <T>(...of: T[]) => of[random.below(of.length)]!
  const fields = [
    'id',
    'target',
    'info_hash',
    'token',
    'port',
    'implied_port',
    'nodes',
    'values',
    'k',
    'v',
    'sig',
    'seq',
  ]
  const body = () =>
    Object.fromEntries(fields.filter(() => random.below(3) === 0).map((name) => [name, any()]))
  const message = {
    t: one(any(), bytes(2), Buffer.from([0, random.below(40)])),
    y: one<unknown>('q', 'q', 'r', 'r', 'e', any()),
    q: one<unknown>('ping', 'find_node', 'get_peers', 'announce_peer', 'get', 'put', any()),
    a: one(any(), body(), body()),
    r: one(any(), body(), body()),
    e: any(),
  }
  const whole = encode(message)
  switch (random.below(4)) {
    case 0:
      return whole.subarray(0, random.below(whole.length))
    case 1:
      whole[random.below(whole.length)] = random.below(256)
      return whole
    default:
      return random.below(20) === 0 ? bytes(1 + random.below(300)) : whole
  }
}

/** Sends `count` malformed packets to a node, from several addresses in turn, one of them a node's own where given. */
export async function spray(to: Endpoint, count: number, random: Random, hosts: string[]): Promise<void> {
  const { host, port } = hostPort(to)
  const sockets = await Promise.all(
    hosts.map(async (own) => {
      const socket = createSocket('udp4')
      socket.bind(0, own)
      await once(socket, 'listening')
      return socket
    }),
  )
  for (let sent = 0; sent < count; sent++) {
    const socket = sockets[sent % sockets.length]!
    const packet = malformed(random)
    socket.send(packet, port, host)
    // A turn of the loop, in which the node reads: the kernel's buffer holds some hundred packets.
    if (sent % 20 === 19) await new Promise((done) => setImmediate(done))
  }
  for (const socket of sockets) socket.close()
}
