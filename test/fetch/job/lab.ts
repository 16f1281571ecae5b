/**
 * A job with everything around it in memory, under the wound clock: peers that answer chunk by chunk, mirrors
 * that stream, a spool and a hasher. What happens is told as a user or a peer would see it.
 */
import { createHash, type Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { unreachable } from 'uvu/assert'
import { chunkCount, chunkLength, chunkSize, rootOf } from '../../../src/base/chunks.ts'
import type { Clock } from '../../../src/base/clock.ts'
import { PacsrvError } from '../../../src/base/error.ts'
import { createLimiter } from '../../../src/base/limiter.ts'
import { type Log, silentLog } from '../../../src/base/log.ts'
import { sha256 } from '../../../src/base/sha256.ts'
import type { Spool } from '../../../src/fetch/file/spool.ts'
import type { CompleteFile, SpoolFile } from '../../../src/fetch/file/spool-file.ts'
import type { FilePart, WholeHasher } from '../../../src/fetch/file/whole-hash.ts'
import { createJob, type Job } from '../../../src/fetch/job/job.ts'
import type { JobDeps } from '../../../src/fetch/job/order.ts'
import type { FileNetwork } from '../../../src/fetch/network.ts'
import { createPacserve } from '../../../src/fetch/sources/pacserve.ts'
import { createPeerRecord, type PeerRecord } from '../../../src/fetch/sources/peer-record.ts'
import type { MirrorHandler, MirrorRequest, OpenMirror } from '../../../src/mirror/curl.ts'
import type { Holder } from '../../../src/overlay/query/holders.ts'
import type { Session } from '../../../src/overlay/session/session.ts'
import { type AskerShell, createAsker } from '../../../src/transfer/asker.ts'
import type { Message, WantedFile } from '../../../src/wire/messages.ts'
import { createClock, type WoundClock } from '../../clock.ts'

/** A file whose every byte depends on where it is. */
export function makeContent(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let chunk = 0; chunk < chunkCount(size); chunk++) {
    bytes.fill(`chunk ${chunk} of ${size}. `, chunk * chunkSize(size))
  }
  return bytes
}

export function chunkOf(content: Buffer, chunk: number): Buffer {
  const at = chunk * chunkSize(content.length)
  return content.subarray(at, at + chunkLength(content.length, chunk))
}

/** The chunk hashes of a file's bytes. */
export function listOf(content: Buffer): Buffer {
  const hashes = Array.from({ length: chunkCount(content.length) }, (_, chunk) =>
    Buffer.from(sha256(chunkOf(content, chunk)), 'hex'),
  )
  return Buffer.concat(hashes)
}

/** The same file with some chunks wrong. */
export function spoilt(content: Buffer, ...chunks: number[]): Buffer {
  const bytes = Buffer.from(content)
  for (const chunk of chunks)
    bytes.fill('wrong', chunk * chunkSize(content.length), chunk * chunkSize(content.length) + 10)
  return bytes
}

export interface PeerOptions {
  /** What it holds, and vouches for unless `list` says otherwise. */
  content: Buffer
  list?: Buffer
  root?: string
  /** When it is found, in milliseconds after the search began. */
  foundAfter?: number
  /** The first search that gets as far as this one, counted from 1. */
  foundBySearch?: number
  connectMs?: number
  /** Bytes a second. */
  rate?: number
  /** What becomes of a request for a chunk; `count` is how many were asked of this peer before. */
  on?(chunk: number, count: number): 'give' | 'busy' | 'absent' | 'silence' | 'drip' | 'die'
  /** 192.0.2.N unless given. */
  host?: string
  /** Whether the connection can be made. */
  refuses?: boolean
  isNeighbour?: boolean
  /** Never answers for its list. */
  listless?: boolean
}

export interface Peer {
  readonly id: string
  readonly asked: number[]
  readonly given: number[]
  readonly cancelled: number
  /** Bytes other than answers come from it. */
  chatter(bytes: number): void
  die(): void
}

export interface MirrorOptions {
  content: Buffer
  rate?: number
  latency?: number
  ranges?: boolean
  /** Fails at once. */
  fault?: string
  /** Sends so many bytes of each request, and then ends. */
  endsAfter?: number
  /** After so many requests it ends without a head. */
  headlessAfter?: number
  /** Sends so many bytes of each request, and then nothing. */
  stallsAfter?: number
}

export interface LabOptions {
  content: Buffer
  peers?: PeerOptions[]
  /** By the order in which they are tried; none: the daemon itself may not fetch. */
  mirrors?: MirrorOptions[]
  /** pacredir's servers; one with `silent` never says whether it has the file. */
  servers?: (MirrorOptions & { silent?: boolean })[]
  hasNeighbours?: boolean
  /** The search lasts so long. */
  searchMs?: number
  delay?: 'auto' | number
  mirrorRate?: number
  /** Bytes a second, of all sources together. */
  downloadLimit?: number
  spool?: MemorySpool
  /** Of how peers stood in downloads before. */
  record?: PeerRecord
  log?: Log
}

export interface MemorySpool extends Spool {
  /** By SHA-256: the bytes, and the chunks noted. */
  readonly files: Map<string, { bytes: Buffer; noted: number[] }>
  readonly openFiles: number
  /** Throws instead of opening. */
  refuse?: PacsrvError
  /** Throws once so many bytes were written. */
  room: number
  /** Opening takes until this is called. */
  holdOpen?: Promise<void>
  /** Writing takes until this is over. */
  holdWrites?: Promise<void>
}

export function createMemorySpool(): MemorySpool {
  const files: MemorySpool['files'] = new Map()
  const whole = new Map<string, CompleteFile>()
  let openFiles = 0
  /** Who opens a file waits until whoever has it has closed it. */
  const inUse = new Map<string, Promise<void>>()
  const spool: MemorySpool = {
    files,
    room: Number.POSITIVE_INFINITY,
    get openFiles() {
      return openFiles
    },
    async open({ sha256: hash, size }) {
      await spool.holdOpen
      if (spool.refuse) throw spool.refuse
      const before = inUse.get(hash)
      let free = () => {}
      inUse.set(hash, new Promise((resolve) => (free = resolve)))
      await before
      const file = files.get(hash) ?? { bytes: Buffer.alloc(size), noted: [] }
      files.set(hash, file)
      openFiles++
      let open = true
      const live = () => {
        if (!open) throw new PacsrvError('spool', 'file closed')
      }
      const opened: SpoolFile = {
        path: hash,
        size,
        found: [...file.noted],
        async write(chunk, parts) {
          live()
          await spool.holdWrites
          const bytes = Buffer.concat(parts)
          spool.room -= bytes.length
          if (spool.room < 0) throw new PacsrvError('spool', 'no space left on device')
          file.bytes.set(bytes, chunk * chunkSize(size))
        },
        async read(buffer, position) {
          live()
          buffer.set(file.bytes.subarray(position, position + buffer.length))
        },
        async save(chunks) {
          file.noted = [...chunks]
        },
        completed: (from, chunkHashes) => void whole.set(hash, { size, from, chunkHashes }),
        async close(outcome) {
          live()
          open = false
          openFiles--
          if (outcome === 'useless') files.delete(hash)
          free()
        },
      }
      return opened
    },
    isComplete: (hash) => whole.has(hash),
    completeFiles: () => whole,
    async discard() {},
    async complete(hash) {
      const found = whole.get(hash)
      if (!found) return undefined
      const { bytes } = files.get(hash)!
      const handle = {
        async read(buffer: Buffer, _offset: number, length: number, position: number) {
          return { bytesRead: bytes.copy(buffer, 0, position, position + length) }
        },
        async close() {},
      }
      return { ...found, handle: handle as unknown as FileHandle }
    },
    async sweep() {},
  }
  return spool
}

/** Hashes as the thread does: only on from where it was, so that a reset that is forgotten shows. */
export function createMemoryHasher(
  files: MemorySpool['files'],
): WholeHasher & { broken: boolean; openFiles: number } {
  const hasher = {
    broken: false,
    openFiles: 0,
    begin(path: string) {
      let hash: Hash = createHash('sha256')
      let at = 0
      hasher.openFiles++
      const advance = (bytes: number, parts: FilePart[] = []) => {
        for (const { release } of parts) release()
        if (bytes > at) hash.update(files.get(path)!.bytes.subarray(at, bytes))
        at = Math.max(at, bytes)
      }
      const reset = () => {
        hash = createHash('sha256')
        at = 0
      }
      return {
        advance,
        reset,
        async result(size: number) {
          if (hasher.broken) throw new Error('the hashing thread ended')
          advance(size)
          const digest = hash.digest('hex')
          reset()
          return digest
        },
        close: () => void hasher.openFiles--,
      }
    },
    digest: sha256,
    async close() {},
  }
  return hasher
}

/** Counts what was arranged and has neither happened nor been called off. */
function counted(clock: Clock): Clock & { readonly left: number } {
  let left = 0
  return {
    now: clock.now,
    get left() {
      return left
    },
    after(ms, action) {
      left++
      let over = false
      const settle = () => {
        if (!over) left--
        over = true
      }
      const cancel = clock.after(ms, () => {
        settle()
        action()
      })
      return () => {
        settle()
        cancel()
      }
    },
  }
}

const DROP_BYTES = 2_500
const DROP_MS = 500

function createPeer(
  clock: WoundClock,
  index: number,
  hash: string,
  {
    content,
    list = listOf(content),
    root = rootOf(list),
    host = `192.0.2.${index}`,
    rate = 5_000_000,
    on = () => 'give',
    listless,
  }: PeerOptions,
): Peer & { shell: AskerShell; root: string } {
  const id = `${index}`.repeat(64)
  const asked: number[] = []
  const given: number[] = []
  const queue: { request: number; chunk: number }[] = []
  let cancelled = 0
  let received = 0
  let alive = true
  let working = false
  let dripping = false

  function tell(message: Message, bytes: number) {
    if (!alive) return
    received += bytes
    shell.receive(message)
  }
  /** Signs of life, a few bytes at a time, without end. */
  function drip() {
    if (dripping) return
    dripping = true
    const drop = () => {
      received += DROP_BYTES
      if (alive && queue.length > 0) clock.after(DROP_MS, drop)
      else dripping = false
    }
    clock.after(DROP_MS, drop)
  }
  function work() {
    const next = queue[0]
    if (!next || !alive || working) return
    const fate = on(next.chunk, given.length)
    if (fate === 'silence') return
    if (fate === 'drip') return drip()
    if (fate === 'die') return die()
    working = true
    const bytes = chunkOf(content, next.chunk)
    clock.after(fate === 'give' ? (bytes.length * 1000) / rate : 1, () => {
      working = false
      if (queue[0] === next) {
        queue.shift()
        if (fate === 'give') {
          given.push(next.chunk)
          tell({ type: 'chunk', request: next.request, payload: Buffer.from(bytes) }, bytes.length)
        } else tell({ type: 'refuse', request: next.request, reason: fate }, 64)
      }
      work()
    })
  }
  function die() {
    if (!alive) return
    alive = false
    shell.closed(new PacsrvError('peer', 'connection reset'))
  }

  const session = {
    id,
    remote: `${host}:8048`,
    link: {
      get received() {
        return received
      },
    },
    capabilities: [],
    send(message: Message) {
      if (message.type === 'manifestWanted' && !listless) {
        const answer: Message = { type: 'manifest', request: message.request, payload: list }
        clock.after(1, () => tell(answer, list.length))
      } else if (message.type === 'get') {
        if (message.sha256 !== hash) throw new Error('asked for another file')
        asked.push(message.chunk)
        queue.push(message)
        work()
      } else if (message.type === 'cancel') {
        cancelled++
        const at = queue.findIndex(({ request }) => request === message.request)
        if (at > 0) queue.splice(at, 1)
      }
      return true
    },
    close: die,
  } as unknown as Session
  const shell = createAsker(session, clock)
  return {
    id,
    asked,
    given,
    get cancelled() {
      return cancelled
    },
    chatter(bytes) {
      received += bytes
    },
    die,
    shell,
    root,
  }
}

export interface MirrorSeen {
  index: number
  start: number
  end: number | undefined
  bytes: number
}

function createMirrors(clock: WoundClock, mirrors: MirrorOptions[], seen: MirrorSeen[]) {
  let streams = 0
  const open: OpenMirror = ({ url, start, end, size }: MirrorRequest, handler: MirrorHandler) => {
    const index = Number(new URL(url).hostname.slice(1))
    const {
      content,
      rate = 1_000_000,
      latency = 10,
      ranges = true,
      fault,
      endsAfter,
      stallsAfter,
    } = mirrors[index]!
    const note: MirrorSeen = { index, start, end, bytes: 0 }
    seen.push(note)
    let at = ranges ? start : 0
    const until = ranges && end !== undefined ? end + 1 : size
    let over = false
    let paused = false
    streams++
    const stop = () => {
      if (!over) streams--
      over = true
    }
    function finish(error?: PacsrvError) {
      if (over) return
      stop()
      handler.onEnd(error)
    }
    function send() {
      if (over || paused) return
      if (at >= until || note.bytes === endsAfter) return finish()
      if (note.bytes === stallsAfter) return
      const most = Math.min(16_384, until - at, (endsAfter ?? stallsAfter ?? size) - note.bytes)
      const bytes = content.subarray(at, at + most)
      clock.after((most * 1000) / rate, () => {
        if (over) return
        at += most
        note.bytes += most
        handler.onBytes(bytes)
        send()
      })
    }
    clock.after(latency, () => {
      if (over) return
      if (fault !== undefined) return finish(new PacsrvError('mirror', fault))
      if (content.length !== size)
        return finish(new PacsrvError('mismatch', `the mirror's file has ${content.length} bytes`))
      if (seen.length > (mirrors[index]!.headlessAfter ?? seen.length)) return finish()
      handler.onStart(at)
      send()
    })
    return {
      stop,
      pause() {
        paused = true
      },
      resume() {
        if (!paused) return
        paused = false
        send()
      },
    }
  }
  return {
    open,
    get streams() {
      return streams
    },
  }
}

function createServers(clock: WoundClock, jobClock: Clock, options: NonNullable<LabOptions['servers']>) {
  const mirrors = createMirrors(clock, options, [])
  let asked: number[] = []
  const indexOf = (server: string) => Number(/^10\.0\.0\.(\d+)/.exec(server)![1])
  const pacserve = createPacserve({
    clock: jobClock,
    log: silentLog,
    http: {
      async has(server, { size }) {
        asked.push(indexOf(server))
        const { silent, content } = options[indexOf(server)]!
        if (silent) await new Promise(() => {})
        await new Promise<void>((resolve) => void clock.after(3, resolve))
        return content.length === size
      },
      open: ({ url, ...rest }, handler) =>
        mirrors.open({ ...rest, url: `http://m${indexOf(new URL(url).host)}/` }, handler),
    },
  })
  for (const index of options.keys()) pacserve.set(`10.0.0.${index}:7078`, true)
  return {
    pacserve,
    get streams() {
      return mirrors.streams
    },
    left(file: WantedFile) {
      asked = []
      const off = new AbortController()
      pacserve
        .search(file, off.signal, { join: () => unreachable() as never, drop() {}, onChange() {} })
        .begin()
      off.abort()
      return asked
    },
  }
}

/** No job may take longer, in milliseconds of the wound clock: it hangs. */
const HANGS_AFTER = 300_000

export function createLab(options: LabOptions) {
  const {
    content,
    peers: peerOptions = [],
    mirrors: mirrorOptions = [],
    searchMs = 500,
    delay = 'auto',
  } = options
  const clock = createClock()
  const jobClock = counted(clock)
  const spool = options.spool ?? createMemorySpool()
  const hasher = createMemoryHasher(spool.files)
  const file = { sha256: sha256(content), size: content.length, name: 'some-1-1-any.pkg.tar.zst' }
  const peers = peerOptions.map((peer, index) => createPeer(clock, index + 1, file.sha256, peer))
  const bans: string[] = []
  const forgotten: string[] = []
  const mirrorSeen: MirrorSeen[] = []
  const mirrors = createMirrors(clock, mirrorOptions, mirrorSeen)
  let rejected = 0
  let searches = 0
  let closed = false
  let rewinds = 0
  let highest = 0
  let mostSources = 0

  const later = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve))
  const network: FileNetwork = {
    id: '0'.repeat(64),
    existing: () => undefined,
    isCompanion: () => false,
    hasCompanions: () => false,
    join: () => ({ leave() {} }),
    record: options.record ?? createPeerRecord(clock),
    find(_files, { signal, onHolder }) {
      searches++
      for (const [index, peer] of peers.entries()) {
        const { foundAfter = 0, foundBySearch = 1 } = peerOptions[index]!
        if (searches < foundBySearch) continue
        const tell = () => {
          if (signal.aborted || bans.includes(peer.id)) return
          onHolder({
            id: peer.id,
            reachable: true,
            address: peerOptions[index]!.host && `${peerOptions[index]!.host}:8048`,
            via: 'answer',
            file: { ...file, root: peer.root, whole: true },
          } as Holder)
        }
        if (foundAfter === 0) tell()
        else clock.after(foundAfter, tell)
      }
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve())
        clock.after(searchMs, resolve)
      })
    },
    async connect(holder) {
      const index = peers.findIndex(({ id }) => id === holder.id)
      const { connectMs = 2, refuses } = peerOptions[index]!
      await later(connectMs)
      if (refuses) throw new PacsrvError('peer', 'refused')
      return peers[index]!.shell.asker
    },
    forget: ({ id }) => void forgotten.push(id),
    ban: ({ id }) => void bans.push(id),
    isBanned: (id) => bans.includes(id),
    hasNeighbours: () => options.hasNeighbours ?? peers.length > 0,
    isNeighbour: (id) => peerOptions[peers.findIndex((peer) => peer.id === id)]!.isNeighbour ?? false,
  }
  const servers = createServers(clock, jobClock, options.servers ?? [])
  const urls = mirrorOptions.map((_, index) => `http://m${index}/core/${file.name}`)
  const deps: JobDeps = {
    downloads: createLimiter(clock, options.downloadLimit),
    clock: jobClock,
    log: options.log ?? silentLog,
    spool,
    hasher,
    network,
    openMirror: mirrors.open,
    pacserve: options.servers && servers.pacserve,
    mirrorRates: new Map(options.mirrorRate === undefined ? [] : [['http://m0/core', options.mirrorRate]]),
    // Whoever still reads them would see it.
    buffers: { acquire: Buffer.alloc, release: (bytes) => void bytes.fill(0xee), dropped: 0 },
  }
  const job: Job = createJob(
    deps,
    { file, mirrors: urls, environment: {}, delay },
    {
      onRejected: () => void rejected++,
      onClosed() {
        closed = true
      },
    },
  )
  const handed = Buffer.alloc(content.length)
  let handedBytes = 0
  let reading: Promise<void> = Promise.resolve()
  async function handOver() {
    if (job.end && job.end.result !== 'done') return
    const bytes = job.readable - handedBytes
    if (bytes <= 0) return
    const at = handedBytes
    const lent = job.lend(at)
    if (lent) {
      handedBytes += lent.bytes.length
      handed.set(lent.bytes, at)
      lent.release()
      return handOver()
    }
    const part = Buffer.alloc(bytes)
    handedBytes += bytes
    await job.read(part, at)
    handed.set(part, at)
  }
  const leave = job.follow({
    onChange() {
      highest = Math.max(highest, job.readable)
      reading = reading.then(handOver)
    },
    onRewind() {
      rewinds++
      reading = reading.then(() => {
        handedBytes = 0
      })
    },
  })

  return {
    clock,
    job,
    leave,
    peers,
    spool,
    hasher,
    bans,
    forgotten,
    mirrorSeen,
    file,
    /** Winds until the job is over, or `until` says so, or it hangs. */
    async run(until: () => boolean = () => false) {
      for (;;) {
        await nextTurn()
        mostSources = Math.max(mostSources, job.sources)
        if (job.end || until()) break
        if (clock.now() > HANGS_AFTER) throw new Error(`the job hangs with ${job.done} of ${file.size} bytes`)
        if (!clock.step()) throw new Error('the job hangs: nothing is left to happen')
      }
      await reading
      return job.end
    },
    async wind(ms: number) {
      const until = clock.now() + ms
      await nextTurn()
      while (clock.now() < until) {
        clock.advance(Math.min(5, until - clock.now()))
        await nextTurn()
      }
    },
    /** What a follower got. */
    get handed() {
      return handed.subarray(0, handedBytes)
    },
    get rewinds() {
      return rewinds
    },
    get mostSources() {
      return mostSources
    },
    get rejected() {
      return rejected
    },
    get searches() {
      return searches
    },
    /** Servers that a job after this one would ask. */
    serversLeft: () => servers.left(file),
    /** The most that was readable before the end. */
    get highest() {
      return highest
    },
    /** What is still held: nothing, once the job is over and nobody follows it. */
    async leftOver() {
      leave()
      for (let turn = 0; turn < 5; turn++) await nextTurn()
      return {
        closed,
        timers: jobClock.left,
        files: spool.openFiles,
        hashes: hasher.openFiles,
        streams: mirrors.streams + servers.streams,
      }
    },
  }
}

export const NOTHING_LEFT = { closed: true, timers: 0, files: 0, hashes: 0, streams: 0 }

/** A network in which nobody is. */
export const emptyNetwork: FileNetwork = {
  id: '0'.repeat(64),
  existing: () => undefined,
  isCompanion: () => false,
  hasCompanions: () => false,
  record: createPeerRecord(createClock()),
  join: () => ({ leave() {} }),
  find: async () => {},
  connect: () => Promise.reject(new Error('nobody')),
  forget() {},
  ban() {},
  isBanned: () => false,
  hasNeighbours: () => false,
  isNeighbour: () => false,
}
