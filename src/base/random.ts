import { randomBytes, randomInt } from 'node:crypto'

/** Randomness, handed in so that tests and the simulator can seed it. */
export interface Random {
  /** `count` random bytes in hex. */
  hex(count: number): string
  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number
}

export const systemRandom: Random = {
  hex: (count) => randomBytes(count).toString('hex'),
  below: (limit) => randomInt(limit),
}

/** Spreads a pause over 0.5 to 1.5 of itself, so that many nodes don't act in step. */
export function jitter(ms: number, random: Random): number {
  return ms / 2 + random.below(Math.max(1, Math.round(ms)))
}
