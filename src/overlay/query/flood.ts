import { limits } from '../../wire/limits.ts'
import type { FileQuery, Hop, NodeId } from '../../wire/messages.ts'

/**
 * What a node does with a query. `forward` is `later` for a copy that improves on an earlier one: by then its
 * own neighbours' copies have come, which show who needs it no more.
 */
export interface FloodDecision {
  answer: boolean
  forward: 'no' | 'now' | 'later'
}

/**
 * Drop, answer or forward. `seenTtl` is the highest TTL that this query has come with before, if it has. A copy
 * that may travel further than any before is passed on again, but not answered again.
 */
export function decideFlood(
  self: NodeId,
  { path, ttl }: Pick<FileQuery, 'path' | 'ttl'>,
  seenTtl: number | undefined,
): FloodDecision | 'drop' {
  if (path.length === 0 || path.length > limits.hops || ttl < 1) return 'drop'
  const ids = new Set(path.map(({ id }) => id))
  if (ids.size < path.length || ids.has(self)) return 'drop'
  if (seenTtl !== undefined && ttl <= seenTtl) return 'drop'
  const travels = ttl > 1 && path.length < limits.hops
  return { answer: seenTtl === undefined, forward: !travels ? 'no' : seenTtl === undefined ? 'now' : 'later' }
}

/** A list whose last entry is who handed it to us: its proven id, and the address that we saw. */
export function signedBy(path: Hop[], sender: Hop): Hop[] {
  return [...path.slice(0, -1), sender]
}

export interface Ring {
  ttl: number
  /** Milliseconds after the start of the search. */
  at: number
}

/** Time between the rings, in milliseconds; the last is out 500 ms after the first. */
const RING_TIMES = [0, 100, 300, 500]

/** The widening search: TTL 1, 2, 4, then the full `ttl`, each a query with an id of its own. */
export function ringsUpTo(ttl: number): Ring[] {
  const ttls = [...[1, 2, 4].filter((ring) => ring < ttl), ttl]
  return ttls.map((ring, i) => ({ ttl: ring, at: RING_TIMES[i]! }))
}
