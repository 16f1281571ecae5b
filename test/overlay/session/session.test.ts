import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../../src/base/log.ts'
import { createMemoryNetwork } from '../../../src/net/memory.ts'
import type { Link } from '../../../src/net/transport.ts'
import { createIdentity, type Identity } from '../../../src/overlay/session/identity.ts'
import { openSession, type Session, type SessionOptions } from '../../../src/overlay/session/session.ts'
import type { Hello, Message } from '../../../src/wire/messages.ts'
import { createClock } from '../../clock.ts'
import { seeded } from '../../seeded.ts'

const GREETING: SessionOptions = { purpose: 'neighbour', port: 8048, agent: 'test' }

/** A link between two hosts, and a clock that lets promises settle. */
async function joined() {
  const clock = createClock()
  const random = seeded(1)
  const network = createMemoryNetwork({ clock, random }, { latency: 10 })
  async function run(ms: number) {
    for (const until = clock.now() + ms; clock.now() < until; ) {
      clock.advance(Math.min(10, until - clock.now()))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  let far: Link | undefined
  await network.transport('10.0.0.2').listen('10.0.0.2:8048', (link) => {
    far = link
  })
  const dialling = network.transport('10.0.0.1').dial('10.0.0.2:8048', 1_000)
  await run(50)
  const near = await dialling
  const open = (link: Link, identity: Identity, options: Partial<SessionOptions> = {}) =>
    openSession(link, { identity, clock, random, log: silentLog }, { ...GREETING, ...options })
  return { clock, network, run, near, far: far!, open }
}

/** How a promise ends. */
function outcome<T>(promise: Promise<T>) {
  const result: { value?: T; error?: Error & { code?: string } } = {}
  promise.then(
    (value) => {
      result.value = value
    },
    (error) => {
      result.error = error
    },
  )
  return result
}

async function greeted(near: Partial<SessionOptions> = {}, far: Partial<SessionOptions> = {}) {
  const net = await joined()
  const [a, b] = [createIdentity(), createIdentity()]
  const one = outcome(net.open(net.near, a, near))
  const two = outcome(net.open(net.far, b, far))
  await net.run(100)
  return { ...net, a, b, one, two }
}

/** What a far end that greets by hand receives. */
function raw(link: Link) {
  const heard: Message[] = []
  link.handle({ onMessage: (message) => void heard.push(message), onClose() {} })
  return heard
}

const hello = (identity: Identity, parts: Partial<Hello> = {}): Hello => ({
  type: 'hello',
  version: 1,
  capabilities: [],
  key: identity.key,
  nonce: '77'.repeat(32),
  purpose: 'neighbour',
  port: 8048,
  seen: '10.0.0.1:32768',
  agent: 'raw',
  ...parts,
})

test('both ends know each other after the greeting, and where each can be dialled', async () => {
  const { a, b, one, two } = await greeted({ purpose: 'transfer', port: 0 }, { advertise: '203.0.113.1:99' })
  assert.is(one.value?.id, b.id)
  assert.is(two.value?.id, a.id)
  assert.is(one.value?.dialable, '203.0.113.1:99')
  assert.is(two.value?.dialable, undefined)
  assert.is(two.value?.purpose, 'transfer', 'the dialler decides')
  assert.is(one.value?.seenAs, two.value?.remote)
  assert.is(one.value?.tag, two.value?.tag)
  assert.equal([one.value?.outbound, two.value?.outbound], [true, false])
})

test('the wrong node is left, and told why', async () => {
  const { one, two } = await greeted({ expect: '00'.repeat(32) })
  assert.is(one.error?.code, 'peer')
  assert.match(two.error!.message, 'another node')
})

test('a node does not talk to itself', async () => {
  const net = await joined()
  const self = createIdentity()
  const ends = [outcome(net.open(net.near, self)), outcome(net.open(net.far, self))]
  await net.run(100)
  for (const { error } of ends) assert.match(error!.message, 'itself')
})

test('silence ends after 5 s', async () => {
  const { near, open, run } = await joined()
  const one = outcome(open(near, createIdentity()))
  await run(4_990)
  assert.not.ok(one.error)
  await run(20)
  assert.match(one.error!.message, '5 s')
})

test('the accepter says nothing before the dialler has', async () => {
  const { near, far, open, run } = await joined()
  const heard = raw(near)
  outcome(open(far, createIdentity()))
  await run(1_000)
  assert.equal(heard, [])
})

for (const [what, message, why] of [
  ['another version', (id: Identity) => hello(id, { version: 2 }), 'version 2'],
  ['a message before HELLO', () => ({ type: 'nodesWanted' }) as Message, 'before HELLO'],
  ['BYE', () => ({ type: 'bye', reason: 'full' }) as Message, 'full'],
] as const) {
  test(`${what} ends the greeting`, async () => {
    const { near, far, open, run } = await joined()
    const heard = raw(near)
    const two = outcome(open(far, createIdentity()))
    near.send(message(createIdentity()))
    await run(100)
    assert.is(two.error?.code, 'peer')
    assert.match(two.error!.message, why)
    assert.is(heard.at(-1)?.type, 'bye')
  })
}

test("another's key is no use without its signature, nor is a proof sent back to its maker", async () => {
  const { near, far, open, run } = await joined()
  const [victim, thief] = [createIdentity(), createIdentity()]
  const heard = raw(near)
  const two = outcome(open(far, victim))
  near.send(hello(thief))
  await run(50)
  const proof = heard.find(({ type }) => type === 'proof')!
  near.send(proof)
  await run(50)
  assert.match(two.error!.message, 'prove')
})

/** Two nodes greet through a third, which hands all that each says to the other. */
async function greetedThroughAnother(bindings: [string, string] | []) {
  const [one, two] = [await joined(), await joined()]
  for (const [i, net] of [one, two].entries())
    for (const link of [net.near, net.far])
      if (bindings[i]) Object.defineProperty(link, 'binding', { value: bindings[i] })
  one.far.handle({ onMessage: (message) => void two.near.send(message), onClose() {} })
  two.near.handle({ onMessage: (message) => void one.far.send(message), onClose() {} })
  const ends = [
    outcome(one.open(one.near, createIdentity())),
    outcome(two.open(two.far, createIdentity())),
  ] as const
  for (let i = 0; i < 20; i++) for (const net of [one, two]) await net.run(10)
  return ends
}

test('in a closed network a node in between cannot pass on the greeting of others as its own', async () => {
  const [near] = await greetedThroughAnother(['aa'.repeat(32), 'bb'.repeat(32)])
  assert.match(near.error!.message, 'could not prove its key')
  const whole = await greetedThroughAnother(['aa'.repeat(32), 'aa'.repeat(32)])
  for (const { value } of whole) assert.ok(value, 'what is passed on is whole')
})

test('30 s of silence bring a ping, 20 s more the end; any message puts it off', async () => {
  const { one, two, run, network } = await greeted()
  let ended: Error | undefined
  one.value!.handle({
    onMessage() {},
    onClose(reason) {
      ended = reason
    },
  })
  two.value!.handle({ onMessage() {}, onClose() {} })
  await run(300_000)
  assert.not.ok(ended, 'pings are answered')
  two.value!.send({ type: 'nodesWanted' })
  await run(20)
  network.kill('10.0.0.2', { silent: true })
  await run(49_900)
  assert.not.ok(ended)
  await run(200)
  assert.match(ended!.message, 'silent')
})

test('what came before anybody listened is kept; more than 256 messages are too much', async () => {
  for (const [count, kept] of [
    [256, 256],
    [257, undefined],
  ] as const) {
    const { one, two, run } = await greeted()
    for (let i = 0; i < count; i++) one.value!.send({ type: 'nodesWanted' })
    await run(50)
    const heard: Message[] = []
    let closed = false
    two.value!.handle({
      onMessage: (message) => void heard.push(message),
      onClose() {
        closed = true
      },
    })
    await run(50)
    assert.is(closed, kept === undefined)
    if (kept !== undefined) assert.is(heard.length, kept)
  }
})

test("what its owner doesn't admit is not heard, early or late, but signs of life are", async () => {
  const { run, clock, one, two } = await greeted()
  const heard: string[] = []
  const file = (n: number): Message => ({ type: 'withdraw', files: [String(n).repeat(64)] })
  one.value!.send(file(1))
  one.value!.send(file(2))
  await run(50)
  const asked: string[] = []
  two.value!.handle({
    admits: (type, bytes) => asked.push(`${type} ${bytes}`) % 2 === 0,
    onMessage: (message) =>
      void heard.push(message.type === 'withdraw' ? message.files[0]![0]! : message.type),
    onClose: () => void heard.push('closed'),
  })
  one.value!.handle({ onMessage: ({ type }) => void heard.push(`other: ${type}`), onClose() {} })
  one.value!.send(file(3))
  one.value!.send(file(4))
  await run(50)
  assert.equal(heard, ['2', '4'])
  assert.equal(
    asked,
    Array.from({ length: 4 }, () => 'withdraw 62'),
  )
  for (const until = clock.now() + 120_000; clock.now() < until; ) await run(10_000)
  assert.equal(heard, ['2', '4'], 'pings and pongs are the own affair of sessions')
})

test('a close is told to both ends with its reason, once', async () => {
  const { one, two, run } = await greeted()
  const reasons: (string | undefined)[] = []
  const listen = (session: Session) =>
    session.handle({ onMessage() {}, onClose: (reason) => void reasons.push(reason?.message) })
  listen(one.value!)
  listen(two.value!)
  one.value!.close('größer\n')
  one.value!.close('again')
  await run(100)
  assert.is(reasons.length, 2)
  assert.match(reasons[1]!, 'gr??er?')
  assert.ok(one.value!.parted)
  assert.ok(two.value!.parted)
})

test.run()
