/** What the plan is told of its sources. */
export interface SourceJudge<Source> {
  /** It has given something, and has never been doubted: a mirror, or a peer that has proved itself. */
  isSound(source: Source): boolean
  /** Whether there are any that are: then what was kept too long by one is asked only of them. */
  hasSound(): boolean
}

/** Who was asked for which chunk, and whose answer no longer counts. */
export interface Askers<Source> {
  /** False when it was asked for it before. */
  add(source: Source, chunk: number): boolean
  /** False when it wasn't asked for it. */
  remove(source: Source, chunk: number): boolean
  of(chunk: number): ReadonlySet<Source> | undefined
  /** Of somebody who isn't doubted. */
  isAsked(chunk: number): boolean
  isDoubted(source: Source): boolean
  setDoubted(source: Source, doubted: boolean): void
  /** Whether `source` shouldn't be asked for it: it was kept too long by another, and some are known to be better. */
  isBarredFrom(source: Source, chunk: number): boolean
  /** Whether `source` may be asked for it as well: two sound ones are, and one of those of whom nothing is known. */
  mayJoin(source: Source, chunk: number): boolean
  readonly size: number
}

const MOST_ASKED = 2
const NOBODY: ReadonlySet<never> = new Set<never>()

export function createAskers<Source>(judge: SourceJudge<Source>): Askers<Source> {
  const askers = new Map<number, Set<Source>>()
  const doubted = new Set<Source>()

  return {
    add(source, chunk) {
      const asked = askers.get(chunk) ?? new Set()
      if (asked.has(source)) return false
      askers.set(chunk, asked.add(source))
      return true
    },
    remove(source, chunk) {
      const asked = askers.get(chunk)
      if (!asked?.delete(source)) return false
      if (asked.size === 0) askers.delete(chunk)
      return true
    },
    of: (chunk) => askers.get(chunk),
    isAsked(chunk) {
      const asked = askers.get(chunk)
      if (!asked || doubted.size === 0) return asked !== undefined
      for (const source of asked) if (!doubted.has(source)) return true
      return false
    },
    isDoubted: (source) => doubted.has(source),
    setDoubted(source, isDoubted) {
      if (isDoubted) doubted.add(source)
      else doubted.delete(source)
    },
    isBarredFrom: (source, chunk) =>
      doubted.size > 0 && askers.has(chunk) && judge.hasSound() && !judge.isSound(source),
    mayJoin(source, chunk) {
      const asked = askers.get(chunk) ?? NOBODY
      let sound = 0
      let others = 0
      for (const other of asked) {
        if (other === source) return false
        if (doubted.has(other)) continue
        if (judge.isSound(other)) sound++
        else others++
      }
      return sound < MOST_ASKED && (others === 0 || judge.isSound(source)) && asked.size > 0
    },
    get size() {
      return askers.size
    },
  }
}
