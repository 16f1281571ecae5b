/**
 * Hostile nodes against live ones, in the network in memory: each sends what its test says, under the wound clock, from
 * a seed. What they do to others is counted in bytes, since that is what a line costs.
 */
import { silentLog } from '../../src/base/log.ts'
import type { Transport } from '../../src/net/transport.ts'
import { createIdentity } from '../../src/overlay/session/identity.ts'
import { openSession, type Session } from '../../src/overlay/session/session.ts'
import type { FileQuery, Hop, Message, MessageName, Purpose } from '../../src/wire/messages.ts'
import { messageBytes } from '../../src/wire/size.ts'
import { createTestNetwork, wanted } from '../overlay/network.ts'

export type TestNet = ReturnType<typeof createTestNetwork>

/** What is passed on for others. */
const RELAYED: MessageName[] = ['file', 'fileAck', 'call']

/** Bytes from one host to another, those that hostile nodes sent and were heard included. */
export function createCountedNetwork(seed: number) {
  const sent = new Map<string, number>()
  const relayed = new Map<string, number>()
  const count = (message: Message, from: string, to: string) => {
    const key = `${from} ${to}`
    const payload = 'payload' in message ? message.payload.length : 0
    const bytes = messageBytes(message) + payload
    sent.set(key, (sent.get(key) ?? 0) + bytes)
    if (RELAYED.includes(message.type)) relayed.set(key, (relayed.get(key) ?? 0) + bytes)
  }
  const sum = (counts: Map<string, number>, from: string, except?: string) =>
    [...counts].reduce((all, [key, bytes]) => {
      const [sender, receiver] = key.split(' ')
      return sender === from && receiver !== except ? all + bytes : all
    }, 0)
  const net = createTestNetwork({ onSend: count, latency: 5 }, seed)
  return {
    ...net,
    /** Bytes that `from` has sent. */
    sentBy: (from: string) => sum(sent, from),
    /** Bytes of questions, answers and calls that `from` has sent to all but `except`. */
    relayedBy: (from: string, except: string) => sum(relayed, from, except),
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
