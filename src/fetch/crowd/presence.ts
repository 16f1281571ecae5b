import type { Cancel, Clock } from '../../base/clock.ts'
import type { Holder } from '../../overlay/query/holders.ts'
import type { Asker } from '../../transfer/asker.ts'
import type { HeldFile, NodeId, Sha256 } from '../../wire/messages.ts'
import type { Place, PresenceHandler } from '../network.ts'

/** This node among those who download the same files: tells companions of its own jobs, and hears of theirs. */
export interface Presence {
  join(held: () => HeldFile, handler: PresenceHandler): Place
  announced(holder: Holder): void
  withdrawn(id: NodeId, sha256: Sha256): void
  heard(asker: Asker, have: { sha256: Sha256; payload: Uint8Array }): void
}

export interface PresenceDeps {
  clock: Clock
  /** Tells the companions among the neighbours; returns how many they are. */
  announce(added: HeldFile[], removed: Sha256[]): number
}

/** Announcements closer together, in milliseconds, go as one: a transaction of small files has hundreds. */
const GATHER_MS = 100
/** What is over, which is less urgent, waits longer: the more there are to be told, within bounds. */
const OVER_MS = 250
const OVER_COMPANIONS = 4
const LONGER = 8
/** Others forget after two minutes. */
const AGAIN_MS = 60_000

export function createPresence({ clock, announce }: PresenceDeps): Presence {
  const places = new Map<Sha256, { held: () => HeldFile; handler: PresenceHandler }>()
  /** What is to be told; undefined: no longer. */
  const news = new Map<Sha256, HeldFile | undefined>()
  let toldAt = Number.NEGATIVE_INFINITY
  /** When it was last told of something that begins. */
  let begunAt = Number.NEGATIVE_INFINITY
  let tellAt = Number.POSITIVE_INFINITY
  let timer: Cancel = () => {}
  /** Told last. */
  let companions = 0
  let stopAgain: Cancel | undefined

  function tell() {
    timer()
    tellAt = Number.POSITIVE_INFINITY
    toldAt = clock.now()
    const added = [...news.values()].filter((held) => held !== undefined)
    if (added.some(({ whole }) => !whole)) begunAt = toldAt
    const removed = [...news].filter(([, held]) => held === undefined).map(([sha256]) => sha256)
    news.clear()
    companions = announce(added, removed)
  }

  /** Told at that time with all that is new by then, or at once. */
  function tellBy(at: number) {
    if (at <= clock.now()) return tell()
    if (at >= tellAt) return
    timer()
    tellAt = at
    timer = clock.after(at - clock.now(), tell)
  }

  function begun(held: HeldFile) {
    news.set(held.sha256, held)
    tellBy(begunAt + GATHER_MS)
  }

  function over(sha256: Sha256, whole: HeldFile | undefined) {
    news.set(sha256, whole)
    tellBy(toldAt + OVER_MS * Math.min(LONGER, Math.max(1, companions / OVER_COMPANIONS)))
  }

  function sayAgain() {
    stopAgain = undefined
    for (const { held } of places.values()) begun(held())
    if (places.size > 0) stopAgain = clock.after(AGAIN_MS, sayAgain)
  }

  return {
    join(held, handler) {
      const { sha256 } = held()
      const place = { held, handler }
      places.set(sha256, place)
      begun(held())
      stopAgain ??= clock.after(AGAIN_MS, sayAgain)
      return {
        leave(whole) {
          if (places.get(sha256) !== place) return
          places.delete(sha256)
          over(sha256, whole)
          if (places.size > 0) return
          stopAgain?.()
          stopAgain = undefined
        },
      }
    },
    announced: (holder) => places.get(holder.file.sha256)?.handler.onAnnounced(holder),
    withdrawn: (id, sha256) => places.get(sha256)?.handler.onWithdrawn(id),
    heard: (asker, { sha256, payload }) => places.get(sha256)?.handler.onHave(asker, payload),
  }
}
