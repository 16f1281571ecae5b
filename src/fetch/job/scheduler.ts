import type { Clock } from '../../base/clock.ts'
import type { PacsrvError } from '../../base/error.ts'
import type { Limiter } from '../../base/limiter.ts'
import type { Log } from '../../base/log.ts'
import { createOnceATurn } from '../../base/once-a-turn.ts'
import type { MirrorScope } from '../crowd/mirror-shares.ts'
import type { ChunkMap } from '../file/chunk-map.ts'
import type {
  ChunkSource,
  FileSource,
  MakeChunkSource,
  SourceOwner,
  StreamHandler,
  StreamSource,
} from '../sources/source.ts'
import { createMirrorStreams, type MirrorStreams } from './mirror-streams.ts'
import { createPeerRequests, type PeerRequests, rateOf } from './peer-requests.ts'
import { createRequestPlan, type RequestPlan } from './request-plan.ts'

/** The sources of one job at work: who is asked for what, and who is left because it stalls. Owns the request plan. */
export interface Scheduler {
  join(make: MakeChunkSource, owner: SourceOwner): ChunkSource
  /** Whether it has given a chunk, and kept none too long. */
  isSound(source: ChunkSource): boolean
  /** The source is another's now. */
  handOver(source: ChunkSource, owner: SourceOwner): void
  ownerOf(source: ChunkSource): SourceOwner | undefined
  /** Leaves this source, whose owner isn't told; what it owed is asked of others. */
  drop(source: ChunkSource): void
  /** The chunk is here: whoever else was asked for it is told so. */
  arrived(chunk: number): void
  /** What `source` gave for this chunk doesn't count. */
  wasted(source: FileSource, chunk: number): void
  /** Whether a mirror was asked for the chunk. */
  isAskedOfMirror(chunk: number): boolean
  /** See MirrorStreams. */
  joinMirror(rule: string): void
  trimMirrors(): void
  mirrorLied(): void
  /** Asks for whatever can be asked for, once for all that happens in this turn of the loop. */
  pump(): void
  /** To be called every `TICK_MS`: leaves sources that stall. */
  tick(): void
  readonly peers: readonly ChunkSource[]
  readonly mirrors: ReadonlySet<StreamSource>
  /** The mirror that could join next. */
  readonly nextMirror: string | undefined
  /** Whether some peer has the whole. */
  readonly hasHolder: boolean
  /** By the clock, when a holder last gave a chunk; undefined while none has. */
  readonly holderGaveAt: number | undefined
  /** Requests for a chunk that somebody else owed already. */
  readonly askedTwice: number
  /** The rates of all peers that have the whole, and of all mirrors, in bytes a second. */
  peersRate(): number
  mirrorsRate(): number
  /** Whether some peer has a chunk that is missing. */
  canBring(): boolean
  close(): void
}

export interface SchedulerDeps {
  map: ChunkMap
  mirrorScope(): MirrorScope
  clock: Clock
  log: Log
  downloads: Limiter
  makeMirror(url: string, handler: StreamHandler): StreamSource
}

export interface SchedulerHandler {
  onChunk(source: FileSource, chunk: number, bytes: Uint8Array): void
  /** A peer has been left; its owner knows. */
  onPeerGone(): void
  /** A mirror failed; the next has been tried already if there is one. */
  onMirrorFailed(error: PacsrvError): void
  /** What the mirror is asked for has changed. */
  onMirrorAsked(): void
}

export const TICK_MS = 100
export function createScheduler(
  { map, mirrorScope, clock, log, downloads, makeMirror }: SchedulerDeps,
  { size, mirrors }: { size: number; mirrors: string[] },
  handler: SchedulerHandler,
): Scheduler {
  const plan: RequestPlan<FileSource> = createRequestPlan<FileSource>(map, size, {
    isSound: (source) => source.kind === 'mirror' || peers.isSound(source),
    hasSound: () => streams.active.size > 0 || peers.hasSound(),
  })
  let closed = false

  const peers: PeerRequests = createPeerRequests({ clock, log, map, plan, downloads }, size, {
    onChunk: handler.onChunk,
    onGone: handler.onPeerGone,
    onIdle: () => pump(),
  })
  const streams: MirrorStreams = createMirrorStreams(
    { clock, log, map, plan, scope: mirrorScope, make: makeMirror },
    mirrors,
    {
      onChunk: handler.onChunk,
      onFailed: handler.onMirrorFailed,
      onAsked: handler.onMirrorAsked,
      onIdle: () => pump(),
    },
  )

  function pump(again = false) {
    if (closed) return
    streams.ask(again)
    peers.ask(again)
  }

  const turn = createOnceATurn(clock, pump)

  return {
    get peers() {
      return peers.list
    },
    mirrors: streams.active,
    get nextMirror() {
      return streams.next
    },
    get hasHolder() {
      return peers.hasHolder
    },
    get holderGaveAt() {
      return peers.holderGaveAt
    },
    get askedTwice() {
      return peers.askedTwice
    },
    join: peers.join,
    isSound: peers.isSound,
    handOver: peers.handOver,
    ownerOf: peers.ownerOf,
    drop: peers.drop,
    arrived(chunk) {
      for (const source of plan.askedOf(chunk)) if (source.kind === 'peer') source.cancel(chunk)
      plan.arrived(chunk)
    },
    wasted: plan.unask,
    isAskedOfMirror(chunk) {
      for (const mirror of streams.active) if (plan.isAskedOf(mirror, chunk)) return true
      return false
    },
    joinMirror: streams.join,
    trimMirrors: streams.trim,
    mirrorLied: streams.lied,
    pump: turn.soon,
    tick() {
      peers.tick()
      streams.tick()
      pump(true)
    },
    peersRate: peers.rate,
    mirrorsRate: () => rateOf(streams.active),
    canBring: peers.canBring,
    close() {
      closed = true
      turn.stop()
      peers.close()
      streams.close()
    },
  }
}
