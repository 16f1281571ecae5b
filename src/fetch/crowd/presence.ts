import type { Cancel, Clock } from '../../base/clock.ts'
import type { Holder } from '../../overlay/query/holders.ts'
import type { Asker } from '../../transfer/asker.ts'
import type { HeldFile, NodeId, Sha256 } from '../../wire/messages.ts'

/** What a job hears of those who have, or download, the same file. */
export interface CrowdHandler {
  /** Somebody is downloading it too, or has come to have it whole. */
  onAnnounced(holder: Holder): void
  /** Somebody no longer has it, or has stopped. */
  onWithdrawn(id: NodeId): void
  /** HAVE, from the other end of a transfer session. */
  onHave(asker: Asker, payload: Uint8Array): void
}

/** A job's place among those who download the same file. */
export interface Seat {
  /** The job is over: `held` is the file if it came whole. */
  leave(held: HeldFile | undefined): void
}

/** The crowds that this node is in, one for each file on its way: tells companions of them, and hears theirs. */
export interface Crowds {
  join(held: () => HeldFile, handler: CrowdHandler): Seat
  announced(holder: Holder): void
  withdrawn(id: NodeId, sha256: Sha256): void
  heard(asker: Asker, have: { sha256: Sha256; payload: Uint8Array }): void
}

export interface CrowdsDeps {
  clock: Clock
  /** Tells the companions among the neighbours. */
  announce(added: HeldFile[], removed: Sha256[]): void
}

/** Announcements closer together, in milliseconds, go as one: a transaction of small files has hundreds. */
const GATHER_MS = 100
/** Others forget after two minutes. */
const AGAIN_MS = 60_000

export function createCrowds({ clock, announce }: CrowdsDeps): Crowds {
  const seats = new Map<Sha256, { held: () => HeldFile; handler: CrowdHandler }>()
  /** What is to be told; undefined: no longer. */
  const news = new Map<Sha256, HeldFile | undefined>()
  let toldAt = Number.NEGATIVE_INFINITY
  let timer: Cancel | undefined
  let stopAgain: Cancel | undefined

  function tell() {
    timer?.()
    timer = undefined
    toldAt = clock.now()
    const added = [...news.values()].filter((held) => held !== undefined)
    const removed = [...news].filter(([, held]) => held === undefined).map(([sha256]) => sha256)
    news.clear()
    announce(added, removed)
  }

  function note(sha256: Sha256, held: HeldFile | undefined) {
    news.set(sha256, held)
    const wait = toldAt + GATHER_MS - clock.now()
    if (wait <= 0) tell()
    else timer ??= clock.after(wait, tell)
  }

  function sayAgain() {
    stopAgain = undefined
    for (const [sha256, { held }] of seats) note(sha256, held())
    if (seats.size > 0) stopAgain = clock.after(AGAIN_MS, sayAgain)
  }

  return {
    join(held, handler) {
      const { sha256 } = held()
      const seat = { held, handler }
      seats.set(sha256, seat)
      note(sha256, held())
      stopAgain ??= clock.after(AGAIN_MS, sayAgain)
      return {
        leave(whole) {
          if (seats.get(sha256) !== seat) return
          seats.delete(sha256)
          note(sha256, whole)
          if (seats.size > 0) return
          stopAgain?.()
          stopAgain = undefined
        },
      }
    },
    announced: (holder) => seats.get(holder.file.sha256)?.handler.onAnnounced(holder),
    withdrawn: (id, sha256) => seats.get(sha256)?.handler.onWithdrawn(id),
    heard: (asker, { sha256, payload }) => seats.get(sha256)?.handler.onHave(asker, payload),
  }
}
