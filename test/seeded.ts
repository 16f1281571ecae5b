import type { Random } from '../src/base/random.ts'

/** The same chance every time: mulberry32, good enough for tests and quick. */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
  return {
    hex: (count) =>
      Array.from({ length: count }, () => (next() & 255).toString(16).padStart(2, '0')).join(''),
    below: (limit) => Math.floor((next() / 2 ** 32) * limit),
  }
}
