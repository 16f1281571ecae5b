import type { Cancel, Clock } from '../../base/clock.ts'
import { createOnceATurn } from '../../base/once-a-turn.ts'
import type { Asker } from '../../transfer/asker.ts'
import { type HaveMaps, packMaps } from '../../transfer/have-maps.ts'
import type { NodeId, Sha256 } from '../../wire/messages.ts'
import { isOfUse, newsOf } from './news.ts'

/** What this node tells the other members of how far it is with one file, and when. */
export interface Gossip {
  /** From now on this one is told of news. */
  add(asker: Asker): void
  remove(id: NodeId): void
  /** It has said what it has: of that it need not be told. */
  heard(id: NodeId, its: HaveMaps): void
  /** Tells one how far we are, at once, unless it knows. */
  tell(id: NodeId): void
  /** How far we are has changed: told to whom it is of use, in time. */
  changed(): void
  /** To be called several times a second: says it again in time. */
  tick(): void
  /** The last that they are told; those that hear it otherwise (`knows`) only where they could miss something. */
  close(last: HaveMaps, knows: (id: NodeId) => boolean): void
}

/**
 * News of what the mirror brings is gathered for so long, in milliseconds, and of what only a list makes of use for so
 * long: a chunk of 64 KiB takes 10 ms of a line of 50 Mbit/s, and each message costs its sender and its reader the
 * price of a chunk.
 */
export const GATHER_MS = { mirror: 250, other: 1_000 } as const
/** … with so many listeners; with more so many times longer, within bounds: a second's talk doesn't grow with the crowd. */
const LISTENERS = 8
const LONGER = 4
/** In a file of one span nobody may seem stuck for that (STUCK_SMALL_MS in mirror-shares.ts). */
const LONGER_SMALL = 2
/** Said again, so that the connection isn't taken for an idle one. */
const AGAIN_MS = 10_000
/** One that doesn't read what it is told is told again after this, in milliseconds. */
const LAG_MS = 250

interface Listener {
  asker: Asker
  lagsUntil: number
  /** It wasn't told what the others were told last. */
  behind: boolean
  /** What it was told last, and when, by the clock; never: -∞. */
  told: HaveMaps
  toldAt: number
  /** What it said it has. */
  has: Uint8Array
}

export interface GossipFile {
  sha256: Sha256
  /** Chunks of a span (chunksPerSpan), and of the whole. */
  spanChunks: number
  chunks: number
}

/** `maps`: how far this node is now. `hasList`: whether a chunk list is in use, by which others may take any chunk. */
export function createGossip(
  { clock, signal }: { clock: Clock; signal: AbortSignal },
  { sha256, spanChunks, chunks }: GossipFile,
  { maps, hasList }: { maps(): HaveMaps; hasList(): boolean },
): Gossip {
  const nothing: HaveMaps = { hand: new Uint8Array(chunks), own: new Uint8Array(chunks) }
  const listeners = new Map<NodeId, Listener>()
  /** When all were told last. */
  let toldAt = Number.NEGATIVE_INFINITY
  let tellAt = Number.POSITIVE_INFINITY
  let tellTimer: Cancel = () => {}
  const turn = createOnceATurn(clock, consider)

  function tell(listener: Listener, now: HaveMaps, payload: Buffer) {
    listener.behind = clock.now() < listener.lagsUntil
    if (listener.behind) return tellWithin(LAG_MS)
    listener.told = now
    listener.toldAt = clock.now()
    const keepsUp = listener.asker.have(sha256, payload)
    if (!keepsUp) listener.lagsUntil = clock.now() + LAG_MS
  }

  /** Those to whom it is of use, and those who have heard nothing for long. */
  function tellAll(now = maps()) {
    tellTimer()
    tellAt = Number.POSITIVE_INFINITY
    toldAt = clock.now()
    let payload: Buffer | undefined
    const what = { now, anyChunk: hasList() }
    for (const listener of listeners.values()) {
      const isDue = listener.behind || clock.now() - listener.toldAt >= AGAIN_MS
      if (!isDue && !isOfUse(what, listener)) continue
      payload ??= packMaps(now)
      tell(listener, now, payload)
    }
  }

  function tellWithin(ms: number) {
    const at = clock.now() + ms
    if (listeners.size === 0 || signal.aborted || at >= tellAt) return
    tellTimer()
    tellAt = at
    tellTimer = clock.after(ms, tellAll)
  }

  function gatherMs(ms: number): number {
    const longer = Math.max(1, listeners.size / LISTENERS)
    return ms * Math.min(longer, chunks <= spanChunks ? LONGER_SMALL : LONGER)
  }

  /** What is new, and so when it is told. */
  function consider() {
    if (listeners.size === 0 || signal.aborted) return
    const what = { now: maps(), anyChunk: hasList() }
    // Most were told the same.
    const before = new Set<HaveMaps>()
    for (const listener of listeners.values()) if (isOfUse(what, listener)) before.add(listener.told)
    for (const told of before) {
      const news = newsOf(told, what.now, spanChunks)
      if (news === 'turn') return tellAll(what.now)
      if (news) tellWithin(Math.max(0, toldAt + gatherMs(GATHER_MS[news]) - clock.now()))
    }
  }

  return {
    add(asker) {
      listeners.set(asker.session.id, {
        asker,
        lagsUntil: 0,
        behind: false,
        told: nothing,
        toldAt: Number.NEGATIVE_INFINITY,
        has: nothing.hand,
      })
    },
    remove: (id) => void listeners.delete(id),
    heard(id, { hand }) {
      const listener = listeners.get(id)
      if (listener) listener.has = hand
    },
    tell(id) {
      const listener = listeners.get(id)
      if (!listener) return
      const now = maps()
      if (listener.toldAt < 0 || isOfUse({ now, anyChunk: true }, listener))
        tell(listener, now, packMaps(now))
    },
    changed: turn.soon,
    tick() {
      const isSilent = ({ toldAt }: Listener) => clock.now() - toldAt >= AGAIN_MS
      if ([...listeners.values()].some(isSilent)) tellAll()
    },
    close(last, knows) {
      turn.stop()
      tellTimer()
      const payload = packMaps(last)
      for (const [id, listener] of listeners) {
        if (!knows(id) || isOfUse({ now: last, anyChunk: false }, listener)) tell(listener, last, payload)
      }
      listeners.clear()
    },
  }
}
