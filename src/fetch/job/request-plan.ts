import { chunkLength } from '../../base/chunks.ts'
import type { ChunkMap } from '../file/chunk-map.ts'
import { UNKNOWN_RATE } from '../sources/rate-meter.ts'
import type { ChunkRun } from '../sources/source.ts'
import { createAskers, type SourceJudge } from './askers.ts'

/** A source as the plan sees it: a peer that answers chunk by chunk, or a mirror that streams a run. */
export interface PlannedSource {
  /** Bytes a second as measured; 0 while unknown. */
  rate(): number
  /** Whether it can give this chunk. */
  has(chunk: number): boolean
}

export interface RunRules<Source> {
  streams?: Source[]
  may?: ((chunk: number) => boolean) | undefined
}

/**
 * Which chunks of one file are asked for and of whom; decides what to ask next. Only the scheduler changes it; what is
 * here already it reads in the partial file's map.
 */
export interface RequestPlan<Source extends PlannedSource> {
  /** Neither here, nor being written, nor asked for. */
  isFree(chunk: number): boolean
  /** It is here: nobody owes it any more. */
  arrived(chunk: number): void
  /**
   * The chunk that `source` should be asked for next: of those that nobody was asked for the one that the fewest of
   * `among` have, and of these the first; else one that it would bring sooner. Without `among` all have all.
   */
  pick(source: Source, among?: readonly Source[]): number | undefined
  /** `source` keeps what it was asked for too long: that is anybody's again, though it may still come … */
  doubt(source: Source): void
  /** … or not, since it has given something. */
  trust(source: Source): void
  /**
   * The run that a streaming source should begin: the part of the widest gap that the others won't reach first; where
   * there is no gap, its share of what one of the `streams` has before it, which then no longer owes that. With `may`,
   * the first run of what it may bring.
   */
  pickRun(source: Source, how?: RunRules<Source>): ChunkRun | undefined
  ask(source: Source, chunk: number): void
  /** `source` no longer owes the chunk (it came, was refused, or was called off). */
  unask(source: Source, chunk: number): void
  /** `source` is gone: what only it was asked for is anybody's again. */
  leave(source: Source): void
  /** Who was asked for it; for a moment's use. */
  askedOf(chunk: number): Iterable<Source>
  isAskedOf(source: Source, chunk: number): boolean
  /** What `source` owes, in the order it was asked. */
  owes(source: Source): readonly number[]
  /** Grows whenever a chunk has become free that was asked for, or was here. */
  readonly freed: number
  /** Bytes that `source` owes. */
  owed(source: Source): number
  /** Nobody owes anything. */
  readonly isIdle: boolean
}

/** A chunk is asked for a second time only where that brings it clearly sooner. */
const CLEARLY = 1.25
/** A stream that has no more than this before it is left alone, in milliseconds: another would cost a request. */
const STREAM_MS = 1_000
/** The rarest is looked for among so many of the first chunks that can be asked for. */
const RAREST_OF = 32

type Test = (chunk: number) => boolean

/** The chunks from `start` on that pass. */
function runAt(start: number, chunks: number, passes: Test): ChunkRun {
  let end = start
  while (end < chunks && passes(end)) end++
  return { start, end }
}

function firstRun(from: number, chunks: number, passes: Test): ChunkRun | undefined {
  for (let chunk = from; chunk < chunks; chunk++) if (passes(chunk)) return runAt(chunk, chunks, passes)
  return undefined
}

function widestRun(from: number, chunks: number, passes: Test): ChunkRun | undefined {
  let widest: ChunkRun | undefined
  for (let at = from; at < chunks; at++) {
    const run = runAt(at, chunks, passes)
    if (run.end > at && (!widest || run.end - at > widest.end - widest.start)) widest = run
    at = run.end
  }
  return widest
}

/** Finds the first free chunk, without looking at all before it each time. */
function createCursor(map: ChunkMap, isFree: Test) {
  /** No chunk before this one is free, but for those that were lost since. */
  let at = 0
  let lossesSeen = map.losses
  let freed = 0
  return {
    /** The number of all chunks where none is free. */
    first(): number {
      if (map.losses !== lossesSeen) at = map.prefix
      lossesSeen = map.losses
      while (at < map.chunks && !isFree(at)) at++
      return at
    },
    /** It may have become free. */
    lookAt(chunk: number) {
      if (!isFree(chunk)) return
      at = Math.min(at, chunk)
      freed++
    },
    /** Grows with each that has. */
    get freed() {
      return freed
    },
  }
}

export function createRequestPlan<Source extends PlannedSource>(
  map: ChunkMap,
  fileSize: number,
  judge: SourceJudge<Source> = { isSound: () => true, hasSound: () => true },
): RequestPlan<Source> {
  const { chunks } = map
  const askers = createAskers(judge)
  /** What each source owes, in the order it was asked. */
  const queues = new Map<Source, number[]>()
  const debts = new Map<Source, number>()
  const length = (chunk: number) => chunkLength(fileSize, chunk)
  const free = (chunk: number) => map.isMissing(chunk) && !askers.isAsked(chunk)
  const cursor = createCursor(map, free)
  const owed = (source: Source) => debts.get(source) ?? 0
  const speed = (source: Source) => source.rate() || UNKNOWN_RATE

  function unask(source: Source, chunk: number) {
    if (!askers.remove(source, chunk)) return
    const queue = queues.get(source) ?? []
    queue.splice(queue.indexOf(chunk), 1)
    debts.set(source, owed(source) - length(chunk))
    cursor.lookAt(chunk)
  }

  function rarest(source: Source, among: readonly Source[]): number | undefined {
    let found: number | undefined
    let fewest = Number.POSITIVE_INFINITY
    for (let chunk = cursor.first(), seen = 0; chunk < chunks && seen < RAREST_OF; chunk++) {
      if (!free(chunk) || !source.has(chunk)) continue
      if (askers.isBarredFrom(source, chunk)) continue
      if (among.length === 0) return chunk
      seen++
      let count = 0
      for (const other of among) if (other.has(chunk)) count++
      if (count >= fewest) continue
      found = chunk
      fewest = count
      if (count <= 1) break
    }
    return found
  }

  /**
   * How long a source takes for what it owes. One that has given nothing yet may never give: whoever is idle and known to
   * give needn't take it for as fast as others are at first.
   */
  const burden = (other: Source, isIdlePeer: boolean) =>
    isIdlePeer && owed(other) > 0 && other.rate() === 0 ? Number.MAX_VALUE : owed(other) / speed(other)

  /** What the slowest would bring last, if `source` brings it clearly sooner. */
  function latest(source: Source, may = (_: number) => true, isIdlePeer = false): number | undefined {
    let found: number | undefined
    let latestMs = 0
    const soonest = owed(source) / speed(source)
    for (const [other, queue] of queues) {
      const theirs = burden(other, isIdlePeer)
      if (other === source || askers.isDoubted(other) || theirs <= latestMs || theirs <= soonest * CLEARLY)
        continue
      const chunk = queue.findLast(
        (c) => source.has(c) && may(c) && map.isMissing(c) && askers.mayJoin(source, c),
      )
      if (chunk === undefined) continue
      const mine = (owed(source) + length(chunk)) / speed(source)
      if (theirs > mine * CLEARLY) {
        found = chunk
        latestMs = theirs
      }
    }
    return found
  }

  /** Of all who owe something. However many have given nothing yet, they may be one. */
  function speedOfOthers(source: Source): number {
    let sum = 0
    let unknown = 0
    for (const other of queues.keys()) {
      if (other === source || owed(other) === 0 || askers.isDoubted(other)) continue
      if (judge.isSound(other)) sum += speed(other)
      else unknown = UNKNOWN_RATE
    }
    return sum + unknown
  }

  /** The later part of the run that `stream` is at, so that both come to its end at once. */
  function shareOf(stream: Source, source: Source): ChunkRun | undefined {
    const queue = queues.get(stream) ?? []
    const last = queue.at(-1)
    if (last === undefined || (owed(stream) * 1000) / speed(stream) <= STREAM_MS) return undefined
    let first = last
    for (let at = queue.length - 2; at >= 0 && queue[at] === first - 1; at--) first--
    const left = last + 1 - first
    const kept = Math.max(1, Math.ceil((left * speed(stream)) / (speed(stream) + speed(source))))
    if (kept >= left) return undefined
    for (let chunk = first + kept; chunk <= last; chunk++) unask(stream, chunk)
    return { start: first + kept, end: last + 1 }
  }

  return {
    isFree: free,
    arrived(chunk) {
      for (const source of askers.of(chunk) ?? []) unask(source, chunk)
    },
    pick: (source, among = []) =>
      rarest(source, among) ?? latest(source, undefined, owed(source) === 0 && judge.isSound(source)),
    pickRun(source, { streams = [], may } = {}) {
      const gap = may
        ? firstRun(cursor.first(), chunks, (chunk) => free(chunk) && may(chunk))
        : widestRun(cursor.first(), chunks, free)
      if (!gap) {
        const share = streams.map((stream) => shareOf(stream, source)).find((run) => run !== undefined)
        if (share) return share
        const chunk = latest(source, may)
        return chunk === undefined ? undefined : { start: chunk, end: chunk + 1 }
      }
      if (may) return gap
      const others = speedOfOthers(source)
      const share = others / (others + speed(source))
      return { start: gap.start + Math.floor((gap.end - gap.start) * share), end: gap.end }
    },
    ask(source, chunk) {
      if (!askers.add(source, chunk)) return
      const queue = queues.get(source) ?? []
      queue.push(chunk)
      queues.set(source, queue)
      debts.set(source, owed(source) + length(chunk))
    },
    unask,
    leave(source) {
      for (const chunk of [...(queues.get(source) ?? [])]) unask(source, chunk)
      queues.delete(source)
      debts.delete(source)
      askers.setDoubted(source, false)
    },
    doubt(source) {
      askers.setDoubted(source, true)
      for (const chunk of queues.get(source) ?? []) cursor.lookAt(chunk)
    },
    trust: (source) => askers.setDoubted(source, false),
    askedOf: (chunk) => askers.of(chunk) ?? [],
    isAskedOf: (source, chunk) => askers.of(chunk)?.has(source) === true,
    owes: (source) => queues.get(source) ?? [],
    get freed() {
      return cursor.freed + map.losses
    },
    owed,
    get isIdle() {
      return askers.size === 0
    },
  }
}
