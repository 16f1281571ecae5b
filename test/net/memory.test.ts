import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createMemoryNetwork, type MemoryOptions } from '../../src/net/memory.ts'
import type { Link } from '../../src/net/transport.ts'
import type { Message } from '../../src/wire/messages.ts'
import { createClock } from '../clock.ts'
import { seeded } from '../seeded.ts'

const A = '192.0.2.1'
const B = '192.0.2.2'
const C = '192.0.2.3'

/** What a link told, with the time of each. */
function record(link: Link, now: () => number) {
  const messages: [number, Message][] = []
  const closed: [number, string | undefined][] = []
  link.handle({
    onMessage: (message) => messages.push([now(), message]),
    onClose: (reason) => closed.push([now(), reason?.message]),
  })
  return {
    link,
    messages,
    closed,
    tokens: () => messages.map(([, m]) => (m.type === 'ping' ? m.token : m.type)),
  }
}

function world(options: MemoryOptions = { latency: 10 }) {
  const clock = createClock()
  const network = createMemoryNetwork({ clock, random: seeded(1) }, options)
  const settle = async (ms: number) => {
    clock.advance(ms)
    await new Promise(setImmediate)
  }
  return { clock, network, settle }
}

async function pair(options?: MemoryOptions) {
  const { clock, network, settle } = world(options)
  const accepted: Link[] = []
  const a = network.transport(A)
  await network.transport(B).listen(`${B}:8048`, (link) => accepted.push(link))
  const dialling = a.dial(`${B}:8048`, 1000)
  await settle(200)
  const near = record(await dialling, clock.now)
  return { clock, network, settle, near, far: record(accepted[0]!, clock.now) }
}

/** How a dial ended, once `ms` have gone by. */
async function outcome(dialling: Promise<Link>, settle: (ms: number) => Promise<void>, ms: number) {
  let ended = 'still dialling'
  dialling.then(
    () => {
      ended = 'linked'
    },
    (error: Error) => {
      ended = error.message
    },
  )
  await settle(ms)
  return ended
}

test('messages arrive after the latency, in order, with the addresses of both ends', async () => {
  const { clock, near, far } = await pair()
  for (const token of [1, 2, 3]) near.link.send({ type: 'ping', token })
  clock.advance(9)
  assert.equal(far.tokens(), [])
  clock.advance(1)
  assert.equal(far.tokens(), [1, 2, 3])
  assert.is(near.link.remote, `${B}:8048`)
  assert.ok(far.link.remote.startsWith(`${A}:`))
  assert.is(near.link.outbound, true)
  assert.is(far.link.outbound, false)
  assert.ok(far.link.received > 0)
})

test('nothing overtakes, whatever the latency does and whatever is lost', async () => {
  let ms = 100
  const { settle, near, far } = await pair({ latency: () => (ms > 1 ? ms-- : ms), loss: 0.3 })
  const sent = Array.from({ length: 200 }, (_, token) => token)
  for (const token of sent) near.link.send({ type: 'ping', token })
  await settle(60_000)
  assert.equal(far.tokens(), sent)
})

test('what came before anybody listened is told when somebody does, also after a close', async () => {
  const { settle, network, clock } = world()
  const accepted: Link[] = []
  await network.transport(B).listen(`${B}:1`, (link) => accepted.push(link))
  const dialling = network.transport(A).dial(`${B}:1`, 1000)
  await settle(100)
  const near = await dialling
  near.send({ type: 'ping', token: 7 })
  near.close()
  await settle(100)
  const far = record(accepted[0]!, clock.now)
  await settle(0)
  assert.equal(far.tokens(), [7])
  assert.is(far.closed.length, 1)
})

test('a close lets what was sent arrive, and is told once at both ends', async () => {
  const { settle, near, far } = await pair()
  near.link.send({ type: 'bye', reason: 'enough' })
  near.link.close(new Error('mine'))
  near.link.close(new Error('again'))
  near.link.send({ type: 'ping', token: 1 })
  await settle(100)
  assert.equal(far.tokens(), ['bye'])
  assert.equal(far.closed, [[210, undefined]])
  assert.equal(near.closed, [[200, 'mine']])
})

test('who closes before listening is told of the close alone', async () => {
  const { settle, network, clock } = world()
  const accepted: Link[] = []
  await network.transport(B).listen(`${B}:1`, (link) => accepted.push(link))
  const dialling = network.transport(A).dial(`${B}:1`, 1000)
  await settle(100)
  const near = await dialling
  near.send({ type: 'ping', token: 7 })
  await settle(100)
  accepted[0]!.close(new Error('too many'))
  const far = record(accepted[0]!, clock.now)
  await settle(0)
  assert.equal(far.tokens(), [])
  assert.equal(far.closed, [[200, 'too many']])
})

test('a payload may change once it counts as sent', async () => {
  const { settle, near, far } = await pair()
  for (const payload of [new Uint8Array([1, 2, 3]), Buffer.from([1, 2, 3])]) {
    near.link.send({ type: 'chunk', request: 1, payload }, () => payload.fill(0))
    await settle(100)
    assert.is(payload[0], 0)
    assert.equal(far.messages.pop()![1], { type: 'chunk', request: 1, payload: new Uint8Array([1, 2, 3]) })
  }
})

test('a dial to nobody fails after the round trip, one to a dead host or a silent gateway times out', async () => {
  const { network, settle } = world()
  const a = network.transport(A)
  await network.transport(B).listen(`${B}:1`, () => {})
  await network.transport(C, { seenAs: '203.0.113.1', silent: true }).listen(`${C}:1`, () => {})
  network.transport('192.0.2.4', { seenAs: '203.0.113.2' })
  assert.match(await outcome(a.dial('198.51.100.1:1', 500), settle, 20), 'refuses')
  assert.match(await outcome(a.dial(`${B}:2`, 500), settle, 20), 'refuses')
  assert.match(await outcome(a.dial('203.0.113.1:1', 500), settle, 499), 'still dialling')
  assert.match(await outcome(a.dial('203.0.113.1:1', 500), settle, 500), 'did not answer')
  assert.match(await outcome(a.dial('203.0.113.2:1', 500), settle, 20), 'refuses')
  assert.match(await outcome(a.dial(`${C}:1`, 500), settle, 500), 'did not answer')
  network.kill(B, { silent: true })
  assert.match(await outcome(a.dial(`${B}:1`, 500), settle, 500), 'did not answer')
})

test('a host behind NAT dials out and is seen as its gateway', async () => {
  const { network, settle } = world()
  const seen: string[] = []
  await network.transport(B).listen(`${B}:1`, (link) => seen.push(link.remote))
  const inside = network.transport(A, { seenAs: '203.0.113.1', silent: true })
  assert.is(await outcome(inside.dial(`${B}:1`, 500), settle, 20), 'linked')
  assert.ok(seen[0]!.startsWith('203.0.113.1:'))
})

test('a killed host closes its links; a silent death tells nobody; it can come back', async () => {
  const loud = await pair()
  loud.network.kill(B)
  await loud.settle(10)
  assert.is(loud.near.closed.length, 1)
  assert.is(loud.far.closed.length, 0)

  const quiet = await pair()
  quiet.network.kill(B, { silent: true })
  quiet.near.link.send({ type: 'ping', token: 1 })
  await quiet.settle(60_000)
  assert.is(quiet.near.closed.length, 0)
  assert.equal(quiet.far.messages, [])

  await quiet.network.transport(B).listen(`${B}:8048`, () => {})
  quiet.network.kill(A)
  const again = quiet.network.transport(A).dial(`${B}:8048`, 500)
  assert.is(await outcome(again, quiet.settle, 500), 'linked')
})

test('nothing passes between groups, and a link that lost something stays dead after healing', async () => {
  const { network, settle, near, far } = await pair()
  network.partition([A])
  near.link.send({ type: 'ping', token: 1 })
  await settle(100)
  network.heal()
  near.link.send({ type: 'ping', token: 2 })
  far.link.send({ type: 'ping', token: 3 })
  await settle(100)
  assert.equal(far.tokens(), [])
  assert.equal(near.tokens(), [3])
})

test('cut closes the links between two hosts at both ends', async () => {
  const { network, settle, near, far } = await pair()
  network.cut(A, B)
  await settle(10)
  assert.match(near.closed[0]![1]!, 'cut')
  assert.match(far.closed[0]![1]!, 'cut')
})

test('10,000 hosts and 40,000 links fit in a small process', async () => {
  const { network, settle } = world()
  const address = (i: number) => `10.0.${i >> 8}.${i & 255}`
  const count = 10_000
  const transports = Array.from({ length: count }, (_, i) => network.transport(address(i)))
  let told = 0
  const handler = { onMessage: () => void told++, onClose: () => {} }
  for (const [i, transport] of transports.entries()) {
    await transport.listen(`${address(i)}:8048`, (link) => link.handle(handler))
  }
  const dials = transports.flatMap((transport, i) =>
    [1, 2, 3, 4].map((step) => transport.dial(`${address((i + step) % count)}:8048`, 1000)),
  )
  await settle(100)
  const links = await Promise.all(dials)
  for (const link of links) link.send({ type: 'ping', token: 1 })
  await settle(100)
  assert.is(told, 4 * count)
  assert.ok(process.memoryUsage().heapUsed < 250e6, `${process.memoryUsage().heapUsed >> 20} MiB`)
})

test.run()
