/**
 * A node that does what no node should, run in a process of its own: `hostile-node.ts OWN-ADDRESS SETTING`.
 * A new identity replaces each that is shut out. Tells of what it did, by IPC, twice a second.
 */
import { randomBytes } from 'node:crypto'
import net from 'node:net'
import { Packr } from 'msgpackr'
import { chunkCount, chunkLength, rootOf } from '../../src/base/chunks.ts'
import { systemClock } from '../../src/base/clock.ts'
import { type Endpoint, hostPort } from '../../src/base/endpoint.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemRandom } from '../../src/base/random.ts'
import { createTcpTransport } from '../../src/net/tcp.ts'
import { createTcpLink } from '../../src/net/tcp-link.ts'
import { createIdentity } from '../../src/overlay/session/identity.ts'
import { openSession, type Session, type SessionDeps } from '../../src/overlay/session/session.ts'
import { frameHead } from '../../src/wire/framing.ts'
import type { HeldFile, Hop, Message, WantedFile } from '../../src/wire/messages.ts'
import { createBufferPool } from '../../src/wire/pool.ts'

/** Whom to trouble, and what to claim. */
export interface HostileSetting {
  victims: Hop[]
  files: WantedFile[]
}

/** Messages and connections so far. */
export interface Deeds {
  sent: number
  identities: number
  lies: number
  badChunks: number
  /** Connections with lists too long: opened, and shut by the victim. */
  overlong: number
  shut: number
}

const [own, json] = process.argv.slice(2) as [string, string]
const { victims, files } = JSON.parse(json) as HostileSetting
const port = 8048
const log = silentLog
const clock = systemClock
const random = systemRandom
const transport = createTcpTransport({ log })
const deeds: Deeds = { sent: 0, identities: 0, lies: 0, badChunks: 0, overlong: 0, shut: 0 }
const deps = (identity = createIdentity()): SessionDeps => ({ identity, clock, random, log })
let current = deps()

/** A list of chunk hashes that fits its root, and no file. */
const lists = new Map(files.map((file) => [file.sha256, randomBytes(32 * chunkCount(file.size))]))
const lie = ({ sha256, size }: { sha256: string; size: number }): HeldFile => {
  const list = lists.get(sha256) ?? randomBytes(32)
  return { sha256, size, root: rootOf(list), whole: true }
}
const someFile = (): WantedFile => ({ sha256: random.hex(32), size: 1_000, name: 'some-1-1-any.pkg.tar.zst' })
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const replayed = random.hex(16)

/** Whoever asks for a file gets rubbish. */
function serve(session: Session) {
  session.handle({ onMessage: (message) => answer(session, message), onClose() {} })
}

function answer(session: Session, message: Message) {
  if (message.type === 'manifestWanted') {
    const payload = lists.get(message.sha256) ?? randomBytes(32)
    session.send({ type: 'manifest', request: message.request, payload })
  } else if (message.type === 'get') {
    const size = files.find(({ sha256 }) => sha256 === message.sha256)?.size ?? 1_000
    session.send({
      type: 'chunk',
      request: message.request,
      payload: randomBytes(chunkLength(size, message.chunk)),
    })
    deeds.badChunks++
  } else if (message.type === 'file') {
    const claims = { reachable: true, files: message.files.map(lie) }
    session.send({
      type: 'fileAck',
      query: message.query,
      ttl: 7,
      path: message.path,
      way: [{ id: current.identity.id }],
      ...claims,
    })
    // The same in the name of every other node.
    for (const victim of victims)
      session.send({
        type: 'fileAck',
        query: message.query,
        ttl: 7,
        path: message.path,
        way: [victim, victim],
        ...claims,
      })
    deeds.lies += 1 + victims.length
  }
}

function rush(session: Session, victim: Hop) {
  const others = victims.filter(({ id }) => id !== victim.id)
  const other = others[random.below(others.length)]!
  const self = { id: session.id }
  for (let i = 0; i < 20; i++) {
    const query = i % 2 ? random.hex(16) : replayed
    session.send({
      type: 'file',
      query,
      ttl: 7 - (i % 7),
      path: [other, self],
      files: Array.from({ length: 20 }, someFile),
    })
    session.send({
      type: 'fileAck',
      query: random.hex(16),
      ttl: 7,
      path: [victim],
      way: [other],
      reachable: true,
      files: files.map(lie),
    })
    session.send({ type: 'call', query, ttl: 7, path: [victim], asker: other })
    deeds.sent += 3
  }
  if (random.below(5) > 0) return
  session.send({
    type: 'announce',
    files: [...files.map(lie), ...Array.from({ length: 400 }, () => lie(someFile()))],
  })
  session.send({
    type: 'nodes',
    nodes: Array.from({ length: 50 }, (_, i) => ({
      ...other,
      id: random.hex(32),
      address: `10.77.0.${i + 1}:8048` as Endpoint,
    })),
  })
  session.send({ type: 'dialBack' })
  deeds.sent += 3
}

async function trouble(victim: Hop, at: number): Promise<never> {
  for (;;) {
    try {
      const advertise = at % 2 ? victims[(at + 1) % victims.length]!.address : undefined
      const link = await transport.dial(victim.address!, 3_000)
      const session = await openSession(link, current, {
        purpose: 'neighbour',
        port,
        agent: 'hostile',
        advertise,
      })
      let open = true
      session.handle({
        onMessage: (message) => answer(session, message),
        onClose: () => {
          open = false
        },
      })
      while (open) {
        rush(session, victim)
        await wait(20)
      }
    } catch {
      // Shut out: somebody else comes.
    }
    current = deps()
    deeds.identities++
    await wait(200)
  }
}

const packr = new Packr({ useRecords: false })
const id = () => randomBytes(32)
const many = <T>(make: () => T) => Array.from({ length: 10_000 }, make)
const OVERLONG: unknown[][] = [
  [5, randomBytes(16), 7, many(() => [id(), null]), [[id(), 1_000, 'some']]],
  [5, randomBytes(16), 7, many(() => null), [[id(), 1_000, 'some']]],
  [5, randomBytes(16), 7, [[id(), null]], many(() => null)],
  [6, randomBytes(16), 7, [[id(), null]], many(() => [randomBytes(4), null]), true, []],
  [8, many(() => [randomBytes(4), 1, randomBytes(4), true])],
  [11, many(() => [randomBytes(4), null])],
]

/** A greeting as it should be, then a list of 10,000. */
async function overlong(victim: Hop, fields: unknown[]) {
  const { host, port: itsPort } = hostPort(victim.address!)
  const socket = net.connect(itsPort, host)
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('connect', resolve))
  const parts = { log, clock, pool: createBufferPool(), highWater: 1e6 }
  const { link, onData } = createTcpLink(socket, parts, { remote: victim.address!, outbound: true })
  socket.on('data', onData).resume()
  const session = await openSession(link, deps(), { purpose: 'neighbour', port: 0, agent: 'hostile' })
  session.handle({ onMessage() {}, onClose: () => void deeds.shut++ })
  deeds.overlong++
  socket.write(frameHead(packr.pack(fields), 0))
}

await transport.listen(`${own}:${port}` as Endpoint, (link) => {
  openSession(link, current, { purpose: 'transfer', port, agent: 'hostile' }).then(serve, () => {})
})
victims.forEach((victim, at) => void trouble(victim, at))
for (const fields of OVERLONG) for (const victim of victims) overlong(victim, fields).catch(() => {})
setInterval(() => process.send!(deeds), 500)
process.on('disconnect', () => process.exit())
