import { seeded } from '../seeded.ts'
import type { Coverage } from './coverage.ts'
import { mutate } from './mutate.ts'
import type { Target } from './target.ts'

/** An input by which a target failed, and how. */
export interface Failure {
  input: Buffer
  error: unknown
}

export interface FuzzOptions {
  seed: number
  count: number
  /** Told of an input before it runs, so that one that hangs or kills can be named. */
  before?: (input: Buffer) => void
  /** Guides: an input that reaches what none has reached is kept, to be changed further. */
  coverage?: Coverage
}

export interface FuzzResult {
  inputs: number
  /** Inputs from which others are made. */
  kept: number
  failures: Failure[]
}

/** Coverage is read once for so many inputs: that takes as long as some hundred of them. */
const BATCH = 500
const MOST_FAILURES = 5
const MOST_KEPT = 2_000

/** Runs a target on its seeds and on `count` changes of them; ends early after a few different failures. */
export async function fuzz(target: Target, options: FuzzOptions): Promise<FuzzResult> {
  const { seed, count, before, coverage } = options
  const random = seeded(seed)
  const kept = await target.seeds()
  const failures: Failure[] = []
  const places = new Set<string>()

  async function run(input: Buffer) {
    before?.(input)
    try {
      const later = target.run(input)
      if (later) await later
    } catch (error) {
      const place = (error as Error).stack?.split('\n')[1] ?? String(error)
      if (places.has(place)) return
      places.add(place)
      failures.push({ input: Buffer.from(input), error })
    }
  }

  /** Keeps the input that reached something new, found half by half, where it does so again. */
  async function keepFrom(batch: Buffer[], guide: Coverage) {
    let among = batch
    while (among.length > 1) {
      const half = among.slice(0, among.length >> 1)
      for (const input of half) await run(input)
      among = guide.gain(guide.take()) > 0 ? half : among.slice(half.length)
    }
    await run(among[0]!)
    const ran = guide.take()
    if (guide.gain(ran) === 0 || kept.length >= MOST_KEPT) return
    kept.push(among[0]!)
    guide.merge(ran)
  }

  for (const input of kept) await run(input)
  coverage?.merge(coverage.take())
  let inputs = kept.length
  while (inputs < count && failures.length < MOST_FAILURES) {
    const batch: Buffer[] = []
    for (; batch.length < BATCH && inputs < count; inputs++) {
      const input = mutate(kept[random.below(kept.length)]!, random, kept)
      batch.push(input)
      await run(input)
    }
    if (!coverage) continue
    const ran = coverage.take()
    if (coverage.gain(ran) === 0) continue
    await keepFrom(batch, coverage)
    coverage.merge(ran)
  }
  return { inputs, kept: kept.length, failures }
}
