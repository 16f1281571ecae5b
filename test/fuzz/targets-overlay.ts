/** A live node in memory: its overlay under what a neighbour may send, and its greeting under what a stranger may. */
import { silentLog } from '../../src/base/log.ts'
import type { Link } from '../../src/net/transport.ts'
import { createIdentity } from '../../src/overlay/session/identity.ts'
import { openSession } from '../../src/overlay/session/session.ts'
import { decode, encode } from '../../src/wire/codec.ts'
import type { Message } from '../../src/wire/messages.ts'
import { createTestNetwork, directTo } from '../overlay/network.ts'
import { readExamples } from '../wire/examples.ts'
import { claim, refuses, type Target } from './target.ts'

/** Messages one behind the other, each with the length of its head and of its payload. */
function pack(messages: Message[]): Buffer {
  return Buffer.concat(
    messages.flatMap((message) => {
      const { header, payload = new Uint8Array() } = encode(message)
      const lengths = Buffer.alloc(4)
      lengths.writeUInt16BE(header.length)
      lengths.writeUInt16BE(payload.length, 2)
      return [lengths, header, payload]
    }),
  )
}

function unpack(input: Buffer): Message[] {
  const messages: Message[] = []
  for (let at = 0; at + 4 < input.length && messages.length < 12; ) {
    const [header, payload] = [input.readUInt16BE(at), input.readUInt16BE(at + 2)]
    const end = at + 4 + header + payload
    const message = refuses(['wire'], () =>
      decode(input.subarray(at + 4, at + 4 + header), input.subarray(at + 4 + header, end)),
    )
    if (message) messages.push(message)
    at = end
  }
  return messages
}

const examples = readExamples().map(({ message }) => message)
const asAttacker = { purpose: 'neighbour', port: 8048, agent: 'fuzz' } as const

/** A node with an honest neighbour that searches, and an attacker that has greeted it properly. */
async function createVictim() {
  const net = createTestNetwork({ latency: 1 })
  const honest = await net.node('10.0.0.2', { holds: ['a'] })
  const victim = await net.node('10.0.0.1', { holds: ['a', 'b'], direct: directTo(honest) })
  await net.run(3_000)
  let attackers = 0
  async function attack(greet: boolean): Promise<Link> {
    const host = `10.${1 + ((attackers >> 16) & 127)}.${(attackers >> 8) & 255}.${attackers++ & 255}`
    const dialling = net.network.transport(host).dial('10.0.0.1:8048', 1_000)
    await net.run(5)
    const link = await dialling
    if (!greet) return link
    const parts = { identity: createIdentity(), clock: net.clock, random: net.random, log: silentLog }
    const purpose = attackers % 4 === 0 ? 'transfer' : 'neighbour'
    const opening = openSession(link, parts, { ...asAttacker, purpose })
    opening.catch(() => {})
    await net.run(10)
    const session = await Promise.race([opening, Promise.resolve(undefined)]).catch(() => undefined)
    session?.handle({ onMessage() {}, onClose: () => void closed.add(link) })
    if (!session) closed.add(link)
    return link
  }
  const closed = new Set<Link>()
  return { net, honest, victim, attack, closed }
}

/** Inputs after which all begins anew, so that what a run keeps stays in bounds and a case can be found again. */
const FRESH_AFTER = 2_000

/** The same node for many inputs, one after another. */
function createStage() {
  let live: Awaited<ReturnType<typeof createVictim>> | undefined
  let inputs = 0
  return async () => {
    if (!live || ++inputs % FRESH_AFTER === 0) live = await createVictim()
    return { ...live, turn: inputs }
  }
}

const overlayStage = createStage()
let link: Link | undefined
let linkOf: object | undefined

const overlay: Target = {
  name: 'overlay',
  dear: true,
  seeds: () => [
    ...examples.filter(({ type }) => type !== 'hello' && type !== 'proof').map((message) => pack([message])),
    pack(examples.filter(({ type }) => type !== 'hello' && type !== 'proof' && type !== 'bye').slice(0, 10)),
  ],
  async run(input) {
    const { net, honest, victim, attack, closed, turn } = await overlayStage()
    if (!link || linkOf !== net || closed.has(link)) link = await attack(true)
    linkOf = net
    if (turn % 64 === 0) victim.find(turn % 128 === 0 ? 'a' : 'nobody')
    for (const message of unpack(input)) link.send(message)
    await net.run(5)
    const ids = victim.overlay.neighbours().map((one) => one.id)
    claim(ids.includes(honest.overlay.id), 'the honest neighbour was lost')
    claim(ids.length <= 31, `${ids.length} neighbours`)
  },
}

const greetingStage = createStage()

const greeting: Target = {
  name: 'greeting',
  dear: true,
  seeds: () => [
    ...examples.map((message) => pack([message])),
    pack(['hello', 'proof'].map((type) => examples.find((one) => one.type === type)!)),
  ],
  async run(input) {
    const { net, honest, victim, attack } = await greetingStage()
    const raw = await attack(false)
    let heard = 0
    raw.handle({ onMessage: () => void heard++, onClose() {} })
    const messages = unpack(input)
    for (const message of messages) raw.send(message)
    await net.run(5)
    claim(heard <= 3, `${heard} answers to a stranger`)
    const ids = victim.overlay.neighbours().map((one) => one.id)
    claim(ids.length === 1 && ids[0] === honest.overlay.id, 'somebody came in without a proof')
    raw.close()
    await net.run(2)
  },
}

export const overlayTargets = [overlay, greeting]
