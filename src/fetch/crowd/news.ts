/** What is new in how far a node is with its download, and for whom: pure decisions. */
import type { HaveMaps } from '../../transfer/have-maps.ts'

/**
 * `turn`: it has begun to ask the mirror for a span, gives it up, or has all that it asked for of it, so that others know
 * whose turn it is, and have the last of it without delay; or it no longer has what it said, which nobody fetches while
 * it seems to be there; `mirror`: more of what it vouches for; `other`: chunks that it had
 * from others, of use by a chunk list only.
 */
export type News = 'turn' | 'mirror' | 'other'

/** How a node stands with a span of the mirror's: asks for some of it, or else has so many chunks of it. */
function standingAt({ hand, own }: HaveMaps, start: number, end: number): number {
  let had = 0
  for (let chunk = start; chunk < end; chunk++) {
    if (own[chunk] && !hand[chunk]) return -1
    if (own[chunk]) had++
  }
  return had
}

/** Some of it was wrong, and has been forgotten. */
const isLess = (told: HaveMaps, now: HaveMaps) => now.hand.some((has, chunk) => !has && told.hand[chunk])

/** `told`: how far others know it to be. */
export function newsOf(told: HaveMaps, now: HaveMaps, spanChunks: number): News | undefined {
  const chunks = now.hand.length
  if (isLess(told, now)) return 'turn'
  for (let start = 0; start < chunks; start += spanChunks) {
    const end = Math.min(chunks, start + spanChunks)
    if (standingAt(told, start, end) !== standingAt(now, start, end)) return 'turn'
  }
  let news: News | undefined
  for (let chunk = 0; chunk < chunks; chunk++) {
    const isNew = now.hand[chunk] !== told.hand[chunk]
    if (now.own[chunk] !== told.own[chunk] || (isNew && now.own[chunk])) return 'mirror'
    if (isNew) news = 'other'
  }
  return news
}

/**
 * Whether somebody can use it that was told of `told` and said that it has `has`. `anyChunk`: chunks that others gave
 * count as well. What is gone is of use to all: whoever said that it has it may have lost it too.
 */
export function isOfUse(
  { now, anyChunk }: { now: HaveMaps; anyChunk: boolean },
  { told, has }: { told: HaveMaps; has: Uint8Array },
): boolean {
  if (isLess(told, now)) return true
  for (let chunk = 0; chunk < now.hand.length; chunk++) {
    if (has[chunk]) continue
    if (now.own[chunk] !== told.own[chunk]) return true
    if (now.hand[chunk] && !told.hand[chunk] && (anyChunk || now.own[chunk])) return true
  }
  return false
}
