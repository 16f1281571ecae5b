import { chunkCount, chunkLength } from '../../base/chunks.ts'

/** A source as the plan sees it: a peer that answers chunk by chunk, or a mirror that streams a run. */
export interface PlannedSource {
  /** Bytes a second as measured; 0 while unknown. */
  rate(): number
  /** Whether it can give this chunk. */
  has(chunk: number): boolean
}

/** A run of chunks, `end` not included. */
export interface Run {
  start: number
  end: number
}

export interface RunRules {
  streams?: PlannedSource[]
  may?: ((chunk: number) => boolean) | undefined
}

/** Which chunks of one file are here, which are asked for and of whom; decides what to ask next. */
export interface ChunkPlan {
  readonly chunks: number
  /** Chunks that are here. */
  readonly count: number
  /** Bytes not here yet. */
  readonly bytesLeft: number
  /** Chunks that are here from the first on without a gap. */
  readonly prefix: number
  has(chunk: number): boolean
  /** It has come and is being written: nobody else need be asked for it. `got` or `lost` follows. */
  taken(chunk: number): void
  isTaken(chunk: number): boolean
  /** Neither here nor asked for. */
  isFree(chunk: number): boolean
  /** It is here: nobody owes it any more. */
  got(chunk: number): void
  /** A chunk that was here, or taken, proved wrong. */
  lost(chunk: number): void
  /**
   * The chunk that `source` should be asked for next: of those that nobody was asked for the one that the fewest of
   * `among` have, and of these the first; else one that it would bring sooner. Without `among` all have all.
   */
  pick(source: PlannedSource, among?: PlannedSource[]): number | undefined
  /**
   * The run that a streaming source should begin: the part of the widest gap that the others won't reach first; where
   * there is no gap, its share of what one of the `streams` has before it, which then no longer owes that. With `may`,
   * the first run of what it may bring.
   */
  pickRun(source: PlannedSource, how?: RunRules): Run | undefined
  ask(source: PlannedSource, chunk: number): void
  /** `source` no longer owes the chunk (it came, was refused, or was called off). */
  unask(source: PlannedSource, chunk: number): void
  /** `source` is gone: what only it was asked for is anybody's again. */
  leave(source: PlannedSource): void
  /** Who was asked for it. */
  askedOf(chunk: number): PlannedSource[]
  isAskedOf(source: PlannedSource, chunk: number): boolean
  /** What `source` owes, in the order it was asked. */
  owes(source: PlannedSource): readonly number[]
  /** Grows whenever a chunk has become free that was asked for, or was here. */
  readonly freed: number
  /** Bytes that `source` owes. */
  owed(source: PlannedSource): number
  /** Sources that owe something. */
  sources(): PlannedSource[]
}

/** What a source is taken for until it was measured: a good DSL line's upload, in bytes a second. */
export const UNKNOWN_RATE = 250_000
/** A chunk is asked for a second time only where that brings it clearly sooner. */
const CLEARLY = 1.25
const MOST_ASKED = 2
/** A stream that has no more than this before it is left alone, in milliseconds: another would cost a request. */
const STREAM_MS = 1_000
/** The rarest is looked for among so many of the first chunks that can be asked for. */
const RAREST_OF = 32

export function createChunkPlan(fileSize: number): ChunkPlan {
  const chunks = chunkCount(fileSize)
  const here = new Uint8Array(chunks)
  const beingWritten = new Set<number>()
  const askers = new Map<number, Set<PlannedSource>>()
  /** What each source owes, in the order it was asked. */
  const queues = new Map<PlannedSource, number[]>()
  const debts = new Map<PlannedSource, number>()
  let count = 0
  let bytesLeft = fileSize
  let prefix = 0
  let freed = 0
  /** No chunk before this one is both absent and unasked. */
  let cursor = 0

  const length = (chunk: number) => chunkLength(fileSize, chunk)
  const free = (chunk: number) => here[chunk] === 0 && !beingWritten.has(chunk) && !askers.has(chunk)
  const owed = (source: PlannedSource) => debts.get(source) ?? 0
  const speed = (source: PlannedSource) => source.rate() || UNKNOWN_RATE

  function unask(source: PlannedSource, chunk: number) {
    const asked = askers.get(chunk)
    if (!asked?.delete(source)) return
    if (asked.size === 0) askers.delete(chunk)
    const queue = queues.get(source)!
    queue.splice(queue.indexOf(chunk), 1)
    debts.set(source, owed(source) - length(chunk))
    if (!free(chunk)) return
    cursor = Math.min(cursor, chunk)
    freed++
  }

  function firstFree(source: PlannedSource, among: PlannedSource[]): number | undefined {
    while (cursor < chunks && !free(cursor)) cursor++
    let rarest: number | undefined
    let fewest = Number.POSITIVE_INFINITY
    for (let chunk = cursor, seen = 0; chunk < chunks && seen < RAREST_OF; chunk++) {
      if (!free(chunk) || !source.has(chunk)) continue
      if (among.length === 0) return chunk
      seen++
      const count = among.filter((other) => other.has(chunk)).length
      if (count >= fewest) continue
      rarest = chunk
      fewest = count
      if (count <= 1) break
    }
    return rarest
  }

  /** What the slowest would bring last, if `source` brings it clearly sooner. */
  function latest(source: PlannedSource, may = (_: number) => true): number | undefined {
    let found: number | undefined
    let latestMs = 0
    for (const [other, queue] of queues) {
      if (other === source) continue
      const chunk = queue.findLast(
        (c) =>
          source.has(c) &&
          may(c) &&
          !beingWritten.has(c) &&
          !askers.get(c)?.has(source) &&
          askers.get(c)!.size < MOST_ASKED,
      )
      if (chunk === undefined) continue
      const mine = (owed(source) + length(chunk)) / speed(source)
      const theirs = owed(other) / speed(other)
      if (theirs > mine * CLEARLY && theirs > latestMs) {
        found = chunk
        latestMs = theirs
      }
    }
    return found
  }

  /** The later part of the run that `stream` is at, so that both come to its end at once. */
  function shareOf(stream: PlannedSource, source: PlannedSource): Run | undefined {
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

  function firstRun(may: (chunk: number) => boolean): Run | undefined {
    for (let start = cursor; start < chunks; start++) {
      if (!free(start) || !may(start)) continue
      let end = start + 1
      while (end < chunks && free(end) && may(end)) end++
      return { start, end }
    }
    return undefined
  }

  function widestGap(): Run | undefined {
    let widest: Run | undefined
    for (let start = cursor; start < chunks; ) {
      if (!free(start)) {
        start++
        continue
      }
      let end = start
      while (end < chunks && free(end)) end++
      if (!widest || end - start > widest.end - widest.start) widest = { start, end }
      start = end
    }
    return widest
  }

  return {
    chunks,
    get count() {
      return count
    },
    get bytesLeft() {
      return bytesLeft
    },
    get prefix() {
      return prefix
    },
    has: (chunk) => here[chunk] === 1,
    taken: (chunk) => void beingWritten.add(chunk),
    isTaken: (chunk) => beingWritten.has(chunk),
    isFree: free,
    got(chunk) {
      beingWritten.delete(chunk)
      if (here[chunk]) return
      here[chunk] = 1
      count++
      bytesLeft -= length(chunk)
      for (const source of [...(askers.get(chunk) ?? [])]) unask(source, chunk)
      while (prefix < chunks && here[prefix]) prefix++
    },
    lost(chunk) {
      beingWritten.delete(chunk)
      cursor = Math.min(cursor, chunk)
      freed++
      if (!here[chunk]) return
      here[chunk] = 0
      count--
      bytesLeft += length(chunk)
      prefix = Math.min(prefix, chunk)
    },
    pick: (source, among = []) => firstFree(source, among) ?? latest(source),
    pickRun(source, { streams = [], may } = {}) {
      const gap = may ? firstRun(may) : widestGap()
      if (!gap) {
        const share = streams.map((stream) => shareOf(stream, source)).find((run) => run !== undefined)
        if (share) return share
        const chunk = latest(source, may)
        return chunk === undefined ? undefined : { start: chunk, end: chunk + 1 }
      }
      if (may) return gap
      let others = 0
      for (const other of queues.keys()) if (other !== source && owed(other) > 0) others += speed(other)
      const share = others / (others + speed(source))
      return { start: gap.start + Math.floor((gap.end - gap.start) * share), end: gap.end }
    },
    ask(source, chunk) {
      const asked = askers.get(chunk) ?? new Set()
      if (asked.has(source)) return
      askers.set(chunk, asked.add(source))
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
    },
    askedOf: (chunk) => [...(askers.get(chunk) ?? [])],
    isAskedOf: (source, chunk) => askers.get(chunk)?.has(source) === true,
    owes: (source) => queues.get(source) ?? [],
    get freed() {
      return freed
    },
    owed,
    sources: () => [...queues.keys()].filter((source) => owed(source) > 0),
  }
}
