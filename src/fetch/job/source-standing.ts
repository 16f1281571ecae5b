/**
 * What a job thinks of a peer by what it gave: pure decisions. No peer is waited for alone: one that keeps a chunk too
 * long is doubted, and the chunk is anybody's while it may still come.
 */

/** A peer that was asked for something. Times are milliseconds. */
export interface Giving {
  /** Whole chunks so far. */
  gave: number
  /** Since a whole chunk last came, or since it was asked after a rest. */
  waited: number
  /** Bytes that came over its connection since then. */
  progress: number
  /** Bytes a second, as measured when the last whole chunk had come. */
  rateThen: number
  /** How often it was doubted before. */
  doubts: number
  chunkBytes: number
}

/** Who has given nothing yet may keep a chunk for this long, and as long as 1 MB/s takes for it … */
const TRIAL_MS = 500
const TRIAL_BYTES_PER_MS = 1_000
/** … who has given some, so many times as long as a chunk took before, up to a bound. */
const LATE = 2.5
const MOST_PATIENCE_MS = 4_000
/** Who sends at least so many bytes a second is slow, not silent: the quicker take over what it would bring late. */
const LEAST_RATE = 32_000
/** So many chunks' bytes without a chunk are no chunk on its way. Other files may come over the same connection. */
const JUNK_CHUNKS = 8
/** Who has given nothing has this long in all; who has given some is left when even a slow line would have brought it. */
const NOTHING_MS = 2_000
const MOST_MS = 8_000

/** How long a peer's holding on to what it was asked for is no sign of anything. */
export function patienceWith({ gave, rateThen, doubts, chunkBytes }: Giving): number {
  const trial = TRIAL_MS + chunkBytes / TRIAL_BYTES_PER_MS
  if (gave === 0 || doubts > 0 || rateThen === 0) return trial
  return Math.min(MOST_PATIENCE_MS, Math.max(trial, (LATE * chunkBytes * 1000) / rateThen))
}

const isMoving = ({ progress, waited, chunkBytes }: Giving) =>
  (progress * 1000) / waited >= LEAST_RATE && progress <= JUNK_CHUNKS * chunkBytes

/** Whether what it was asked for should be anybody's again. */
export function isDoubtful(peer: Giving): boolean {
  if (peer.progress > JUNK_CHUNKS * peer.chunkBytes) return true
  return peer.waited >= patienceWith(peer) && !isMoving(peer)
}

/** Who has been asked for so long in vain when the file came whole, in milliseconds, has cost time. */
const IN_VAIN_MS = 250

/** Whether nothing is to be hoped of it for the next file, since this one came whole without it. */
export const wasInVain = (peer: Giving) => peer.gave === 0 && peer.waited >= IN_VAIN_MS && !isMoving(peer)

/** Whether it should be left. */
export function isHopeless(peer: Giving): boolean {
  if (peer.gave === 0 && peer.waited >= NOTHING_MS && !isMoving(peer)) return true
  return peer.waited >= MOST_MS + (peer.chunkBytes * 1000) / LEAST_RATE
}
