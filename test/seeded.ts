import type { Random } from '../src/base/random.ts'

/** Chance from a seed (mulberry32): the same run every time. */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
  return {
    hex: (count) => {
      let text = ''
      while (text.length < 2 * count) text += next().toString(16).padStart(8, '0')
      return text.slice(0, 2 * count)
    },
    below: (limit) => next() % limit,
  }
}
