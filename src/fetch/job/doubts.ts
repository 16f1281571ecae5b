import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { ChunkMap } from '../file/chunk-map.ts'
import type { ChunkSource, FileSource, SourceOwner } from '../sources/source.ts'
import type { RequestPlan } from './request-plan.ts'
import type { Standings } from './standings.ts'

/** Who of a job's peers is doubted, tried or left, and what becomes of what it was asked for. */
export interface Doubts {
  /** `suspect`: it gave nothing when it was asked for other files. */
  add(source: ChunkSource, suspect: boolean): void
  drop(source: ChunkSource): void
  /** It has given a chunk. */
  gave(source: ChunkSource): void
  /** Doubts it if it keeps what it owes. Whether it is to be left. */
  look(source: ChunkSource): boolean
  /** Asks each suspect for one chunk, the last that others come to: it costs them nothing if it keeps it. */
  tryOut(request: (source: ChunkSource, chunk: number) => void): void
  /** The job is over: whoever was asked in vain is remembered. */
  over(source: ChunkSource): void
}

export interface DoubtsDeps {
  clock: Clock
  log: Log
  map: ChunkMap
  plan: RequestPlan<FileSource>
  standings: Standings
  owners: ReadonlyMap<ChunkSource, SourceOwner>
}

/** A source is left after the time that it takes for so many chunks at its own rate, within bounds. */
const STALL_CHUNKS = 4
const LEAST_STALL_MS = 2_000
const MOST_STALL_MS = 8_000
const UNKNOWN_STALL_MS = 2_000

/** How long a source that was asked may give nothing, in milliseconds. `chunkBytes`: of one chunk. */
function stallLimit(source: ChunkSource, chunkBytes: number): number {
  const rate = source.rate()
  if (rate === 0) return UNKNOWN_STALL_MS
  return Math.min(MOST_STALL_MS, Math.max(LEAST_STALL_MS, (STALL_CHUNKS * chunkBytes * 1000) / rate))
}

export function createDoubts(
  { clock, log, map, plan, standings, owners }: DoubtsDeps,
  chunkBytes: number,
): Doubts {
  /** Suspects that haven't been asked for anything yet. */
  const untried = new Set<ChunkSource>()

  function lastFree(source: ChunkSource): number | undefined {
    for (let chunk = map.chunks - 1; chunk >= map.prefix; chunk--)
      if (map.isMissing(chunk) && plan.isFree(chunk) && source.has(chunk)) return chunk
    return undefined
  }

  return {
    add(source, suspect) {
      standings.add(source, suspect)
      if (!suspect) return
      untried.add(source)
      plan.doubt(source)
    },
    drop(source) {
      standings.delete(source)
      untried.delete(source)
    },
    gave(source) {
      if (standings.gave(source)) plan.trust(source)
      // Of whom was doubted the end tells: with a chunk it would have its name back, and keep the next.
      if (standings.doubts(source) === 0) owners.get(source)?.stood?.('gave')
    },
    look(source) {
      if (untried.has(source)) return false
      const verdict = standings.look(source)
      const ms = source.heard === undefined ? 0 : clock.now() - source.heard
      const limit = stallLimit(source, chunkBytes)
      const leaves = verdict === 'leave' || ms >= limit
      const owner = owners.get(source)
      if (leaves || verdict === 'doubt') {
        const about = { source: source.label, role: owner?.role, ms, limit, owed: plan.owed(source) }
        log.debug(
          about,
          leaves ? 'a source is left: it stalled' : 'a source is doubted: others are asked too',
        )
      }
      if (leaves && source.waitingSince !== undefined) owner?.stood?.('silent')
      else if (verdict === 'doubt' && !standings.hasGiven(source)) owner?.stood?.('late')
      if (!leaves && verdict === 'doubt') plan.doubt(source)
      else if (!leaves && verdict === 'trust') plan.trust(source)
      return leaves
    },
    tryOut(request) {
      for (const source of untried) {
        const chunk = lastFree(source)
        if (chunk === undefined) continue
        untried.delete(source)
        request(source, chunk)
      }
    },
    over(source) {
      const owner = owners.get(source)
      const hasKeptMuch = !source.partial && standings.hasKeptMuch(source)
      if (!source.partial && standings.wasInVain(source)) owner?.stood?.('late')
      else if (standings.hasGiven(source) && standings.doubts(source) > 0)
        owner?.stood?.(hasKeptMuch ? 'silent' : 'gave')
    },
  }
}
