import type { Clock } from '../../base/clock.ts'
import type { ChunkSource, FileSource } from '../sources/source.ts'
import { type Giving, isDoubtful, isHopeless, wasInVain } from './source-standing.ts'

/** What is to be done about a source that was looked at. */
export type Verdict = 'none' | 'doubt' | 'trust' | 'leave'

/** How the peers of a job stand: what each gave, and whether it keeps too long what it was asked for. */
export interface Standings {
  /** `suspect`: it was asked in vain for other files, and is doubted until it has given something. */
  add(source: ChunkSource, suspect: boolean): void
  delete(source: ChunkSource): void
  /** It was asked for a chunk. */
  asked(source: ChunkSource): void
  /** It has given a chunk. Whether it was doubted until now. */
  gave(source: ChunkSource): boolean
  /** To be called now and again; what it says is done then. */
  look(source: ChunkSource): Verdict
  isDoubted(source: ChunkSource): boolean
  /** Now that the file is whole: whether it was asked long enough, and gave nothing. */
  wasInVain(source: ChunkSource): boolean
  /** Whether it has given no more than half of what it was asked for. */
  hasKeptMuch(source: ChunkSource): boolean
  /** Whether it has given a chunk, and was never doubted. */
  isSound(source: FileSource): boolean
  /** How often it was doubted. */
  doubts(source: ChunkSource): number
  readonly someDoubted: boolean
  hasGiven(source: ChunkSource): boolean
  /** Whether it was one when it was added, and has given nothing since. */
  isSuspect(source: ChunkSource): boolean
}

/** Doubted so often, a source is left when it has had its last chance. */
const MOST_DOUBTS = 3

interface Standing {
  asked: number
  gave: number
  /** Chunks when `rateThen` was measured. */
  measuredAt: number
  rateThen: number
  doubts: number
  doubted: boolean
  suspect: boolean
}

export function createStandings(clock: Clock, chunkBytes: number): Standings {
  const standings = new Map<FileSource, Standing>()
  let doubted = 0

  function setDoubted(standing: Standing, now: boolean) {
    if (standing.doubted !== now) doubted += now ? 1 : -1
    standing.doubted = now
  }

  /** Undefined while it owes nothing. */
  function givingOf(source: ChunkSource, standing: Standing): Giving | undefined {
    const since = source.waitingSince
    if (since === undefined) return undefined
    if (standing.measuredAt !== standing.gave) standing.rateThen = source.rate()
    standing.measuredAt = standing.gave
    const waited = Math.max(1, clock.now() - since)
    return { ...standing, waited, progress: source.progress, chunkBytes }
  }

  function judge(source: ChunkSource, standing: Standing): Verdict {
    const giving = givingOf(source, standing)
    if (giving === undefined) {
      // All that it owed came from others.
      if (!standing.doubted) return 'none'
      return standing.gave === 0 || standing.doubts >= MOST_DOUBTS ? 'leave' : 'trust'
    }
    if (isHopeless(giving)) return 'leave'
    return !standing.doubted && isDoubtful(giving) ? 'doubt' : 'none'
  }

  return {
    add(source, suspect) {
      const standing = { asked: 0, gave: 0, measuredAt: 0, rateThen: 0, doubts: 0, doubted: false, suspect }
      standings.set(source, standing)
      if (!suspect) return
      standing.doubts++
      setDoubted(standing, true)
    },
    delete(source) {
      const standing = standings.get(source)
      if (standing) setDoubted(standing, false)
      standings.delete(source)
    },
    asked(source) {
      const standing = standings.get(source)
      if (standing) standing.asked++
    },
    gave(source) {
      const standing = standings.get(source)
      if (!standing) return false
      standing.gave++
      standing.suspect = false
      const was = standing.doubted
      setDoubted(standing, false)
      return was
    },
    look(source) {
      const standing = standings.get(source)
      if (!standing) return 'none'
      const verdict = judge(source, standing)
      if (verdict === 'doubt') standing.doubts++
      if (verdict === 'doubt' || verdict === 'trust') setDoubted(standing, verdict === 'doubt')
      return verdict
    },
    wasInVain(source) {
      const standing = standings.get(source)
      const giving = standing && givingOf(source, standing)
      return giving !== undefined && wasInVain(giving)
    },
    hasKeptMuch(source) {
      const { asked, gave } = standings.get(source) ?? { asked: 0, gave: 0 }
      return 2 * gave <= asked
    },
    isDoubted: (source) => standings.get(source)?.doubted === true,
    isSound(source) {
      const standing = standings.get(source)
      return standing !== undefined && standing.gave > 0 && standing.doubts === 0
    },
    hasGiven: (source) => (standings.get(source)?.gave ?? 0) > 0,
    isSuspect: (source) => standings.get(source)?.suspect === true,
    doubts: (source) => standings.get(source)?.doubts ?? 0,
    get someDoubted() {
      return doubted > 0
    },
  }
}
