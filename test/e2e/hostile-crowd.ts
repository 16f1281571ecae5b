/**
 * Many nodes that mean one ill, run in a process of its own: `hostile-crowd.ts SETTING`. Tells by IPC that it is there,
 * then of what it did, twice a second.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import net, { type Socket } from 'node:net'
import { chunkCount, chunkLength, chunkSize, rootOf } from '../../src/base/chunks.ts'
import { systemClock as clock } from '../../src/base/clock.ts'
import { type Endpoint, hostPort } from '../../src/base/endpoint.ts'
import { silentLog as log } from '../../src/base/log.ts'
import { systemRandom as random } from '../../src/base/random.ts'
import { createTcpLink } from '../../src/net/tcp-link.ts'
import type { Link } from '../../src/net/transport.ts'
import { createIdentity } from '../../src/overlay/session/identity.ts'
import { openSession, type Session, type SessionDeps } from '../../src/overlay/session/session.ts'
import { encode } from '../../src/wire/codec.ts'
import { frameHead } from '../../src/wire/framing.ts'
import type { FileQuery, HeldFile, Hop, Message, Purpose } from '../../src/wire/messages.ts'
import { createBufferPool } from '../../src/wire/pool.ts'
import type { Package } from './packages.ts'

/** What the nodes do; `hearers` do nothing but hear, and are honest. */
export type CrowdDeed =
  | { kind: 'hearers'; count: number }
  /** A node at each of these addresses, or one, asks so many times a second for so many files with names so long. */
  | { kind: 'asks'; perSecond: number; files: number; nameBytes?: number; addresses?: string[] }
  /** A node at each of these addresses says so many times a second that it has so many files, others each time. */
  | { kind: 'announces'; perSecond: number; files: number; addresses: string[] }
  /** A node at each of these addresses says all that neighbours say to each other, in turn, as large as it may be. */
  | { kind: 'talks'; perSecond: number; addresses: string[] }
  /** So many connections from each of these addresses ask for a file's chunks, each for others, and never read them. */
  | { kind: 'hoards'; connections: number; addresses: string[]; item: Pick<Package, 'sha256' | 'size'> }
  /** A connection of each sort from each of these addresses sends chunks that nobody asked for. */
  | { kind: 'floods'; perSecond: number; addresses: string[] }
  /** A node at each of these addresses says that it has the file. */
  | { kind: 'holds'; addresses: string[]; item: Pick<Package, 'path' | 'sha256' | 'size'>; how: HolderSort }
  /** Connections that ask again and again for what nobody has. */
  | { kind: 'fetches absent files'; connections: number; everyMs: number }
  | { kind: 'greets'; perSecond: number }

/** `silent`: has a list, and gives no chunk; `listless`: gives nothing at all; `rots`: false chunks; `lies`: a false list. */
export type HolderSort = 'silent' | 'listless' | 'drips' | 'rots' | 'lies' | 'busy'

export interface CrowdSetting {
  own: string
  victim: Endpoint
  deed: CrowdDeed
}

/** So far. */
export interface CrowdNews {
  /** Messages, or greetings, that it sent. */
  sent: number
  /** Connections that were greeted, and those of them that have ended. */
  opened: number
  ended: number
}

const { own, victim, deed } = JSON.parse(process.argv[2]!) as CrowdSetting
const news: CrowdNews = { sent: 0, opened: 0, ended: 0 }
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const times = <T>(count: number, make: (n: number) => T) => Array.from({ length: count }, (_, n) => make(n))
const deps = (): SessionDeps => ({ identity: createIdentity(), clock, random, log })
const pool = createBufferPool()

/** A link over a socket, which the deeds may write to past it. */
function linkOver(socket: Socket, outbound: boolean): Link {
  const remote: Endpoint = `${socket.remoteAddress}:${socket.remotePort}`
  const { link, onData } = createTcpLink(socket, { log, clock, pool, highWater: 1e6 }, { remote, outbound })
  socket.on('data', onData).resume()
  return link
}

function dial(from: string): Promise<Socket> {
  const { host, port } = hostPort(victim)
  const socket = net.connect({ host, port, localAddress: from })
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket)).once('error', reject)
    socket.on('error', () => {})
  })
}

async function enter(from: string, purpose: Purpose, with_ = deps(), port = 0): Promise<Session> {
  const link = linkOver(await dial(from), true)
  const session = await openSession(link, with_, { purpose, port, agent: 'hostile' })
  news.opened++
  return session
}

function hear(session: Session, onMessage: (message: Message) => void = () => {}) {
  session.handle({ onMessage, onClose: () => void news.ended++ })
}

/** Comes again with another key, as soon as it is shut out. */
async function asAnybody(from: string, purpose: Purpose, act: (session: Session) => Promise<void>) {
  for (;;) {
    try {
      const session = await enter(from, purpose)
      let open = true
      session.handle({
        onMessage() {},
        onClose() {
          news.ended++
          open = false
        },
      })
      while (open) await act(session)
    } catch {
      await wait(200)
    }
  }
}

async function ask(from: string, { perSecond, files, nameBytes }: Extract<CrowdDeed, { kind: 'asks' }>) {
  const name = 'x'.repeat(nameBytes ?? (files > 1 ? 250 : 1))
  await asAnybody(from, 'neighbour', async (session) => {
    const path = [{ id: session.id }]
    const wanted = times(files, () => ({ sha256: random.hex(32), size: 1_000, name }))
    const query: FileQuery = { type: 'file', query: random.hex(16), ttl: 7, path, files: wanted }
    session.send(query)
    news.sent++
    await wait(1_000 / perSecond)
  })
}

async function announce(from: string, { perSecond, files }: Extract<CrowdDeed, { kind: 'announces' }>) {
  await asAnybody(from, 'neighbour', async (session) => {
    const added = times(files, () => ({
      sha256: random.hex(32),
      size: 1_000,
      root: random.hex(32),
      whole: true,
    }))
    session.send({ type: 'announce', files: added })
    news.sent++
    await wait(1_000 / perSecond)
  })
}

async function talk(from: string, { perSecond }: Extract<CrowdDeed, { kind: 'talks' }>) {
  const id = () => random.hex(32)
  const some = <T>(make: () => T) => times(500, make)
  const held = (): HeldFile => ({ sha256: id(), size: 1_000, root: id(), whole: news.sent % 2 === 0 })
  const hops = (count: number) => times(count, (): Hop => ({ id: id(), address: '192.0.2.1:8048' }))
  await asAnybody(from, 'neighbour', async (session) => {
    const self = { id: session.id }
    const way = [...hops(13), self]
    const query = random.hex(16)
    const all: Message[] = [
      {
        type: 'file',
        query,
        ttl: 7,
        path: [self],
        files: some(() => ({ sha256: id(), size: 1_000, name: 'x' })),
      },
      { type: 'announce', files: some(held) },
      { type: 'withdraw', files: some(id) },
      { type: 'fileAck', query, ttl: 7, path: hops(14), way, reachable: true, files: some(held) },
      { type: 'call', query, ttl: 7, path: hops(14), asker: self },
      { type: 'nodes', nodes: hops(50) },
      { type: 'nodesWanted' },
    ]
    for (const message of all) {
      session.send(message)
      news.sent++
      await wait(1_000 / perSecond)
    }
  })
}

async function flood(from: string, purpose: Purpose, { perSecond }: Extract<CrowdDeed, { kind: 'floods' }>) {
  const payload = randomBytes(1024 * 1024)
  await asAnybody(from, purpose, async (session) => {
    session.send({ type: 'chunk', request: news.sent++, payload })
    await wait(1_000 / perSecond)
  })
}

async function hoard(from: string, nth: number, { sha256, size }: Pick<Package, 'sha256' | 'size'>) {
  const socket = await dial(from)
  const link = linkOver(socket, true)
  const session = await openSession(link, deps(), { purpose: 'transfer', port: 0, agent: 'hostile' })
  news.opened++
  hear(session)
  socket.pause()
  const chunks = times(60, (n) => (nth * 7 + n) % chunkCount(size))
  for (const chunk of chunks) session.send({ type: 'get', request: news.sent++, sha256, chunk })
}

/** One that claims to have the file: as a neighbour, and for whoever comes for it. */
async function hold(address: string, { item, how }: Extract<CrowdDeed, { kind: 'holds' }>) {
  const { sha256, size } = item
  const content = readFileSync(item.path)
  const hashes = times(chunkCount(size), (chunk) => {
    const at = chunk * chunkSize(size)
    return createHash('sha256')
      .update(content.subarray(at, at + chunkLength(size, chunk)))
      .digest()
  })
  const list = how === 'lies' ? randomBytes(32 * chunkCount(size)) : Buffer.concat(hashes)
  const held: HeldFile = { sha256, size, root: rootOf(list), whole: true }
  const own = deps()

  function give(session: Session, socket: Socket, message: Message) {
    if (message.type === 'manifestWanted' && how !== 'listless')
      session.send({ type: 'manifest', request: message.request, payload: list })
    if (message.type !== 'get') return
    const { request } = message
    const payload = randomBytes(chunkLength(size, message.chunk))
    news.sent++
    if (how === 'busy') session.send({ type: 'refuse', request, reason: 'busy' })
    else if (how === 'rots' || how === 'lies') session.send({ type: 'chunk', request, payload })
    else if (how === 'drips') drip(socket, request, payload)
  }

  const server = net.createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => {})
    openSession(linkOver(socket, false), own, { purpose: 'transfer', port: 8048, agent: 'hostile' }).then(
      (session) => hear(session, (message) => give(session, socket, message)),
      () => {},
    )
  })
  await new Promise<void>((resolve) => server.listen(8048, address, resolve))
  const session = await enter(address, 'neighbour', own, 8048)
  hear(session, (message) => {
    if (message.type !== 'file' || !message.files.some((file) => file.sha256 === sha256)) return
    const { query, path } = message
    const way = [{ id: own.identity.id }]
    session.send({ type: 'fileAck', query, ttl: 7, path, way, reachable: true, files: [held] })
  })
  session.send({ type: 'announce', files: [held] })
}

/** A frame's beginning, then a hundred bytes a second. */
function drip(socket: Socket, request: number, payload: Buffer) {
  const { header } = encode({ type: 'chunk', request, payload })
  socket.write(frameHead(header, payload.length))
  let at = 0
  const timer = setInterval(() => {
    socket.write(payload.subarray(at, at + 10))
    at += 10
  }, 100)
  socket.once('close', () => clearInterval(timer))
}

const absent = (connections: number, everyMs: number) =>
  times(connections, () =>
    asAnybody(own, 'transfer', async (session) => {
      session.send({ type: 'get', request: news.sent % 1_000, sha256: random.hex(32), chunk: 0 })
      session.send({ type: 'manifestWanted', request: news.sent % 1_000, sha256: random.hex(32) })
      news.sent += 2
      await wait(everyMs)
    }),
  )

/** Whole greetings, each by another key, each left at once. */
async function greet(perSecond: number) {
  const keys = times(200, deps)
  for (let n = 0; ; n++) {
    news.sent++
    enter(own, 'neighbour', keys[n % keys.length]).then(
      (session) => {
        hear(session)
        session.close('again')
      },
      () => {},
    )
    // Timers are no finer than a millisecond.
    if (n % 10 === 9) await wait(10_000 / perSecond)
  }
}

if (deed.kind === 'hearers')
  await Promise.all(times(deed.count, () => enter(own, 'neighbour').then((s) => hear(s))))
else if (deed.kind === 'holds') await Promise.all(deed.addresses.map((address) => hold(address, deed)))
else if (deed.kind === 'asks') for (const from of deed.addresses ?? [own]) void ask(from, deed)
else if (deed.kind === 'announces') for (const from of deed.addresses) void announce(from, deed)
else if (deed.kind === 'talks') for (const from of deed.addresses) void talk(from, deed)
else if (deed.kind === 'floods')
  for (const from of deed.addresses)
    for (const purpose of ['neighbour', 'transfer'] as const) void flood(from, purpose, deed)
else if (deed.kind === 'hoards')
  for (const [n, from] of deed.addresses.entries())
    for (let k = 0; k < deed.connections; k++)
      void hoard(from, n * deed.connections + k, deed.item).catch(() => news.ended++)
else if (deed.kind === 'greets') void greet(deed.perSecond)
else absent(deed.connections, deed.everyMs)
process.send!(news)
setInterval(() => process.send!(news), 500)
process.on('disconnect', () => process.exit())
