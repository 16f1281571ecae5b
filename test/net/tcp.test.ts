import { createHash, randomBytes } from 'node:crypto'
import net from 'node:net'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { hostPort } from '../../src/base/endpoint.ts'
import { silentLog } from '../../src/base/log.ts'
import { createTcpTransport } from '../../src/net/tcp.ts'
import type { Link, Listener } from '../../src/net/transport.ts'
import { decode, encode } from '../../src/wire/codec.ts'
import { createFrameParser, frameHead, MAGIC } from '../../src/wire/framing.ts'
import type { Message } from '../../src/wire/messages.ts'
import { createBufferPool } from '../../src/wire/pool.ts'
import { createClock } from '../clock.ts'
import { isError, isPing, later, ping, reader, rejects } from './links.ts'

const MIB = 1024 * 1024
const clock = createClock()
const transport = createTcpTransport({ log: silentLog, clock })
const listeners: Listener[] = []
const strangers: net.Socket[] = []

async function listen(at = '127.0.0.1:0') {
  const links: Link[] = []
  const waiting: ((link: Link) => void)[] = []
  const listener = await transport.listen(at, (link) => {
    const next = waiting.shift()
    if (next) next(link)
    else links.push(link)
  })
  listeners.push(listener)
  const accepted = async () => links.shift() ?? new Promise<Link>((resolve) => waiting.push(resolve))
  return { ...listener, port: hostPort(listener.endpoint).port, accepted }
}

async function pair() {
  const server = await listen()
  const near = await transport.dial(server.endpoint, 1000)
  return { near: reader(near), far: reader(await server.accepted()) }
}

/** Somebody who speaks TCP but not through our transport. */
async function stranger({ reads = true } = {}) {
  const server = await listen()
  const socket = net.connect({ ...hostPort(server.endpoint), allowHalfOpen: true })
  const gone = later<void>()
  socket.on('error', () => {})
  socket.on('close', () => gone.resolve())
  socket.on('end', () => socket.end())
  if (reads) socket.resume()
  strangers.push(socket)
  return { socket, link: await server.accepted(), gone: gone.promise }
}

const turn = () => new Promise(setImmediate)

test.after(async () => {
  for (const socket of strangers) socket.destroy()
  for (const listener of listeners) await listener.close()
})

test('messages go both ways, in order, and each end knows the other', async () => {
  const { near, far } = await pair()
  for (const token of [1, 2, 3]) near.link.send(ping(token))
  assert.equal([await far.next(), await far.next(), await far.next()].map(isPing), [1, 2, 3])
  far.link.send(ping(4))
  assert.is(isPing(await near.next()), 4)
  assert.is(near.link.outbound, true)
  assert.is(far.link.outbound, false)
  assert.ok(far.link.remote.startsWith('127.0.0.1:'))
  assert.is(near.link.received, MAGIC.length + 8 + encode(ping(4)).header.length)
  near.link.close()
  assert.is(await near.closed, undefined)
  assert.is(await far.closed, undefined)
})

for (const direction of ['to the dialler', 'to the accepter'] as const) {
  test(`large payloads arrive whole ${direction}, into memory that is used again`, async () => {
    const { near, far } = await pair()
    const [from, to] = direction === 'to the dialler' ? [far, near] : [near, far]
    const chunks = Array.from({ length: 8 }, () => randomBytes(MIB))
    const sums = chunks.map((chunk) => createHash('sha256').update(chunk).digest('hex'))
    for (let round = 0; round < 4; round++) {
      for (const payload of chunks) from.link.send({ type: 'chunk', request: round, payload })
      for (const sum of sums) {
        const message = await to.next()
        assert.is(message.type, 'chunk')
        if (message.type !== 'chunk') return
        assert.is(createHash('sha256').update(message.payload).digest('hex'), sum)
        to.link.recycle(message.payload)
      }
    }
    assert.ok(to.link.received > 32 * MIB)
    near.link.close()
    await Promise.all([near.closed, far.closed])
  })
}

test('what comes before anybody listens waits, at either end', async () => {
  const server = await listen()
  const near = await transport.dial(server.endpoint, 1000)
  const far = await server.accepted()
  near.send(ping(5))
  far.send(ping(6))
  for (let i = 0; i < 20; i++) await turn()
  assert.is(near.received + far.received, 0)
  const [atNear, atFar] = [reader(near), reader(far)]
  assert.is(isPing(await atNear.next()), 6)
  assert.is(isPing(await atFar.next()), 5)
  near.close()
  await Promise.all([atNear.closed, atFar.closed])
})

test('strangers are told by their first bytes, and cut off', async () => {
  for (const greeting of ['GET / HTTP/1.1\r\n\r\n', '\x13BitTorrent protocol', '\x00\x00\x00\x00']) {
    const { socket, link, gone } = await stranger()
    socket.write(greeting, 'latin1')
    isError(await reader(link).closed, 'wire', "doesn't speak")
    await gone
  }
})

test('an oversized frame and a malformed message close the link, with what was wrong', async () => {
  const oversized = Buffer.concat([MAGIC, Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0])])
  const malformed = Buffer.concat([MAGIC, frameHead(Buffer.from([0x92, 2, 0xc0]), 0)])
  for (const [bytes, words] of [
    [oversized, 'header'],
    [malformed, 'ping token'],
  ] as const) {
    const { socket, link, gone } = await stranger()
    socket.write(bytes)
    isError(await reader(link).closed, 'wire', words)
    await gone
  }
})

test('who ends between messages has closed; who ends inside one has broken off', async () => {
  const between = await stranger()
  between.socket.end(MAGIC)
  assert.is(await reader(between.link).closed, undefined)

  const inside = await stranger()
  inside.socket.end(Buffer.concat([MAGIC, Buffer.from([0, 0])]))
  isError(await reader(inside.link).closed, 'peer', 'in the middle of a message')
})

test('a reset is a reason, not a crash', async () => {
  const { socket, link } = await stranger()
  const { closed } = reader(link)
  await turn()
  socket.resetAndDestroy()
  isError(await closed, 'peer', 'ECONNRESET')
})

test('our own reason for closing stands, whatever happens after', async () => {
  const { socket, link } = await stranger()
  const { closed } = reader(link)
  await turn()
  link.close(new Error('ours'))
  socket.resetAndDestroy()
  assert.is((await closed)?.message, 'ours')
})

test('somebody silent is kept until we close', async () => {
  const { link, gone } = await stranger()
  const { closed } = reader(link)
  for (let i = 0; i < 20; i++) await turn()
  clock.advance(3_600_000)
  link.close(new Error('said nothing'))
  assert.is((await closed)?.message, 'said nothing')
  await gone
})

test('a close sends what waits, and is told once; afterwards nothing is sent and `sent` still comes', async () => {
  const { near, far } = await pair()
  const payload = randomBytes(MIB)
  near.link.send({ type: 'chunk', request: 1, payload })
  near.link.send({ type: 'bye', reason: 'enough' })
  near.link.close(new Error('first'))
  near.link.close(new Error('second'))
  const sent = later<void>()
  near.link.send({ type: 'chunk', request: 2, payload }, sent.resolve)
  await sent.promise
  assert.is((await far.next()).type, 'chunk')
  assert.is((await far.next()).type, 'bye')
  assert.is(await far.closed, undefined)
  assert.is((await near.closed)?.message, 'first')
  assert.equal(far.queue, [])
})

for (const [what, messages, waits] of [
  ['nothing', 0, 0],
  ['little', 1, 1_000],
  ['much', 2_000, 5_000],
] as const) {
  test(`who was told ${what}, and doesn't close too, is let go after ${waits} ms`, async () => {
    const server = await listen()
    const rude = net.connect({ ...hostPort(server.endpoint), allowHalfOpen: true })
    strangers.push(rude)
    rude.on('error', () => {}).resume()
    const link = await server.accepted()
    let closed = false
    link.handle({ onMessage() {}, onClose: () => (closed = true) })
    for (let n = 0; n < messages; n++) link.send(ping(n))
    link.close()
    const ended = later<void>()
    rude.once('end', () => ended.resolve())
    await ended.promise
    await turn()
    if (waits > 0) {
      clock.advance(waits - 1)
      await turn()
      assert.not.ok(closed)
      clock.advance(1)
    }
    while (!closed) await turn()
  })
}

test('who does not read makes `send` say so, and is let go when closed', async () => {
  const { link } = await stranger({ reads: false })
  const { closed } = reader(link)
  let unsent = 0
  const payload = randomBytes(MIB)
  const chunk = () => {
    unsent++
    return link.send({ type: 'chunk', request: 1, payload }, () => unsent--)
  }
  let count = 1
  while (chunk()) assert.ok(count++ < 100, 'never held back')
  for (let i = 0; i < 20; i++) await turn()
  assert.ok(unsent > 0)
  link.close(new Error('too slow'))
  for (let i = 0; i < 20; i++) await turn()
  assert.ok(unsent > 0, 'given up before its time')
  clock.advance(5000)
  assert.is((await closed)?.message, 'too slow')
  assert.is(unsent, 0)
})

test('who does not read and then breaks off leaves nothing unsent: `sent` is called for all of it', async () => {
  for (const breaks of ['reset', 'end'] as const) {
    const { socket, link } = await stranger({ reads: false })
    const { closed } = reader(link)
    let unsent = 0
    const payload = randomBytes(MIB)
    for (let n = 0; n < 20; n++) {
      unsent++
      link.send({ type: 'chunk', request: 1, payload }, () => unsent--)
    }
    for (let i = 0; i < 20; i++) await turn()
    assert.ok(unsent > 10, `${unsent}`)
    if (breaks === 'reset') socket.resetAndDestroy()
    else socket.destroy()
    await closed
    for (let i = 0; i < 20; i++) await turn()
    assert.is(unsent, 0, breaks)
  }
})

test('`send` says to go on once a slow reader has caught up', async () => {
  const { socket, link, gone } = await stranger({ reads: false })
  const { drained, closed } = reader(link)
  while (link.send({ type: 'chunk', request: 1, payload: Buffer.alloc(MIB) })) {}
  socket.resume()
  await drained
  assert.ok(link.send(ping(1)))
  link.close()
  await closed
  await gone
})

test('messages for somebody who does not read are not kept without bound', async () => {
  const { link } = await stranger({ reads: false })
  const { closed } = reader(link)
  const files = new Array(500).fill('ab'.repeat(32))
  for (let bytes = 0; bytes < 64 * MIB; bytes += 17_000) link.send({ type: 'withdraw', files })
  isError(await closed, 'peer', "doesn't read")
})

test('the payload goes out as it is, without a copy, and `sent` says when it may change', async () => {
  const { near, far } = await pair()
  const buffer = Buffer.alloc(MIB)
  for (let round = 0; round < 5; round++) {
    buffer.fill(round)
    const sent = later<void>()
    near.link.send({ type: 'chunk', request: round, payload: buffer }, sent.resolve)
    const message = await far.next()
    await sent.promise
    assert.ok(message.type === 'chunk' && message.payload.every((byte) => byte === round))
  }
  near.link.close()
  await Promise.all([near.closed, far.closed])
})

test('a fault in whoever handles a message closes that link alone', async () => {
  const { near, far } = await pair()
  const other = await pair()
  const closed = later<Error | undefined>()
  far.link.handle({
    onMessage() {
      throw new TypeError('a fault')
    },
    onClose: closed.resolve,
  })
  near.link.send(ping(1))
  assert.is((await closed.promise)?.message, 'a fault')
  await near.closed
  other.near.link.send(ping(2))
  assert.is(isPing(await other.far.next()), 2)
  other.near.link.close()
  await Promise.all([other.near.closed, other.far.closed])
})

test('a message of our own outside the bounds is not sent: the link closes and nothing is thrown', async () => {
  const { near, far } = await pair()
  near.link.send({ type: 'bye', reason: 'a\nb' })
  isError(await near.closed, 'wire', 'bye reason')
  await far.closed
})

test('a message of a later version is ignored', async () => {
  const { socket, link } = await stranger()
  const { next } = reader(link)
  socket.write(Buffer.concat([MAGIC, frameHead(Buffer.from([0x91, 0x7f]), 3), Buffer.from('abc')]))
  socket.write(frameHead(encode(ping(9)).header, 0))
  assert.is(isPing(await next()), 9)
  link.close()
})

test('the dialler greets at once, without waiting for the other', async () => {
  const greeting = later<Message | undefined>()
  const parser = createFrameParser({
    onFrame: (header, payload) => greeting.resolve(decode(header, payload)),
    pool: createBufferPool(),
  })
  const server = net.createServer((socket) => socket.on('data', (bytes) => parser.push(bytes)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const link = await transport.dial(`127.0.0.1:${(server.address() as net.AddressInfo).port}`, 1000)
  const { closed } = reader(link)
  link.send(ping(3))
  assert.equal(await greeting.promise, ping(3))
  link.close()
  await closed
  server.close()
})

test('a dial to nobody, to nonsense and to silence fails clearly', async () => {
  const { endpoint, close } = await listen()
  await close()
  await rejects(transport.dial(endpoint, 1000), 'peer', `${endpoint} refuses connections`)
  await rejects(transport.dial('255.255.255.255:1', 1000), 'peer', "255.255.255.255:1 can't be reached")
  const server = await listen()
  const slow = transport.dial(server.endpoint, 1000)
  clock.advance(1000)
  await rejects(slow, 'peer', `${server.endpoint} did not answer within 1000 ms`)
})

test('a port in use and an address of another machine are named, with the key to change', async () => {
  const { endpoint } = await listen()
  await rejects(
    transport.listen(endpoint, () => {}),
    'daemon',
    `Can't listen on ${endpoint}: another program has that port. Change [network] listen.`,
  )
  await rejects(
    transport.listen('192.0.2.1:8048', () => {}),
    'daemon',
    'no such address',
  )
})

test('[::] takes both families, and an IPv4 caller is seen as IPv4', async () => {
  const server = await listen('[::]:0')
  const seenAs = async (host: string) => {
    const near = reader(await transport.dial(`${host}:${server.port}`, 1000))
    const far = reader(await server.accepted())
    near.link.close()
    await Promise.all([near.closed, far.closed])
    return hostPort(far.link.remote).host
  }
  assert.is(await seenAs('127.0.0.1'), '127.0.0.1')
  if (server.endpoint.startsWith('[::]')) assert.is(await seenAs('[::1]'), '::1')
})

test.run()
