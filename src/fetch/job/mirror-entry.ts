import type { Clock } from '../../base/clock.ts'
import type { Limiter } from '../../base/limiter.ts'
import { SMALL_BYTES } from '../../mirror/small-batches.ts'
import type { Members } from '../crowd/members.ts'
import type { Stock } from '../file/partial-file.ts'
import type { FileNetwork } from '../network.ts'
import type { PacserveSearch } from '../sources/pacserve.ts'
import type { Meetings } from './holder-intake.ts'
import { mirrorDelay, mirrorIsDue, type Standing, secondMirrorHelps } from './mirror-rule.ts'
import type { Swarm } from './scheduler.ts'

/** When the mirrors of one job join, and when there is nobody left to hope for. */
export interface MirrorDuty {
  /** Bytes a second that the first mirror gave when it was last used; undefined while unknown. */
  readonly rateBefore: number | undefined
  /** Whether what was shared out with others is now left to those who have the whole: the mirror has nothing to do. */
  readonly isSpared: boolean
  /** Has a mirror join that is due. To be called when something has changed, and several times a second. */
  consider(): void
  /** Remembers how fast the mirrors are, for the next job; what they take over a small file says nothing of that. */
  noteRates(): void
}

export interface MirrorDutyDeps {
  clock: Clock
  downloads: Limiter
  /** Rates of mirrors when they were last used, in bytes a second, by URL without the file's name. */
  mirrorRates: Map<string, number>
  network: Pick<FileNetwork, 'hasNeighbours'>
  stock: Stock
  swarm: Swarm
  meetings: Meetings
  members: Members
  /** pacredir's servers; undefined where they aren't wanted. */
  servers(): PacserveSearch | undefined
}

export interface MirrorDutyHandler {
  /** Chunks that have come and are being written. */
  isWriting(): boolean
  /** Neither mirrors nor anybody else may yet give something. */
  onHopeless(): void
}

/** `started`: by the clock, when the job began. */
export function createMirrorDuty(
  { clock, downloads, mirrorRates, network, stock, swarm, meetings, members, servers }: MirrorDutyDeps,
  order: { size: number; mirrors: string[]; delay: 'auto' | number; started: number },
  { isWriting, onHopeless }: MirrorDutyHandler,
): MirrorDuty {
  /** By the clock, from when on the mirrors' rate says something of them. */
  let judgedFrom = order.started
  /** By the clock, since when peers deliver. */
  let deliveringFrom: number | undefined

  function join() {
    judgedFrom = clock.now()
    swarm.joinMirror()
  }

  function considerSecond() {
    const { nextMirror } = swarm
    // What is held back by our own limit is judged anew.
    if (downloads.wait() > 0) judgedFrom = clock.now()
    if (nextMirror === undefined || members.any) return
    const helps = secondMirrorHelps({
      mirrorFor: clock.now() - judgedFrom,
      mirrorRate: swarm.mirrorsRate(),
      peersRate: swarm.peersRate(),
      bytesLeft: stock.plan.bytesLeft,
      nextRate: mirrorRates.get(serverOf(nextMirror)),
    })
    if (helps) join()
  }

  const hasHolder = () => meetings.connecting || swarm.peers.some((source) => !source.partial)

  /** Whether somebody may yet give something. Where every mirror has failed, the caller's curl would fare no better. */
  function isHopeful(): boolean {
    const waits = meetings.searching && order.mirrors.length > 0
    const isOwed = hasHolder() || swarm.canBring()
    return waits || isOwed || isWriting() || members.hopeful() || servers()?.awaited === true
  }

  const rateBefore = () => mirrorRates.get(serverOf(order.mirrors[0] ?? ''))

  function deliveringFor(): number | undefined {
    const delivers = (stock.bytesFrom.peer > 0 || servers()?.delivering === true) && swarm.peersRate() > 0
    deliveringFrom = delivers ? (deliveringFrom ?? clock.now()) : undefined
    return deliveringFrom === undefined ? undefined : clock.now() - deliveringFrom
  }

  function standing(): Standing {
    const mirrorRate = rateBefore()
    const firstAt = meetings.firstAt ?? servers()?.firstAt
    return {
      elapsed: clock.now() - order.started,
      delay: mirrorDelay(order.delay, order.size, mirrorRate),
      hasNeighbours: network.hasNeighbours(),
      memberAwaited: members.awaited || servers()?.awaited === true,
      inCrowd: members.anyEver,
      searching: meetings.searching,
      holderFor: firstAt === undefined ? undefined : clock.now() - firstAt,
      liveHolder: meetings.live || servers()?.firstAt !== undefined,
      holderAtWork: hasHolder(),
      deliveringFor: deliveringFor(),
      bytesLeft: stock.plan.bytesLeft,
      peersRate: swarm.peersRate(),
      mirrorRate,
    }
  }

  return {
    get rateBefore() {
      return rateBefore()
    },
    get isSpared() {
      return members.anyEver && hasHolder() && !mirrorIsDue(standing())
    },
    consider() {
      if (stock.plan.bytesLeft === 0) return
      if (swarm.mirrors.length > 0) return considerSecond()
      const due = mirrorIsDue(standing())
      if (due && swarm.nextMirror !== undefined) join()
      else if (due && !isHopeful()) onHopeless()
    },
    noteRates() {
      if (order.size <= SMALL_BYTES) return
      for (const mirror of swarm.mirrors) {
        if (mirror.rate() > 0) mirrorRates.set(serverOf(mirror.url), mirror.rate())
      }
    },
  }
}

const serverOf = (url: string) => url.slice(0, url.lastIndexOf('/'))
