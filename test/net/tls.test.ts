import { createHash, randomBytes } from 'node:crypto'
import net from 'node:net'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { hostPort } from '../../src/base/endpoint.ts'
import { silentLog } from '../../src/base/log.ts'
import { type NetworkKey, networkKey } from '../../src/net/key-file.ts'
import { createTcpTransport } from '../../src/net/tcp.ts'
import { createTls } from '../../src/net/tls.ts'
import type { Link, Listener } from '../../src/net/transport.ts'
import { createClock } from '../clock.ts'
import { isError, isPing, later, ping, reader, rejects } from './links.ts'

const MIB = 1024 * 1024
const [OLD, NEW, OTHER] = [1, 2, 3].map((n) => networkKey(Buffer.alloc(32, n))) as [
  NetworkKey,
  NetworkKey,
  NetworkKey,
]
const clock = createClock()
const closers: (() => void)[] = []
const turn = () => new Promise(setImmediate)

test.after(() => {
  for (const close of closers) close()
})

/** A node's transport; without keys, an open one. */
function transport(...keys: NetworkKey[]) {
  const [first, ...more] = keys
  return createTcpTransport({ log: silentLog, clock, tls: first && createTls([first, ...more]) })
}

async function listen(...keys: NetworkKey[]) {
  const links: Link[] = []
  const waiting: ((link: Link) => void)[] = []
  const listener: Listener = await transport(...keys).listen('127.0.0.1:0', (link) => {
    const next = waiting.shift()
    if (next) next(link)
    else links.push(link)
  })
  closers.push(() => void listener.close())
  const accepted = async () => links.shift() ?? new Promise<Link>((resolve) => waiting.push(resolve))
  return { at: listener.endpoint, accepted }
}

async function pair() {
  const server = await listen(OLD)
  const near = await transport(OLD).dial(server.at, 1000)
  return { near: reader(near), far: reader(await server.accepted()) }
}

/** A socket that says `bytes` to a closed node, if any; what it hears, and when it is gone. */
function stranger(at: string, bytes?: Buffer) {
  const socket = net.connect(hostPort(at))
  const heard: Buffer[] = []
  const gone = later<void>()
  socket.on('data', (data) => heard.push(data)).on('error', () => {})
  socket.on('close', () => gone.resolve())
  if (bytes) socket.write(bytes)
  closers.push(() => socket.destroy())
  return { socket, heard, gone: gone.promise }
}

/** Sits between a dialler and `at`, and may change what passes from one to the other. */
async function between(at: string, change: (bytes: Buffer, from: 'dialler' | 'accepter') => Buffer) {
  const server = net.createServer((dialler) => {
    const accepter = net.connect(hostPort(at))
    dialler.on('data', (bytes) => accepter.write(change(bytes, 'dialler'))).on('error', () => {})
    accepter.on('data', (bytes) => dialler.write(change(bytes, 'accepter'))).on('error', () => {})
    dialler.on('close', () => accepter.destroy())
    accepter.on('close', () => dialler.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => server.close())
  return `127.0.0.1:${(server.address() as net.AddressInfo).port}`
}

test('with the key, messages go both ways, and what binds them to the connection is the same at both ends', async () => {
  const { near, far } = await pair()
  near.link.send(ping(1))
  assert.is(isPing(await far.next()), 1)
  far.link.send(ping(2))
  assert.is(isPing(await near.next()), 2)
  assert.match(near.link.binding!, /^[0-9a-f]{64}$/)
  assert.is(near.link.binding, far.link.binding)
  const other = await pair()
  assert.is.not(other.near.link.binding, near.link.binding)
  for (const ends of [{ near, far }, other]) {
    ends.near.link.close()
    assert.is(await ends.near.closed, undefined)
    assert.is(await ends.far.closed, undefined)
  }
})

test('an open link is bound to nothing', async () => {
  const server = await listen()
  const near = reader(await transport().dial(server.at, 1000))
  assert.is(near.link.binding, undefined)
  near.link.close()
  const far = reader(await server.accepted())
  await Promise.all([near.closed, far.closed])
})

for (const direction of ['to the dialler', 'to the accepter'] as const) {
  test(`large payloads arrive whole ${direction}`, async () => {
    const { near, far } = await pair()
    const [from, to] = direction === 'to the dialler' ? [far, near] : [near, far]
    const chunks = Array.from({ length: 8 }, () => randomBytes(MIB))
    let unsent = chunks.length
    // Nothing can be sent until the keys are agreed on.
    near.link.send(ping(0))
    await far.next()
    for (const payload of chunks) from.link.send({ type: 'chunk', request: 1, payload }, () => unsent--)
    for (const chunk of chunks) {
      const message = await to.next()
      if (message.type !== 'chunk') return assert.unreachable(message.type)
      const [sent, got] = [chunk, message.payload].map((part) =>
        createHash('sha256').update(part).digest('hex'),
      )
      assert.is(got, sent)
      to.link.recycle(message.payload)
    }
    assert.is(unsent, 0)
    near.link.close()
    await Promise.all([near.closed, far.closed])
  })
}

test('what comes before anybody listens waits, at either end', async () => {
  const server = await listen(OLD)
  const near = await transport(OLD).dial(server.at, 1000)
  const far = await server.accepted()
  near.send(ping(5))
  for (let i = 0; i < 50; i++) await turn()
  assert.is(near.received + far.received, 0)
  const [atNear, atFar] = [reader(near), reader(far)]
  assert.is(isPing(await atFar.next()), 5)
  far.send(ping(6))
  assert.is(isPing(await atNear.next()), 6)
  near.close()
  await Promise.all([atNear.closed, atFar.closed])
})

for (const [what, dialler, accepter, atDialler, atAccepter] of [
  ['an open node, at a closed one', [], [OLD], 'closed without a word', 'speaks without the key'],
  ['a closed node, at an open one', [OLD], [], 'speaks without the key', 'in a closed network'],
  ['another key', [OTHER], [OLD, NEW], "doesn't have this node's key", `offers key ${OTHER.id.slice(0, 8)}`],
  [
    "a key's id without the key",
    [{ ...OTHER, id: OLD.id }],
    [OLD],
    "doesn't have this node's key",
    'speaks without',
  ],
] as const) {
  test(`${what}: both ends say what is wrong, and no message passes`, async () => {
    const server = await listen(...accepter)
    const dialling = transport(...dialler).dial(server.at, 1000)
    const far = reader(await server.accepted())
    if (dialler.length > 0) await rejects(dialling, 'key', atDialler)
    else {
      const near = reader(await dialling)
      near.link.send(ping(1))
      isError(await near.closed, 'key', atDialler)
      assert.equal(near.queue, [])
    }
    isError(await far.closed, 'key', atAccepter)
    assert.equal(far.queue, [])
  })
}

test('the first key is offered and all are accepted, so that one can take the place of another', async () => {
  const stages = { old: [OLD], oldThenNew: [OLD, NEW], newThenOld: [NEW, OLD], new: [NEW] }
  const meet = async (dialler: NetworkKey[], accepter: NetworkKey[]) => {
    const server = await listen(...accepter)
    const dialling = transport(...dialler).dial(server.at, 1000)
    const far = reader(await server.accepted())
    const near = await dialling.catch(() => undefined)
    if (near) {
      near.send(ping(1))
      assert.is(isPing(await far.next()), 1)
      near.close()
    }
    await far.closed
    return near !== undefined
  }
  const met: string[] = []
  for (const [from, dialler] of Object.entries(stages))
    for (const [to, accepter] of Object.entries(stages))
      if (await meet(dialler, accepter)) met.push(`${from} ${to}`)
  assert.equal(met, [
    'old old',
    'old oldThenNew',
    'old newThenOld',
    'oldThenNew old',
    'oldThenNew oldThenNew',
    'oldThenNew newThenOld',
    'newThenOld oldThenNew',
    'newThenOld newThenOld',
    'newThenOld new',
    'new oldThenNew',
    'new newThenOld',
    'new new',
  ])
})

test('who sits in between reads nothing', async () => {
  const server = await listen(OLD)
  const passed: Buffer[] = []
  const at = await between(server.at, (bytes) => {
    passed.push(bytes)
    return bytes
  })
  const near = reader(await transport(OLD).dial(at, 1000))
  const far = reader(await server.accepted())
  near.link.send({ type: 'bye', reason: 'a secret reason' })
  await far.next()
  far.link.send({ type: 'bye', reason: 'a secret reason' })
  await near.next()
  near.link.close()
  await Promise.all([near.closed, far.closed])
  const all = Buffer.concat(passed)
  assert.ok(all.length > 100)
  for (const word of ['pacsrv', 'secret', OLD.secret.toString('latin1'), OLD.secret.toString('hex')])
    assert.not.ok(all.includes(word, 0, 'latin1'), word)
})

for (const from of ['dialler', 'accepter'] as const) {
  test(`a byte of the ${from}'s changed on the way ends the connection, and nothing of it is read`, async () => {
    const server = await listen(OLD)
    let change = false
    const at = await between(server.at, (bytes, by) => {
      if (by === from && change) bytes[bytes.length - 1]! ^= 1
      return bytes
    })
    const near = reader(await transport(OLD).dial(at, 1000))
    const far = reader(await server.accepted())
    near.link.send(ping(1))
    await far.next()
    far.link.send(ping(2))
    await near.next()
    change = true
    const [sender, receiver] = from === 'dialler' ? [near, far] : [far, near]
    sender.link.send(ping(3))
    isError(await receiver.closed, 'peer', 'BAD_RECORD_MAC')
    assert.equal(receiver.queue, [])
    assert.instance(await sender.closed, Error)
  })
}

test('whoever has shown no key hears nothing, and is gone as soon as the link is closed', async () => {
  const server = await listen(OLD)
  for (const bytes of [undefined, Buffer.from([0x16, 3, 1, 0, 200, 1])]) {
    const { heard, gone } = stranger(server.at, bytes)
    const far = reader(await server.accepted())
    for (let i = 0; i < 50; i++) await turn()
    far.link.send(ping(1))
    far.link.close(new Error('too slow'))
    assert.is((await far.closed)?.message, 'too slow')
    await gone
    assert.equal(heard, [])
  }
})

test('who leaves while the keys are being agreed on is no fault', async () => {
  const server = await listen(OLD)
  const { socket } = stranger(server.at, Buffer.from([0x16, 3, 1]))
  const far = reader(await server.accepted())
  socket.end()
  await far.closed
  const door = net.createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
  closers.push(() => door.close())
  const at = `127.0.0.1:${(door.address() as net.AddressInfo).port}`
  await rejects(transport(OLD).dial(at, 1000), 'peer', 'ECONNRESET')
})

test('a node that takes the connection and says nothing is given up in time', async () => {
  const silent = net.createServer((socket) => closers.push(() => socket.destroy()))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  closers.push(() => silent.close())
  const dialling = transport(OLD).dial(`127.0.0.1:${(silent.address() as net.AddressInfo).port}`, 1000)
  for (let i = 0; i < 20; i++) await turn()
  clock.advance(1000)
  await rejects(dialling, 'peer', 'did not answer within 1000 ms')
})

test.run()
