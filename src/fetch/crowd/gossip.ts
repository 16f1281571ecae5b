import type { Cancel, Clock } from '../../base/clock.ts'
import type { Asker } from '../../transfer/asker.ts'
import { type HaveMaps, packMaps } from '../../transfer/have-maps.ts'
import type { NodeId, Sha256 } from '../../wire/messages.ts'

/** What this node tells the other members of how far it is with one file, and when. */
export interface Gossip {
  /** From now on this one is told of news. */
  add(asker: Asker): void
  remove(id: NodeId): void
  /** Tells one how far we are, at once. */
  tell(id: NodeId): void
  /** There is news: told to all within `ms` milliseconds. */
  changed(ms: number): void
  /** To be called several times a second: says it again in time. */
  tick(): void
  /** The last that they are told. */
  close(last: HaveMaps): void
}

/** When news is told, in milliseconds: what others go by soon, what only a list makes of use at leisure. */
export const TELL_MS = { asked: 0, mirror: 50, other: 1_000 } as const
/** Said again, so that the connection isn't taken for an idle one. */
const AGAIN_MS = 10_000
/** One that doesn't read what it is told is told again after this, in milliseconds. */
const LAG_MS = 250

interface Listener {
  asker: Asker
  lagsUntil: number
  /** It wasn't told what the others were told last. */
  behind: boolean
}

/** `maps`: how far this node is now. */
export function createGossip(
  { clock, signal }: { clock: Clock; signal: AbortSignal },
  sha256: Sha256,
  maps: () => HaveMaps,
): Gossip {
  const listeners = new Map<NodeId, Listener>()
  let told: Buffer | undefined
  let toldAt = clock.now()
  let tellAt = Number.POSITIVE_INFINITY
  let tellTimer: Cancel = () => {}

  function tell(listener: Listener, payload: Buffer) {
    listener.behind = clock.now() < listener.lagsUntil
    if (listener.behind) return changed(LAG_MS)
    const keepsUp = listener.asker.have(sha256, payload)
    if (!keepsUp) listener.lagsUntil = clock.now() + LAG_MS
  }

  function tellAll() {
    tellAt = Number.POSITIVE_INFINITY
    const now = packMaps(maps())
    const isNews = !told?.equals(now) || clock.now() - toldAt >= AGAIN_MS
    told = now
    toldAt = clock.now()
    for (const listener of listeners.values()) if (isNews || listener.behind) tell(listener, now)
  }

  function changed(ms: number) {
    const at = Math.max(clock.now() + (ms === 0 ? 0 : 1), Math.min(toldAt + ms, clock.now() + ms))
    if (listeners.size === 0 || signal.aborted || at >= tellAt) return
    tellTimer()
    tellAt = at
    tellTimer = clock.after(at - clock.now(), tellAll)
  }

  return {
    add: (asker) => void listeners.set(asker.session.id, { asker, lagsUntil: 0, behind: false }),
    remove: (id) => void listeners.delete(id),
    tell(id) {
      const listener = listeners.get(id)
      if (listener) tell(listener, packMaps(maps()))
    },
    changed,
    tick() {
      if (listeners.size > 0 && clock.now() - toldAt >= AGAIN_MS) tellAll()
    },
    close(last) {
      tellTimer()
      const have = packMaps(last)
      for (const listener of listeners.values()) tell(listener, have)
      listeners.clear()
    },
  }
}
