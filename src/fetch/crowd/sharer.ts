/** How well a member that has taken a share of the mirror's bytes keeps up with it: pure decisions. */
import { chunkCount, chunkLength, chunkSize } from '../../base/chunks.ts'
import type { HaveMaps } from '../../transfer/have-maps.ts'
import type { NodeId } from '../../wire/messages.ts'

/** A member that owes something and brings nothing for so long, in milliseconds, is passed over … */
const STUCK_MS = 3_000
/** … in a file of one span, where all the others wait for one … */
const STUCK_SMALL_MS = 1_000
/** … and one that has never given anything, which may be false … */
const STUCK_UNPROVED_MS = 500
/**
 * … and beside it the time that a chunk takes at the mirror's rate, since no sign of it can come sooner: as measured
 * here, within bounds; unknown, a line of 10 Mbit/s shared by the streams of five hosts. Bytes a second.
 */
const MOST_RATE = 250_000
const UNKNOWN_RATE = 50_000
/** … and for those that have never given anything. */
const MOST_UNPROVED_RATE = 1_000_000
const UNKNOWN_UNPROVED_RATE = 250_000
const MOST_CHUNK_MS = 10_000
/** A member is passed over too when what it owes takes so many times as long as it would here, and so much longer. */
const SLOWER = 3
const SLOWER_MS = 2_000
/** Too short a time to tell a rate from, in milliseconds: all share one line, and each has its turn on it. */
const MEASURED_MS = 3_000
/** A chunk that somebody has asked the mirror for: its place, from 1, in a run of so many. */
export interface Claim {
  place: number
  run: number
}

export interface Sharer {
  id: NodeId
  /** Of the file. */
  size: number
  /** Chunks of a span. */
  spanChunks: number
  maps: HaveMaps
  /** Spans of which it had something from the mirror, or has asked for it. */
  begun: Uint8Array
  /** By chunk: what it has asked for and hasn't had. */
  claims: Map<number, Claim>
  /** By the clock: when it last had something from the mirror. */
  progressAt: number
  owesSince: number | undefined
  /** By the clock, when the first came of what it owes, and bytes of it after that: the way to the mirror is no rate. */
  gainsSince: number | undefined
  gained: number
  /** It owed something and brought nothing, and has brought nothing since. */
  stuck: boolean
  /** Its mirror is so much slower than ours that it is left only what nobody else can fetch. */
  slow: boolean
}

/** The runs of chunks that pass. */
export function claimsOf(chunks: number, isClaimed: (chunk: number) => boolean): Map<number, Claim> {
  const claims = new Map<number, Claim>()
  for (let at = 0; at < chunks; at++) {
    const start = at
    while (at < chunks && isClaimed(at)) at++
    for (let chunk = start; chunk < at; chunk++)
      claims.set(chunk, { place: chunk - start + 1, run: at - start })
  }
  return claims
}

/** A member, of which nothing is known but what it has said now. */
export function newSharer(
  id: NodeId,
  { maps, size, spanChunks, now }: { maps: HaveMaps; size: number; spanChunks: number; now: number },
): Sharer {
  const spans = Math.ceil(chunkCount(size) / spanChunks)
  const member: Sharer = {
    id,
    size,
    spanChunks,
    maps,
    begun: new Uint8Array(spans),
    claims: new Map(),
    progressAt: now,
    owesSince: undefined,
    gainsSince: undefined,
    gained: 0,
    stuck: false,
    slow: false,
  }
  note(member, maps)
  return member
}

function note(member: Sharer, maps: HaveMaps) {
  const chunks = chunkCount(member.size)
  member.maps = maps
  member.begun.fill(0)
  for (let chunk = 0; chunk < chunks; chunk++)
    if (maps.own[chunk]) member.begun[Math.floor(chunk / member.spanChunks)] = 1
  member.claims = claimsOf(chunks, (chunk) => maps.own[chunk] === 1 && !maps.hand[chunk])
}

/** It has said again how far it is. */
export function hear(member: Sharer, maps: HaveMaps, now: number) {
  const { own, hand } = member.maps
  let gained = 0
  for (let chunk = 0; chunk < chunkCount(member.size); chunk++)
    if (maps.own[chunk] && maps.hand[chunk] && !(own[chunk] && hand[chunk]))
      gained += chunkLength(member.size, chunk)
  note(member, maps)
  if (gained === 0) return
  if (member.gainsSince !== undefined) member.gained += gained
  member.gainsSince ??= now
  member.progressAt = now
  member.stuck = false
}

export interface Debt {
  now: number
  /** What it is to fetch from the mirror. */
  bytes: number
  /** Whether it has given something, here or of another file. */
  isProved: boolean
  /** Bytes a second that the mirror gives this node, and gave it for files before; 0 while unknown. */
  rate: number
  rateBefore: number
}

function stuckMs({ size, spanChunks }: Sharer, { isProved, rate, rateBefore }: Debt): number {
  const [most, unknown] = isProved ? [MOST_RATE, UNKNOWN_RATE] : [MOST_UNPROVED_RATE, UNKNOWN_UNPROVED_RATE]
  const chunkMs = (chunkSize(size) * 1000) / Math.min(most, rate || rateBefore || unknown)
  const isOneSpan = chunkCount(size) <= spanChunks
  const least = !isProved ? STUCK_UNPROVED_MS : isOneSpan ? STUCK_SMALL_MS : STUCK_MS
  return least + Math.min(MOST_CHUNK_MS, chunkMs)
}

/** Whether it is stuck, or slow, by now. To be called several times a second. */
export function judge(member: Sharer, debt: Debt) {
  const { now, bytes, rate } = debt
  if (bytes === 0) {
    member.owesSince = undefined
    return
  }
  if (member.owesSince === undefined) {
    member.owesSince = now
    member.gainsSince = undefined
    member.gained = 0
  }
  if (now - Math.max(member.owesSince, member.progressAt) >= stuckMs(member, debt)) member.stuck = true
  const since = now - (member.gainsSince ?? now)
  if (since < MEASURED_MS || rate === 0) return
  const its = (bytes * since) / Math.max(1, member.gained)
  member.slow = its > (SLOWER * bytes * 1000) / rate + SLOWER_MS
}
