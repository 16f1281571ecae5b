/** When the mirror takes part: pure decisions. */
import { SMALL_BYTES } from '../../base/sizes.ts'
import { UNKNOWN_MIRROR_RATE } from '../sources/rate-meter.ts'

/** A mirror that was never measured is taken for this where nobody else has the file: a wait for a mirror that proves fast costs more than one too short. */
const UNKNOWN_MIRROR_ALONE_RATE = 10_000_000
const LEAST_DELAY_MS = 50
const MOST_DELAY_MS = 2_000
/** Peers that need no longer than this are left alone. */
const PATIENCE_MS = 2_000
/** Their rate says something after this time: the first chunk's holds the way there and back, and a busy holder's start. */
const PEERS_JUDGED_AFTER_MS = 300
/** The mirror must shorten the rest by this much to be worth its line. */
const WORTH = 0.15
/** A holder that is surely alive gets this long to deliver, however small the file. */
const LIVE_HOLDER_MS = 200
/** And this long where all the site begins at once, and it is busy with all the others. */
const CROWD_HOLDER_MS = 1_000
/** In a crowd the mirror is held back no longer than this, in milliseconds: time for others to turn up. */
const CROWD_DELAY_MS = 150

/** Milliseconds for which the mirror is held back while there are neighbours and no holder is known. */
export function mirrorDelay(
  setting: 'auto' | number,
  fileSize: number,
  mirrorRate: number | undefined,
): number {
  if (setting !== 'auto') return setting
  if (fileSize < SMALL_BYTES) return 0
  const expectedMs = (fileSize * 1000) / (mirrorRate ?? UNKNOWN_MIRROR_ALONE_RATE)
  return Math.min(MOST_DELAY_MS, Math.max(LEAST_DELAY_MS, expectedMs / 10))
}

/** Whether a mirror should help peers that are delivering. `peersRate`: all of theirs, in bytes a second. */
export function mirrorHelps(bytesLeft: number, peersRate: number, mirrorRate: number | undefined): boolean {
  const alone = (bytesLeft * 1000) / peersRate
  const together = (bytesLeft * 1000) / (peersRate + (mirrorRate ?? UNKNOWN_MIRROR_RATE))
  return alone > PATIENCE_MS && together <= alone * (1 - WORTH)
}

/** A mirror is judged by its rate after this time. */
const JUDGED_AFTER_MS = 1_000
/** A mirror is slow that gives less than this part of what the next is expected to give. */
const SLOW = 0.5

/** Whether a second mirror should join one that is at work. Times are milliseconds, rates bytes a second. */
export function secondMirrorHelps(job: {
  /** For how long the first could show what it gives. */
  mirrorFor: number
  mirrorRate: number
  peersRate: number
  bytesLeft: number
  /** What the second gave when it was last used. */
  nextRate: number | undefined
}): boolean {
  const isSlow = job.mirrorRate < SLOW * (job.nextRate ?? UNKNOWN_MIRROR_RATE)
  const isJudged = job.mirrorFor >= JUDGED_AFTER_MS
  return isJudged && isSlow && mirrorHelps(job.bytesLeft, job.peersRate + job.mirrorRate, job.nextRate)
}

/** Why the mirror joins, for the log. */
export type JoinRule =
  | 'no neighbours'
  | 'small file, or no delay set'
  | 'no holder within the delay'
  | 'the search is over'
  | 'no holder gave anything in its time'
  | 'peers would take over 2 s and the mirror shortens it by 15 %'

/** However many say, one after another, that they download it and then no more: the mirror waits so long in all. */
const MOST_AWAITED_MS = 1_500

/** How a job stands. Times are milliseconds. */
export interface JobStanding {
  /** Since the job began. */
  elapsed: number
  /** What `mirrorDelay` gives. */
  delay: number
  hasNeighbours: boolean
  /** Whether a companion is known to download the file that hasn't yet said how far it is. */
  memberAwaited: boolean
  /** Whether members share, or shared, the mirror out among them. */
  inCrowd: boolean
  searching: boolean
  /** Since a first holder became known; undefined while none is. */
  holderFor: number | undefined
  /** Whether one of them is a neighbour, and so surely alive. */
  liveHolder: boolean
  /** Whether a holder is a source or about to be one. */
  holderAtWork: boolean
  /** For how long peers have been seen to deliver; undefined while they don't. */
  deliveringFor: number | undefined
  bytesLeft: number
  peersRate: number
  mirrorRate: number | undefined
}

/** The rule by which the mirror should join now, if it hasn't; undefined while it shouldn't. */
export function whyMirrorIsDue(job: JobStanding): JoinRule | undefined {
  if (job.memberAwaited && job.elapsed < MOST_AWAITED_MS) return undefined
  if (job.deliveringFor !== undefined) {
    const isJudged = job.deliveringFor >= PEERS_JUDGED_AFTER_MS
    const helps = isJudged && mirrorHelps(job.bytesLeft, job.peersRate, job.mirrorRate)
    return helps ? 'peers would take over 2 s and the mirror shortens it by 15 %' : undefined
  }
  if (job.holderFor !== undefined && job.holderAtWork) {
    const least = !job.liveHolder ? 0 : job.inCrowd ? CROWD_HOLDER_MS : LIVE_HOLDER_MS
    return job.holderFor >= Math.max(job.delay, least) ? 'no holder gave anything in its time' : undefined
  }
  const delay = job.inCrowd ? Math.min(job.delay, CROWD_DELAY_MS) : job.delay
  if (!job.hasNeighbours) return 'no neighbours'
  if (delay === 0) return 'small file, or no delay set'
  if (job.elapsed >= delay) return 'no holder within the delay'
  return job.searching ? undefined : 'the search is over'
}
