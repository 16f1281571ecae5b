import type { Random } from '../../src/base/random.ts'

/** Each factor's levels, by name. */
export type Factors = Record<string, readonly string[]>
export type Row<F extends Factors> = { [K in keyof F]: F[K][number] }

/**
 * Rows in which every pair of levels of two factors stands together at least once: few faults want three causes. Greedy, of a
 * seed's chance; `isPossible` keeps rows out that make no sense.
 */
export function pairwise<F extends Factors>(
  factors: F,
  random: Random,
  isPossible: (row: Row<F>) => boolean = () => true,
): Row<F>[] {
  const names = Object.keys(factors)
  const levels = (name: string) => factors[name] ?? []
  const key = (a: string, x: string, b: string, y: string) => `${a}=${x} ${b}=${y}`
  const wanted = new Set<string>()
  for (const [n, a] of names.entries()) {
    for (const b of names.slice(n + 1)) {
      for (const x of levels(a)) for (const y of levels(b)) wanted.add(key(a, x, b, y))
    }
  }
  const pairsOf = (row: Record<string, string>) =>
    names.flatMap((a, n) => names.slice(n + 1).map((b) => key(a, row[a]!, b, row[b]!)))
  const pick = () =>
    Object.fromEntries(names.map((name) => [name, levels(name)[random.below(levels(name).length)]!]))

  const rows: Record<string, string>[] = []
  /** Pairs that no possible row has are given up after so many rows without a new one. */
  for (let vain = 0; wanted.size > 0 && vain < 40; ) {
    const candidates = Array.from({ length: 60 }, pick).filter((row) => isPossible(row as Row<F>))
    const gain = (row: Record<string, string>) => pairsOf(row).filter((pair) => wanted.has(pair)).length
    const best = candidates.sort((a, b) => gain(b) - gain(a))[0]
    if (!best || gain(best) === 0) {
      vain++
      continue
    }
    for (const pair of pairsOf(best)) wanted.delete(pair)
    rows.push(best)
  }
  return rows as Row<F>[]
}
