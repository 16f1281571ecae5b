import { chunkSize } from '../../base/chunks.ts'
import type { Clock } from '../../base/clock.ts'
import { PacsrvError } from '../../base/error.ts'
import type { Limiter } from '../../base/limiter.ts'
import type { Log } from '../../base/log.ts'
import { limits } from '../../wire/limits.ts'
import type { MirrorSource, MirrorSourceHandler } from '../sources/mirror-source.ts'
import type { Source, SourceHandler } from '../sources/source.ts'
import type { ChunkPlan, Run } from './request-plan.ts'

/** The sources of one job at work: who is asked for what, and who is left because it stalls. */
export interface Swarm {
  addPeer(make: (handler: SourceHandler) => Source): Source
  /** Has the next mirror of the list join, up to two at once; one that fails is replaced by the next. */
  joinMirror(): void
  /** Leaves this source; what it owed is asked of others. */
  drop(source: Source): void
  /**
   * The mirrors' bytes are wrong: the next takes over, if there is one. Where several gave some, each of them gets
   * another chance, by itself.
   */
  mirrorLied(): void
  /** The chunk is here: whoever else was asked for it is told so. */
  callOff(chunk: number): void
  /** Asks for whatever can be asked for. */
  pump(): void
  /** What the mirror may be asked for has changed: it is no longer asked for what is others' now. */
  trimMirrors(): void
  /** To be called every `TICK_MS`: leaves sources that stall. */
  tick(): void
  /** While true nothing new is asked for. */
  paused: boolean
  readonly peers: Source[]
  readonly mirrors: MirrorSource[]
  /** The mirror that could join next. */
  readonly nextMirror: string | undefined
  /** The rates of all peers that have the whole, and of all mirrors, in bytes a second. */
  peersRate(): number
  mirrorsRate(): number
  /** Whether some peer has a chunk that is missing. */
  canBring(): boolean
  close(): void
}

/** How the mirror may be used just now. */
export interface MirrorScope {
  /** Chunks asked for ahead of the stream at most: the rest is still anybody's. */
  window: number
  /** Set while a crowd shares the mirror out: what this node may ask it for. */
  may?: ((chunk: number) => boolean) | undefined
}

export interface SwarmDeps {
  plan: ChunkPlan
  mirrorScope(): MirrorScope
  clock: Clock
  log: Log
  downloads: Limiter
  makeMirror(url: string, handler: MirrorSourceHandler): MirrorSource
}

export interface SwarmHandler {
  onChunk(source: Source, chunk: number, bytes: Uint8Array): void
  onPeerGone(source: Source, error: PacsrvError): void
  /** A mirror failed; the next has been tried already if there is one. */
  onMirrorFailed(error: PacsrvError): void
  /** What the mirror is asked for has changed. */
  onMirrorAsked(): void
}

export const TICK_MS = 100
/** A peer is asked for as much as it brings in this time, in milliseconds: enough to hide the way there and back. */
const WINDOW_MS = 1_000
/** … and where its answers take long, so many times as long: what it is asked for decides how fast it seems. */
const WINDOW_LATENCIES = 2
const WINDOW_CHUNKS = 2
const WINDOW_BYTES = 8 * 1024 * 1024
/** What near peers bring in this time is left to them, in milliseconds: the rest of the world has other things to do. */
const NEAR_ENOUGH_MS = 2_000
/** A source is left after the time that it takes for so many chunks at its own rate, within bounds. */
const STALL_CHUNKS = 4
const LEAST_STALL_MS = 1_000
const MOST_STALL_MS = 8_000
const UNKNOWN_STALL_MS = 2_000
const MOST_MIRRORS = 2

const rateOf = (sources: Iterable<Source>) => [...sources].reduce((sum, source) => sum + source.rate(), 0)

export function createSwarm(
  { plan, mirrorScope, clock, log, downloads, makeMirror }: SwarmDeps,
  { size, mirrors }: { size: number; mirrors: string[] },
  handler: SwarmHandler,
): Swarm {
  const step = chunkSize(size)
  const peers = new Set<Source>()
  const active = new Set<MirrorSource>()
  const waiting = [...mirrors]
  /** Whose bytes are here, in the order in which they began. */
  const gave = new Set<string>()
  let most = MOST_MIRRORS
  let closed = false
  /** Members that had nothing to ask for, and how things stood then: to look again before that changes is in vain. */
  const barren = new Map<Source, string>()
  /** Where each mirror's stream ends, and up to where it was asked for. */
  const streams = new Map<MirrorSource, { end: number; askedTo: number }>()

  function window(source: Source): number {
    const ms = Math.max(WINDOW_MS, WINDOW_LATENCIES * source.latency)
    const wanted = Math.max(WINDOW_CHUNKS * step, (source.rate() * ms) / 1000)
    return Math.min(WINDOW_BYTES, limits.requests * step, wanted)
  }

  /** Near peers, and far ones too when the near would take long alone. */
  function peersToAsk(): Source[] {
    const near = [...peers].filter((source) => source.near)
    const nearRate = near.reduce((sum, source) => sum + source.rate(), 0)
    return (plan.bytesLeft * 1000) / nearRate <= NEAR_ENOUGH_MS ? near : [...peers]
  }

  /** One chunk for each peer that has room, round and round, so that the first doesn't take all. */
  function askPeers({ again = false } = {}) {
    const state = (source: Source) => `${source.news()} ${plan.freed}`
    let hungry = peersToAsk().filter((source) => again || barren.get(source) !== state(source))
    const among = [...peers].some(({ partial }) => partial) ? [...peers] : []
    while (hungry.length > 0) {
      hungry = hungry.filter((source) => {
        if (downloads.wait() > 0) return false
        const chunk = plan.owed(source) < window(source) ? plan.pick(source, among) : undefined
        if (chunk === undefined) {
          if (source.partial && plan.owed(source) === 0) barren.set(source, state(source))
          return false
        }
        plan.ask(source, chunk)
        source.ask(chunk)
        downloads.charge(step)
        return true
      })
    }
  }

  function askMirrors() {
    const scope = mirrorScope()
    for (const mirror of active) {
      if (mirror.streaming) continue
      const others = [...active].filter((other) => other !== mirror)
      const run = plan.pickRun(mirror, { streams: others, may: scope.may })
      if (run) begin(mirror, run, scope)
    }
  }

  function begin(mirror: MirrorSource, run: Run, { window, may }: MirrorScope) {
    const isAlone = plan.sources().length === 0
    const ahead = Math.min(run.end, run.start + window)
    const end = may ? ahead : run.end
    const askedTo = isAlone ? ahead : end
    for (let chunk = run.start; chunk < askedTo; chunk++) plan.ask(mirror, chunk)
    streams.set(mirror, { end, askedTo })
    mirror.begin({ start: run.start, end })
    handler.onMirrorAsked()
  }

  /** The stream is at `chunk`: what is asked for goes on ahead of it. */
  function askAhead(mirror: MirrorSource, chunk: number, { window, may }: MirrorScope) {
    const stream = streams.get(mirror)!
    const most = Math.min(stream.end, chunk + window)
    const before = stream.askedTo
    while (stream.askedTo < most && plan.isFree(stream.askedTo) && may?.(stream.askedTo) !== false) {
      plan.ask(mirror, stream.askedTo++)
    }
    if (stream.askedTo > before) handler.onMirrorAsked()
  }

  function pump(how?: { again: boolean }) {
    if (swarm.paused || closed) return
    askMirrors()
    askPeers(how)
  }

  function drop(source: Source) {
    source.close()
    plan.leave(source)
    peers.delete(source)
    barren.delete(source)
    active.delete(source as MirrorSource)
    streams.delete(source as MirrorSource)
  }

  function joinMirror() {
    if (closed || active.size >= most) return
    const url = waiting.shift()
    if (url === undefined) return
    active.add(makeMirror(url, mirrorHandler))
    pump()
  }

  function mirrorLied() {
    const suspects = [...gave]
    if (most === 1 || suspects.length === 1) suspects.shift()
    const innocent = [...active].map(({ url }) => url).filter((url) => !gave.has(url))
    for (const mirror of active) drop(mirror)
    waiting.unshift(...suspects, ...innocent)
    most = 1
    gave.clear()
    joinMirror()
  }

  const sourceHandler: SourceHandler = {
    onChunk: handler.onChunk,
    onRefused(source, chunk) {
      plan.unask(source, chunk)
    },
    onGone(source, error) {
      drop(source)
      handler.onPeerGone(source, error ?? new PacsrvError('peer', `${source.label} is gone`))
      pump()
    },
  }

  const mirrorHandler: MirrorSourceHandler = {
    ...sourceHandler,
    onChunk(source, chunk, bytes) {
      gave.add((source as MirrorSource).url)
      handler.onChunk(source, chunk, bytes)
    },
    onGone(source, error) {
      const fault = error ?? new PacsrvError('mirror', `${source.label} gave nothing`)
      log.info({ mirror: source.label, err: fault }, 'a mirror failed')
      drop(source)
      if (active.size === 0) joinMirror()
      else pump()
      handler.onMirrorFailed(fault)
    },
    /** A stream goes on past its run into what nobody was asked for, and ends at what is here already. */
    onReach(source, chunk) {
      if (plan.has(chunk) || plan.isTaken(chunk)) return false
      const scope = mirrorScope()
      if (!plan.isAskedOf(source, chunk)) {
        if (!plan.isFree(chunk) || scope.may?.(chunk) === false) return false
        plan.ask(source, chunk)
        handler.onMirrorAsked()
      }
      askAhead(source, chunk, scope)
      return true
    },
    onRunEnd(source) {
      plan.leave(source)
      handler.onMirrorAsked()
      pump()
    },
  }

  function stallLimit(source: Source): number {
    const rate = source.rate()
    if (rate === 0) return UNKNOWN_STALL_MS
    return Math.min(MOST_STALL_MS, Math.max(LEAST_STALL_MS, (STALL_CHUNKS * step * 1000) / rate))
  }

  const swarm: Swarm = {
    paused: false,
    get peers() {
      return [...peers]
    },
    get mirrors() {
      return [...active]
    },
    get nextMirror() {
      return active.size < most ? waiting[0] : undefined
    },
    addPeer(make) {
      const source = make(sourceHandler)
      peers.add(source)
      pump()
      return source
    },
    joinMirror,
    drop,
    mirrorLied,
    callOff(chunk) {
      for (const source of peers) source.cancel(chunk)
    },
    pump: () => pump(),
    trimMirrors() {
      const { may } = mirrorScope()
      if (!may) return
      for (const mirror of active) {
        const lost = plan.owes(mirror).filter((chunk) => !plan.isTaken(chunk) && !may(chunk))
        for (const chunk of lost) plan.unask(mirror, chunk)
        if (lost.length === 0) continue
        if (plan.owed(mirror) === 0) mirror.close()
        handler.onMirrorAsked()
      }
    },
    tick() {
      for (const source of peers) {
        if (source.heard === undefined || clock.now() - source.heard < stallLimit(source)) continue
        drop(source)
        handler.onPeerGone(source, new PacsrvError('peer', `${source.label} stalled`))
      }
      for (const mirror of active) {
        const isOnly = active.size + waiting.length === 1
        if (isOnly || mirror.heard === undefined || clock.now() - mirror.heard <= MOST_STALL_MS / 2) continue
        mirrorHandler.onGone(mirror, new PacsrvError('mirror', `${mirror.label} stalled`))
      }
      pump({ again: true })
    },
    peersRate: () => rateOf([...peers].filter(({ partial }) => !partial)),
    mirrorsRate: () => rateOf(active),
    canBring() {
      for (let chunk = plan.prefix; chunk < plan.chunks; chunk++) {
        if (!plan.has(chunk) && [...peers].some((source) => source.has(chunk))) return true
      }
      return false
    },
    close() {
      closed = true
      for (const source of peers) drop(source)
      for (const mirror of active) drop(mirror)
    },
  }
  return swarm
}
