/**
 * A crowd in memory, under the wound clock: nodes with overlay, transfers and jobs of their own over the network in
 * memory, and one mirror whose line all their streams share. Bytes from the mirror are counted on that line.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { isNear } from '../../../src/base/address.ts'
import { PacsrvError } from '../../../src/base/error.ts'
import { createLimiter } from '../../../src/base/limiter.ts'
import { type Log, silentLog } from '../../../src/base/log.ts'
import { sha256 } from '../../../src/base/sha256.ts'
import { createPresence } from '../../../src/fetch/crowd/presence.ts'
import { createHeldFiles } from '../../../src/fetch/held-files.ts'
import { createJob, type Job } from '../../../src/fetch/job/job.ts'
import type { FileNetwork } from '../../../src/fetch/network.ts'
import { createPeerRecord } from '../../../src/fetch/sources/peer-record.ts'
import type { MirrorHandler, MirrorRequest, OpenMirror } from '../../../src/mirror/curl.ts'
import { createMemoryNetwork } from '../../../src/net/memory.ts'
import type { Link, Transport } from '../../../src/net/transport.ts'
import { createOverlay } from '../../../src/overlay/overlay.ts'
import { type Identity, idOf } from '../../../src/overlay/session/identity.ts'
import { createSharedReads } from '../../../src/transfer/shared-reads.ts'
import { createTransferPool } from '../../../src/transfer/transfer-pool.ts'
import { createTurns } from '../../../src/transfer/upload-queue.ts'
import type { Message } from '../../../src/wire/messages.ts'
import { createBufferPool } from '../../../src/wire/pool.ts'
import { createClock, type WoundClock } from '../../clock.ts'
import { seeded } from '../../seeded.ts'
import { createMemoryHasher, createMemorySpool, type MemorySpool } from '../job/lab.ts'
import { createMachine, type MachineOptions } from './machine.ts'

export interface MemberOptions {
  /** Of its address; 10.0.0.N is this site, anything else the world. */
  host?: string
  /** What its mirror gives in place of the true bytes. */
  mirrorContent?: Buffer
  /** Its mirror can't be reached, or opens and sends nothing. */
  mirror?: 'fine' | 'dead' | 'silent'
  /** Bytes a second that it gets from the mirror at most. */
  mirrorRate?: number
  /** It can do no more than the protocol's first version: it says nothing else in HELLO, and reads nothing else. */
  old?: boolean
  /** What it sends in place of a message; undefined for nothing. */
  tamper?(message: Message, to: string): Message | undefined
}

export interface CrowdLabOptions {
  members: MemberOptions[]
  /** Bytes a second of the mirror's line. */
  line?: number
  seed?: number
  log?: (host: string) => Log
  delay?: 'auto' | number
  /** Milliseconds that a message between two nodes takes: busy hosts are slow to read. Default 1. */
  latency?: number
  /** They are processes of one machine; by default each has one of its own that is never busy. */
  machine?: MachineOptions
}

/** A job that is followed until it is over. */
export interface Fetch {
  job: Job
  leave: () => void
  content: Buffer
}

/** All streams share it; what has left is counted. */
function createLine(clock: WoundClock, rate: number) {
  const streams = new Set<{ next(bytes: number): number }>()
  let sent = 0
  let busy = false
  function work() {
    if (busy) return
    for (const stream of streams) {
      const bytes = stream.next(0)
      streams.delete(stream)
      if (bytes === 0) continue
      streams.add(stream)
      busy = true
      sent += bytes
      clock.after((bytes * 1000) / rate, () => {
        busy = false
        stream.next(bytes)
        work()
      })
      return
    }
  }
  return {
    get sent() {
      return sent
    },
    reset() {
      sent = 0
    },
    /** `next(0)` tells how much it would send, `next(n)` that it has left. */
    add(stream: { next(bytes: number): number }) {
      streams.add(stream)
      work()
    },
  }
}

const PIECE = 16_384

const hostOf = (n: number) => `10.0.0.${n + 1}`

/** What goes over it says nothing of what its end can do beyond the protocol's first version. */
function oldTransport({ dial, listen }: Transport): Transport {
  function oldLink(link: Link): Link {
    const send = link.send.bind(link)
    link.send = (message, sent) =>
      send(message.type === 'hello' ? { ...message, capabilities: [] } : message, sent)
    return link
  }
  return {
    dial: async (at, timeout) => oldLink(await dial(at, timeout)),
    listen: (at, onLink) => listen(at, (link) => onLink(oldLink(link))),
  }
}

export async function createCrowdLab(options: CrowdLabOptions) {
  const { line: lineRate = 6_250_000, seed = 1, delay = 'auto', latency = 1 } = options
  const world = createClock()
  const random = seeded(seed)
  /** Messages that all sent, by type. */
  const messages = new Map<Message['type'], number>()
  /** To whom something went that only newer nodes can read. */
  const newerWords = new Set<string>()
  function onSend(message: Message, _: string, to: string) {
    messages.set(message.type, (messages.get(message.type) ?? 0) + 1)
    const isNew = message.type === 'haves' || (message.type === 'get' && message.more !== undefined)
    if (isNew) newerWords.add(to)
  }
  const network = createMemoryNetwork({ clock: world, random }, { latency, onSend })
  const line = createLine(world, lineRate)
  const createProcess = options.machine && createMachine(world, options.machine)
  const contents = new Map<string, Buffer>()
  const streams: { host: string; start: number; end: number | undefined; sent: number }[] = []

  function mirrorOf(host: string, { mirrorContent, mirror = 'fine', mirrorRate }: MemberOptions): OpenMirror {
    return ({ url, start, end, size }: MirrorRequest, handler: MirrorHandler) => {
      const content = mirrorContent ?? contents.get(url.split('/').at(-1)!)!
      const note = { host, start, end, sent: 0 }
      streams.push(note)
      const until = end === undefined ? size : end + 1
      let at = start
      let over = false
      let paused = false
      let resting = false
      const rest = (ms: number) => {
        resting = true
        world.after(ms, () => {
          resting = false
          go()
        })
      }
      const stream = {
        next(left: number) {
          note.sent += left
          if (over || paused || resting) return 0
          if (left === 0) return Math.min(PIECE, until - at)
          const bytes = content.subarray(at, at + left)
          at += left
          handler.onBytes(bytes)
          if (over) return 0
          if (at === until) {
            over = true
            handler.onEnd(undefined)
          } else if (mirrorRate !== undefined) rest((left * 1000) / mirrorRate)
          return 0
        },
      }
      const go = () => {
        if (!over && !paused && !resting) line.add(stream)
      }
      world.after(20, () => {
        if (over || mirror === 'silent') return
        if (mirror === 'dead') {
          over = true
          return handler.onEnd(new PacsrvError('mirror', 'connection refused'))
        }
        handler.onStart(start)
        go()
      })
      return {
        stop() {
          over = true
        },
        pause() {
          paused = true
        },
        resume() {
          if (!paused) return
          paused = false
          go()
        },
      }
    }
  }

  async function createNode(member: MemberOptions, index: number) {
    const { host = hostOf(index), tamper, old } = member
    const key = random.hex(32)
    const signature = '00'.repeat(64)
    const identity: Identity = {
      id: idOf(key),
      key,
      sign: () => signature,
      verify: (_, __, given) => given === signature,
    }
    const log = options.log?.(host) ?? silentLog
    const process = createProcess?.()
    const clock = process?.clock ?? world
    const jobs = new Map<string, Job>()
    const bans: { id: string | undefined; reason: string }[] = []
    const pool = createBufferPool()
    const spool = createMemorySpool()
    const hasher = createMemoryHasher(spool.files)
    const catalogue = {
      find: () => undefined,
      files: () => [],
      open: () => Promise.reject(new PacsrvError('absent', 'not here')),
      forget() {},
    }
    const held = createHeldFiles({
      catalogue,
      spool,
      isSparing: () => false,
      downloads: { job: (hash) => jobs.get(hash), jobs: () => [...jobs.values()] },
    })
    const way = old ? oldTransport(network.transport(host)) : network.transport(host)
    const transport = process?.transport(way) ?? way
    const mirror = mirrorOf(host, member)
    const openMirror = process?.mirror(mirror) ?? mirror
    const overlay = createOverlay(
      {
        transport,
        identity,
        clock,
        random,
        log,
        holdings: held,
        resolve: async () => [],
        isOnLink: isNear,
      },
      { listen: `${host}:8048`, agent: 'test', minConnections: 1, maxConnections: 100 },
      {
        onTransfer: (session) => transfers.accept(tampered(session)),
        onAnnounced: (holder) => presence.announced(holder),
        onWithdrawn: (id, hash) => presence.withdrawn(id, hash),
      },
    )
    type Session = Awaited<ReturnType<typeof overlay.connect>>
    function tampered(session: Session): Session {
      if (old) return Object.create(session, { capabilities: { value: [] } })
      if (!tamper) return session
      const change =
        (send: (message: Message, sent?: () => void) => boolean) => (message: Message, sent?: () => void) => {
          const given = tamper(message, session.id)
          if (given) return send(given, sent)
          sent?.()
          return true
        }
      const link = Object.create(session.link, {
        send: { value: change(session.link.send.bind(session.link)) },
      })
      return Object.create(session, { link: { value: link }, send: { value: change(session.send) } })
    }
    const presence = createPresence({
      clock,
      announce: (added, removed) => overlay.announce(added, removed, 'companions'),
    })
    const transfers = createTransferPool(
      {
        connect: async (holder) => tampered(await overlay.connect(holder)),
        holdings: held,
        clock,
        log,
        reads: createSharedReads(pool),
        turns: createTurns({ clock, limiter: createLimiter(clock, undefined) }),
      },
      { onUploaded() {}, onHave: presence.heard },
    )
    const fileNetwork: FileNetwork = {
      id: overlay.id,
      existing: transfers.existing,
      isCompanion: ({ session }) => overlay.isCompanion(session),
      hasCompanions: overlay.hasCompanions,
      record: createPeerRecord(clock),
      join: presence.join,
      find: overlay.find,
      connect: transfers.to,
      forget: overlay.forget,
      ban(who, reason) {
        bans.push({ id: who.id, reason })
        overlay.ban({ id: who.id }, reason)
      },
      isBanned: overlay.isBanned,
      hasNeighbours: () => overlay.neighbours().length > 0,
      isNeighbour: (id) => overlay.neighbours().some((neighbour) => neighbour.id === id),
    }
    await overlay.start()
    const mirrorRates = new Map<string, number>()
    return {
      host,
      id: overlay.id,
      overlay,
      bans,
      spool,
      jobs,
      /** Begins a job for the file; followed until it is over. */
      fetch(content: Buffer): Fetch {
        const file = { sha256: sha256(content), size: content.length, name: `${sha256(content)}.pkg` }
        contents.set(file.name, content)
        const order = { file, mirrors: [`http://mirror/core/${file.name}`], environment: {}, delay }
        const job = createJob(
          {
            clock,
            log: log.child({ file: file.name }),
            spool,
            hasher,
            network: fileNetwork,
            openMirror,
            downloads: createLimiter(clock, undefined),
            mirrorRates,
            buffers: pool,
          },
          order,
          { onRejected() {}, onClosed: () => void jobs.delete(file.sha256) },
        )
        jobs.set(file.sha256, job)
        const leave = job.follow({ onChange() {}, onRewind() {} })
        return { job, leave, content }
      },
      /** The program dies; what it had open is lost. */
      die() {
        network.kill(host)
        void overlay.stop()
        for (const job of jobs.values()) void job.stop('the daemon is stopping')
      },
    }
  }

  const nodes = await Promise.all(options.members.map(createNode))
  for (const node of nodes) {
    node.overlay.learn(
      nodes.filter((other) => other !== node).map(({ host }) => `${host}:8048`),
      'lan',
    )
  }

  async function wind(ms: number, step = 1) {
    const until = world.now() + ms
    await nextTurn()
    while (world.now() < until) {
      world.advance(Math.min(step, until - world.now()))
      await nextTurn()
    }
  }
  await wind(5_000, 25)
  for (const { overlay } of nodes) {
    if (overlay.neighbours().length < nodes.length - 1) throw new Error('not all are neighbours')
  }

  return {
    clock: world,
    nodes,
    line,
    messages,
    newerWords,
    streams,
    wind,
    /** Winds until all these jobs are over; milliseconds that it took. */
    async run(fetches: Fetch[], most = 120_000) {
      const begun = world.now()
      while (fetches.some(({ job }) => !job.end)) {
        if (world.now() - begun > most) {
          const stuck = fetches.filter(({ job }) => !job.end).map(({ job }) => `${job.done}/${job.file.size}`)
          throw new Error(`jobs hang: ${stuck.join(', ')}`)
        }
        await wind(1)
      }
      return world.now() - begun
    },
  }
}

/** What a node has in its spool of a file. */
export function bytesOf(node: { spool: MemorySpool }, content: Buffer): Buffer | undefined {
  return node.spool.files.get(sha256(content))?.bytes
}
