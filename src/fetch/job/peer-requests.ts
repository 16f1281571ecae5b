import { chunkSize } from '../../base/chunks.ts'
import type { Clock } from '../../base/clock.ts'
import type { Limiter } from '../../base/limiter.ts'
import type { Log } from '../../base/log.ts'
import { limits } from '../../wire/limits.ts'
import type { ChunkMap } from '../file/chunk-map.ts'
import type {
  ChunkSource,
  ChunkSourceHandler,
  FileSource,
  MakeChunkSource,
  SourceOwner,
} from '../sources/source.ts'
import { createDoubts } from './doubts.ts'
import type { RequestPlan } from './request-plan.ts'
import { createStandings } from './standings.ts'

/** The peers' part of the scheduler: who they are, whose, and what each is asked for. */
export interface PeerRequests {
  /** Never changed in place. */
  readonly list: readonly ChunkSource[]
  /** Whether one has the whole of whom something is hoped. */
  readonly hasHolder: boolean
  /** By the clock, when one that has the whole last gave a chunk. */
  readonly holderGaveAt: number | undefined
  /** Requests for a chunk that somebody else owed already. */
  readonly askedTwice: number
  join(make: MakeChunkSource, owner: SourceOwner): ChunkSource
  handOver(source: ChunkSource, owner: SourceOwner): void
  ownerOf(source: ChunkSource): SourceOwner | undefined
  /** Leaves it, and doesn't tell its owner. */
  drop(source: ChunkSource): void
  /** Asks for whatever there is room for; `again`: also those that had nothing to be asked for last time. */
  ask(again: boolean): void
  /** Leaves those that stall. */
  tick(): void
  /** Of all that have the whole, in bytes a second. */
  rate(): number
  /** Whether one has a chunk that is missing. */
  canBring(): boolean
  /** Whether it has given a chunk, and was never doubted. */
  isSound(source: FileSource): boolean
  hasSound(): boolean
  /** The job is over: all are let go. */
  close(): void
}

export interface PeerRequestsDeps {
  clock: Clock
  log: Log
  map: ChunkMap
  plan: RequestPlan<FileSource>
  downloads: Limiter
}

export interface PeerRequestsHandler {
  onChunk(source: ChunkSource, chunk: number, bytes: Uint8Array): void
  /** One has been left of its own accord; its owner knows. */
  onGone(): void
  /** Something may be asked for. */
  onIdle(): void
}

/** A peer is asked for as much as it brings in this time, in milliseconds: enough to hide the way there and back. */
const WINDOW_MS = 1_000
/** … and where its answers take long, so many times as long: what it is asked for decides how fast it seems. */
const WINDOW_LATENCIES = 2
const WINDOW_CHUNKS = 2
const WINDOW_BYTES = 8 * 1024 * 1024
/** More is asked for when there is room for so many chunks, or a quarter of the window: several go in one message. */
const REFILL_CHUNKS = 8
/** What near peers bring in this time is left to them, in milliseconds: the rest of the world has other things to do. */
const NEAR_ENOUGH_MS = 2_000

export function rateOf(sources: Iterable<FileSource>): number {
  let sum = 0
  for (const source of sources) sum += source.rate()
  return sum
}

/** Bytes that a source may owe. */
function windowOf(source: ChunkSource, chunkBytes: number, doubts: number): number {
  if (doubts > 0) return chunkBytes
  const ms = Math.max(WINDOW_MS, WINDOW_LATENCIES * source.latency)
  const wanted = Math.max(WINDOW_CHUNKS * chunkBytes, (source.rate() * ms) / 1000)
  return Math.min(WINDOW_BYTES, limits.requests * chunkBytes, wanted)
}

function someBring(map: ChunkMap, peers: readonly ChunkSource[]): boolean {
  for (let chunk = map.prefix; chunk < map.chunks; chunk++) {
    if (!map.has(chunk) && peers.some((source) => source.has(chunk))) return true
  }
  return false
}

export function createPeerRequests(
  { clock, log, map, plan, downloads }: PeerRequestsDeps,
  size: number,
  handler: PeerRequestsHandler,
): PeerRequests {
  const step = chunkSize(size)
  const owners = new Map<ChunkSource, SourceOwner>()
  /** The keys of `owners`, for those who go through them with every chunk. */
  let peers: readonly ChunkSource[] = []
  const standings = createStandings(clock, step)
  /** Members that had nothing to ask for, and how things stood then: to look again before that changes is in vain. */
  const barren = new Map<ChunkSource, { news: number; freed: number }>()
  const doubts = createDoubts({ clock, log, map, plan, standings, owners }, step)
  /** Those that were asked for what others owed. */
  const overtakers = new Set<FileSource>()
  let askedTwice = 0
  let holderGaveAt: number | undefined

  const undoubted = () =>
    standings.someDoubted ? peers.filter((source) => !standings.isDoubted(source)) : peers

  /** Near peers, and far ones too when the near would take long alone. */
  function peersToAsk(): readonly ChunkSource[] {
    const all = undoubted()
    const near = all.filter((source) => source.near)
    return (map.bytesLeft * 1000) / rateOf(near) <= NEAR_ENOUGH_MS ? near : all
  }

  function isBarren(source: ChunkSource): boolean {
    const then = barren.get(source)
    return then !== undefined && then.news === source.news && then.freed === plan.freed
  }

  function request(source: ChunkSource, chunk: number) {
    if (!plan.isFree(chunk)) {
      askedTwice++
      const others = [...plan.askedOf(chunk)].map(({ label }) => label).join(', ')
      const about = { source: source.label, chunk, others }
      if (!overtakers.has(source)) log.debug(about, 'it is asked for what others owe: it brings it sooner')
      overtakers.add(source)
    }
    plan.ask(source, chunk)
    standings.asked(source)
    source.ask(chunk)
    downloads.charge(step)
  }

  /**
   * One chunk for each peer that has room, round and round, so that the first doesn't take all. Who has room for few is
   * left for later.
   */
  function ask(again: boolean) {
    if (again && downloads.wait() === 0) doubts.tryOut(request)
    let hungry = peersToAsk()
      .filter((source) => again || !isBarren(source))
      .map((source) => ({ source, window: windowOf(source, step, standings.doubts(source)) }))
      .filter(
        ({ source, window }) => window - plan.owed(source) >= Math.min(window / 4, REFILL_CHUNKS * step),
      )
    const among = peers.some(({ partial }) => partial) ? peers : []
    while (hungry.length > 0) {
      hungry = hungry.filter(({ source, window }) => {
        if (downloads.wait() > 0) return false
        const chunk = plan.owed(source) < window ? plan.pick(source, among) : undefined
        if (chunk !== undefined) request(source, chunk)
        else if (source.partial && plan.owed(source) === 0)
          barren.set(source, { news: source.news, freed: plan.freed })
        return chunk !== undefined
      })
    }
  }

  function drop(source: ChunkSource) {
    source.close()
    plan.leave(source)
    owners.delete(source)
    doubts.drop(source)
    peers = [...owners.keys()]
    barren.delete(source)
    overtakers.delete(source)
  }

  /** It is left of its own accord. */
  function leave(source: ChunkSource) {
    const owner = owners.get(source)
    drop(source)
    owner?.gone()
    handler.onGone()
  }

  const sourceHandler: ChunkSourceHandler = {
    onChunk(source, chunk, bytes) {
      doubts.gave(source)
      if (!source.partial) holderGaveAt = clock.now()
      handler.onChunk(source, chunk, bytes)
    },
    onRefused: (source, chunk) => plan.unask(source, chunk),
    onGone(source, error) {
      log.debug({ source: source.label, role: owners.get(source)?.role, err: error }, 'a source is gone')
      leave(source)
      handler.onIdle()
    },
  }

  return {
    get list() {
      return peers
    },
    get hasHolder() {
      return peers.some((source) => !source.partial && !standings.isSuspect(source))
    },
    get holderGaveAt() {
      return holderGaveAt
    },
    get askedTwice() {
      return askedTwice
    },
    join(make, owner) {
      const source = make(sourceHandler)
      owners.set(source, owner)
      doubts.add(source, owner.suspect === true)
      peers = [...owners.keys()]
      handler.onIdle()
      return source
    },
    handOver(source, owner) {
      if (owners.has(source)) owners.set(source, owner)
    },
    ownerOf: (source) => owners.get(source),
    drop,
    ask,
    tick() {
      for (const source of peers) if (doubts.look(source)) leave(source)
    },
    close() {
      for (const source of peers) {
        doubts.over(source)
        drop(source)
      }
    },
    isSound: standings.isSound,
    hasSound: () => undoubted().some(standings.isSound),
    rate: () => rateOf(undoubted().filter(({ partial }) => !partial)),
    canBring: () => someBring(map, peers),
  }
}
