import type { Cancel, Clock } from '../../base/clock.ts'
import { asError } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'
import type { Holder } from '../../overlay/query/holders.ts'
import type { Asker } from '../../transfer/asker.ts'
import type { NodeId } from '../../wire/messages.ts'
import type { CrowdNetwork } from '../network.ts'
import { UNKNOWN_MIRROR_RATE } from '../sources/rate-meter.ts'

/**
 * How a job finds its members: a node that says that it downloads the file is connected to, and has a while to say more.
 */
export interface MemberIntake {
  /** Somebody says that it downloads the file. */
  learn(holder: Holder): void
  /** Nothing is expected of it any more. Whether something was. */
  settled(id: NodeId): boolean
  has(id: NodeId): boolean
  readonly size: number
  /** Whether a companion may yet say, within its time, how far it is. */
  readonly awaits: boolean
  close(): void
}

export interface MemberIntakeHandler {
  /** Bytes a second that the mirror gave for files before; 0 while unknown. */
  rateBefore(): number
  /** A companion is expected to say how far it is. */
  onAwaited(id: NodeId): void
  onReached(asker: Asker): void
  onUnreachable(id: NodeId): void
  /** One has had its time. */
  onLate(): void
}

/**
 * A companion that has said it downloads the file has as long to say how far it is as the mirror would take to bring the
 * file, within bounds, in milliseconds: by then there is nothing to be shared out.
 */
const LEAST_GRACE_MS = 150
const MOST_GRACE_MS = 1_000
/** When both might dial each other the lower id does; the other waits so long, in milliseconds. */
const DIAL_LATER_MS = 250

export function createMemberIntake(
  { clock, log, network }: { clock: Clock; log: Log; network: CrowdNetwork },
  { size, signal }: { size: number; signal: AbortSignal },
  handler: MemberIntakeHandler,
): MemberIntake {
  /** Companions that have announced themselves and have said no more, by when that was. */
  const awaited = new Map<NodeId, number>()
  const timers = new Set<Cancel>()

  function after(ms: number, action: () => void) {
    const stop = clock.after(ms, () => {
      timers.delete(stop)
      action()
    })
    timers.add(stop)
  }

  function graceMs(): number {
    const mirrorMs = (size * 1000) / (handler.rateBefore() || UNKNOWN_MIRROR_RATE)
    return Math.min(MOST_GRACE_MS, Math.max(LEAST_GRACE_MS, mirrorMs))
  }

  async function reach(holder: Holder) {
    try {
      const asker = await network.connect(holder)
      if (!signal.aborted) handler.onReached(asker)
    } catch (error) {
      handler.onUnreachable(holder.id)
      log.debug({ member: holder.id, err: asError(error) }, 'a member could not be reached')
    }
  }

  return {
    learn(holder) {
      const { id, address, via, companion = false } = holder
      log.debug({ member: id, address, via, companion }, 'a member is known')
      if (companion && !network.record.isSilent(id, address)) {
        awaited.set(id, clock.now())
        handler.onAwaited(id)
        after(graceMs(), handler.onLate)
      }
      // A neighbour hears our own announcement, and dials us if its id is the lower.
      const dialsUs = (companion || network.isNeighbour(id)) && id < network.id
      if (!dialsUs || network.existing(id)) void reach(holder)
      else after(DIAL_LATER_MS, () => void ((awaited.has(id) || !companion) && reach(holder)))
    },
    settled: (id) => awaited.delete(id),
    has: (id) => awaited.has(id),
    get size() {
      return awaited.size
    },
    get awaits() {
      for (const since of awaited.values()) if (clock.now() - since < graceMs()) return true
      return false
    },
    close() {
      for (const stop of timers) stop()
    },
  }
}
