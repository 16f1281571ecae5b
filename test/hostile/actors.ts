/**
 * Hostile nodes against live ones, in the network in memory: each sends what its test says, under the wound clock, from
 * a seed. What they do to others is counted in bytes, since that is what a line costs.
 */
import { silentLog } from '../../src/base/log.ts'
import type { Transport } from '../../src/net/transport.ts'
import { createIdentity } from '../../src/overlay/session/identity.ts'
import { openSession, type Session } from '../../src/overlay/session/session.ts'
import type { FileQuery, Hop, Message, Purpose } from '../../src/wire/messages.ts'
import { messageBytes } from '../../src/wire/size.ts'
import { createTestNetwork, wanted } from '../overlay/network.ts'

export type TestNet = ReturnType<typeof createTestNetwork>

/** Bytes from one host to another, those that hostile nodes sent and were heard included. */
export function createCountedNetwork(seed: number) {
  const sent = new Map<string, number>()
  const count = (message: Message, from: string, to: string) => {
    const key = `${from} ${to}`
    const payload = 'payload' in message ? message.payload.length : 0
    sent.set(key, (sent.get(key) ?? 0) + messageBytes(message) + payload)
  }
  const net = createTestNetwork({ onSend: count, latency: 5 }, seed)
  return {
    ...net,
    /** Bytes that `from` has sent, to all but `except`. */
    sentBy(from: string, except?: string) {
      let sum = 0
      for (const [key, bytes] of sent) {
        const [sender, receiver] = key.split(' ')
        if (sender === from && receiver !== except) sum += bytes
      }
      return sum
    },
  }
}

export interface Enemy {
  id: string
  session: Session
  closed(): boolean
}

const transports = new WeakMap<object, Map<string, Transport>>()

/** A host has one, whatever it calls itself. */
function transportOf({ network }: TestNet, host: string): Transport {
  const known = transports.get(network) ?? new Map<string, Transport>()
  transports.set(network, known)
  const transport = known.get(host) ?? network.transport(host)
  known.set(host, transport)
  return transport
}

/** Another identity at this host; undefined where it is turned away. */
export async function enter(
  net: TestNet,
  host: string,
  target: string,
  purpose: Purpose = 'neighbour',
): Promise<Enemy | undefined> {
  const identity = createIdentity()
  const opening = transportOf(net, host)
    .dial(target as `${string}:${number}`, 1_000)
    .then((link) =>
      openSession(
        link,
        { identity, clock: net.clock, random: net.random, log: silentLog },
        { purpose, port: 0, agent: 'hostile' },
      ),
    )
    .catch(() => undefined)
  await net.run(50)
  const session = await opening
  if (!session) return undefined
  let closed = false
  session.handle({ onMessage() {}, onClose: () => (closed = true) })
  return { id: identity.id, session, closed: () => closed }
}

/** A question for 500 files with the longest names: 147 KB. */
export function largestQuery(net: TestNet, path: Hop[]): FileQuery {
  const files = Array.from({ length: 500 }, () => wanted(net.random.hex(16).padEnd(250, 'x')))
  return { type: 'file', query: net.random.hex(16), ttl: 7, path, files }
}
