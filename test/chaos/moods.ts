import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../src/base/random.ts'
import type { Rule } from '../e2e/mirror.ts'
import type { Package } from '../e2e/packages.ts'
import type { Fault, Side } from './faults.ts'
import { MIRROR_RATE } from './world.ts'

type Mood = (size: number, random: Random) => Rule

/** What a mirror may do to one answer, to a file of `size` bytes. */
const MOODS: Record<string, Mood> = {
  stalls: (size, random) => ({ stallAfter: random.below(size) }),
  'hangs up': (size, random) => ({ dropAfter: random.below(size) }),
  'never answers': () => ({ delay: 600_000 }),
  'is late': (_, random) => ({ delay: 200 + random.below(4_000) }),
  'is slow': (_, random) => ({ bytesPerSecond: 30_000 + random.below(400_000) }),
  'says 404': () => ({ status: 404 }),
  'says 503': () => ({ status: 503 }),
  'says 200 to a page of its own': () => ({ redirect: '/lab/lab.db' }),
  'spoils a byte': (size, random) => ({ corruptAt: random.below(size) }),
  'says too great a length': (_, random) => ({ wrongLength: 1 + random.below(5_000) }),
  'says too small a length': () => ({ wrongLength: -1 }),
  'knows no ranges': () => ({ noRanges: true }),
}

/** One or both mirrors in a mood, about one package, all packages or everything, for a while or for good. */
export function moodOf(name: string, random: Random, chosen: Package[]): Fault {
  const one = chosen[random.below(chosen.length)]!
  const scope = [one.file, '.pkg.tar', '.pkg.tar', ''][random.below(4)]!
  const rule = { path: scope, ...MOODS[name]!(scope === one.file ? one.size : 3_000, random) }
  const which = [[0], [0], [0], [0], [1], [0, 1]][random.below(6)]!
  const ms = random.below(3) === 0 ? 300 + random.below(3_000) : undefined
  const set = async ({ world }: Side, rules: Rule[]) => {
    for (const n of which) await world.mirrors[n]!.mirror.behave([{ bytesPerSecond: MIRROR_RATE }, ...rules])
  }
  const where = `mirror ${which.map((n) => n + 1).join(' and ')}`
  const whom = scope === '' ? 'everything' : scope === one.file ? one.name : 'all packages'
  return {
    says: `${where} ${name} (${whom}, ${JSON.stringify(rule)}${ms ? `, ${ms} ms` : ''})`,
    before: (side) => set(side, [rule]),
    async during(side, signal) {
      if (!ms) return
      await sleep(ms, undefined, { signal }).catch(() => {})
      await set(side, [])
    },
  }
}

export const moodNames = Object.keys(MOODS)
