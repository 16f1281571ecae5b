import type { Clock } from '../../base/clock.ts'
import type { PacsrvError } from '../../base/error.ts'
import type { Limiter } from '../../base/limiter.ts'
import { SMALL_BYTES } from '../../base/sizes.ts'
import { answerIn } from '../../mirror/answers.ts'
import type { Members } from '../crowd/members.ts'
import type { PartialFile } from '../file/partial-file.ts'
import type { FileNetwork } from '../network.ts'
import type { PacserveSearch } from '../sources/pacserve.ts'
import type { HolderIntake } from './holder-intake.ts'
import { type JobStanding, mirrorDelay, secondMirrorHelps, whyMirrorIsDue } from './mirror-rule.ts'
import type { Scheduler } from './scheduler.ts'

/** When the mirrors of one job join, and when no source is left. */
export interface MirrorEntry {
  /** Bytes a second that the first mirror gave when it was last used; undefined while unknown. */
  readonly rateBefore: number | undefined
  /** Whether what was shared out with others is now left to those who have the whole: the mirror has nothing to do. */
  readonly isSpared: boolean
  /** Has a mirror join that is due. To be called when something has changed, and several times a second. */
  consider(): void
  /** A mirror gave nothing. */
  failed(error: PacsrvError): void
  /** The mirrors' bytes are not what the sync database promises. */
  lied(): void
  /** Remembers how fast the mirrors are, for the next job; what they take over a small file says nothing of that. */
  noteRates(): void
}

export interface MirrorEntryDeps {
  clock: Clock
  downloads: Limiter
  /** Rates of mirrors when they were last used, in bytes a second, by URL without the file's name. */
  mirrorRates: Map<string, number>
  network: Pick<FileNetwork, 'hasNeighbours'>
  partial: Pick<PartialFile, 'map' | 'bytesFrom'>
  scheduler: Scheduler
  intake: Pick<HolderIntake, 'searching' | 'connecting' | 'firstAt' | 'live'>
  members: Pick<Members, 'any' | 'anyEver' | 'awaited' | 'hopeful'>
  /** pacredir's servers; undefined where they aren't wanted. */
  servers: Pick<PacserveSearch, 'awaited' | 'firstAt' | 'delivering'> | undefined
}

/** `started`: by the clock, when the job began. */
export interface MirrorEntryOrder {
  name: string
  size: number
  mirrors: string[]
  delay: 'auto' | number
  started: number
}

/** Neither mirrors nor anybody else may yet give something. */
export type Hopeless = { result: 'mirror' | 'mismatch'; reason: string }

/** Where a mirror has wrong bytes, how long the search for somebody with the right ones goes on, in milliseconds. */
const WRONG_MS = 500

export function createMirrorEntry(
  { clock, downloads, mirrorRates, network, partial, scheduler, intake, members, servers }: MirrorEntryDeps,
  order: MirrorEntryOrder,
  onHopeless: (why: Hopeless) => void,
): MirrorEntry {
  const { map } = partial
  /** By the clock, from when on the mirrors' rate says something of them. */
  let judgedFrom = order.started
  /** By the clock, since when one of pacredir's servers has it. */
  let serverAt: number | undefined
  /** By the clock, since when peers deliver. */
  let deliveringFrom: number | undefined
  let fault: PacsrvError | undefined
  /** By the clock, since when a mirror is known to have other bytes than the database promises, of whatever size. */
  let wrongAt: number | undefined

  function join(rule: string) {
    judgedFrom = clock.now()
    scheduler.joinMirror(rule)
  }

  function considerSecond() {
    const { nextMirror } = scheduler
    // What our own limit holds back is judged again.
    if (downloads.wait() > 0) judgedFrom = clock.now()
    if (nextMirror === undefined || members.any) return
    const helps = secondMirrorHelps({
      mirrorFor: clock.now() - judgedFrom,
      mirrorRate: scheduler.mirrorsRate(),
      peersRate: scheduler.peersRate(),
      bytesLeft: map.bytesLeft,
      nextRate: mirrorRates.get(serverOf(nextMirror)),
    })
    if (helps) join('the first mirror is slow, and a second shortens the rest by 15 %')
  }

  const hasHolder = () => intake.connecting || scheduler.hasHolder

  const hasWaited = () => wrongAt !== undefined && clock.now() - wrongAt >= WRONG_MS

  /** Whether somebody may yet give something. Where every mirror has failed, the caller's curl would fare no better. */
  function isHopeful(): boolean {
    const waits = intake.searching && order.mirrors.length > 0 && !hasWaited()
    const isOwed = hasHolder() || scheduler.canBring()
    return waits || isOwed || map.beingWritten > 0 || members.hopeful() || servers?.awaited === true
  }

  const rateBefore = () => mirrorRates.get(serverOf(order.mirrors[0] ?? ''))

  function deliveringFor(): number | undefined {
    const delivers = (partial.bytesFrom.peer > 0 || servers?.delivering === true) && scheduler.peersRate() > 0
    deliveringFrom = delivers ? (deliveringFrom ?? clock.now()) : undefined
    return deliveringFrom === undefined ? undefined : clock.now() - deliveringFrom
  }

  function standing(): JobStanding {
    const mirrorRate = rateBefore()
    if (servers?.firstAt !== undefined) serverAt ??= clock.now()
    const firstAt = intake.firstAt ?? serverAt
    // In a crowd whoever gave is known to be there, and busy with all the others when it is late.
    const gaveAt = (members.anyEver && scheduler.holderGaveAt) || 0
    const holderSince = firstAt === undefined ? undefined : Math.max(firstAt, gaveAt)
    return {
      elapsed: clock.now() - order.started,
      delay: mirrorDelay(order.delay, order.size, mirrorRate),
      hasNeighbours: network.hasNeighbours(),
      memberAwaited: members.awaited || servers?.awaited === true,
      inCrowd: members.anyEver,
      searching: intake.searching,
      holderFor: holderSince === undefined ? undefined : clock.now() - holderSince,
      liveHolder: intake.live || servers?.firstAt !== undefined,
      holderAtWork: hasHolder(),
      deliveringFor: deliveringFor(),
      bytesLeft: map.bytesLeft,
      peersRate: scheduler.peersRate(),
      mirrorRate,
    }
  }

  function hopeless(): Hopeless {
    if (wrongAt === undefined)
      return { result: 'mirror', reason: fault?.message ?? 'nobody in the network has it' }
    const reason = `${order.name}: no mirror has what the sync database promises; refresh it with pacman -Sy`
    return { result: 'mismatch', reason }
  }

  return {
    get rateBefore() {
      return rateBefore()
    },
    get isSpared() {
      return members.anyEver && hasHolder() && whyMirrorIsDue(standing()) === undefined
    },
    consider() {
      if (map.bytesLeft === 0) return
      if (scheduler.mirrors.size > 0) return considerSecond()
      const rule = whyMirrorIsDue(standing())
      if (rule === undefined) return
      if (scheduler.nextMirror !== undefined) join(rule)
      else if (!isHopeful()) onHopeless(hopeless())
    },
    failed(error) {
      // A file of another size is as wrong as other bytes of the right one.
      if (answerIn(error) === 'wrong') wrongAt ??= clock.now()
      fault ??= error
    },
    lied() {
      wrongAt ??= clock.now()
    },
    noteRates() {
      if (order.size <= SMALL_BYTES) return
      for (const mirror of scheduler.mirrors) {
        if (mirror.rate() > 0) mirrorRates.set(serverOf(mirror.url), mirror.rate())
      }
    },
  }
}

const serverOf = (url: string) => url.slice(0, url.lastIndexOf('/'))
