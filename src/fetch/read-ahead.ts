import type { CallerEnvironment } from '../base/caller-environment.ts'
import type { Cancel, Clock } from '../base/clock.ts'
import { SMALL_BYTES } from '../base/sizes.ts'
import type { WantedFile } from '../wire/messages.ts'
import { FOLLOWED_MS } from './callers.ts'
import type { Job } from './job/job.ts'
import type { Located } from './locator.ts'
import { createRateMeter } from './sources/rate-meter.ts'

/** Fetches what a transaction will ask for before it asks, in its order, so that it finds it ready. */
export interface ReadAhead {
  /** The list of the transaction. */
  begin(files: Located[]): void
  /** pacman has asked for this file, and whoever answers has it or follows its job. */
  asked(sha256: string): void
  /** What is on its way stops, unless somebody else waits for it. */
  stop(): void
}

export interface ReadAheadDeps {
  clock: Clock
  /** Asks the network about all of them at once, so that an upgrade costs one search. */
  find(files: WantedFile[]): void
  fetch(located: Located, environment: CallerEnvironment): Job
  /** Whether it is here whole, or on its way for somebody who has asked. */
  isUnderWay(sha256: string): boolean
  /** All that is on its way, for whomever. */
  jobs(): Job[]
  /** Bytes that have come, of all files. */
  received(): number
}

/** Files on their way ahead at the same time, as pacman's ParallelDownloads has it by default … */
const AT_ONCE = 5
/** … of which a small one counts as a part: several go by one curl. */
const SMALL_PART = 1 / 8
/** Bytes fetched ahead of what pacman has asked for. */
const MOST_BYTES = 1024 ** 3
const MOST_FILES = 2_000
/** How often it is measured how fast all comes together, in milliseconds. */
const MEASURE_MS = 500
/** Where what is on its way takes longer than this, in milliseconds, nothing more is begun but small files … */
const LONG_MS = 2_000
/** … as long as it comes about as fast as anything ever did: the line is full then, whoever else would be on it. */
const FULL = 0.85

/**
 * Whether what is on its way fills the line for a while. More on it would only come at the cost of what pacman asks for
 * first, and pacman has its work with each file only when it has had the one before. Small files are no load, and pacman
 * would wait for each of them in its turn. Rates are bytes a second.
 */
export function fillsLine(line: { bytesLeft: number; rate: number; bestRate: number }): boolean {
  const isFull = line.rate > 0 && line.rate >= FULL * line.bestRate
  return isFull && (line.bytesLeft * 1000) / line.rate > LONG_MS
}

interface Line {
  /** Bytes a second that all files together get, and the most that they got so far. */
  readonly rate: number
  readonly bestRate: number
  stop(): void
}

function watchLine(
  { clock, received }: Pick<ReadAheadDeps, 'clock' | 'received'>,
  onMeasured: () => void,
): Line {
  const meter = createRateMeter(clock)
  let before = received()
  let rate = 0
  let bestRate = 0
  let stopTimer = clock.after(MEASURE_MS, measure)
  meter.started()

  function measure() {
    stopTimer = clock.after(MEASURE_MS, measure)
    meter.received(Math.max(0, received() - before))
    before = received()
    rate = meter.rate()
    bestRate = Math.max(bestRate, rate)
    onMeasured()
  }

  return {
    get rate() {
      return rate
    },
    get bestRate() {
      return bestRate
    },
    stop: () => stopTimer(),
  }
}

/** `environment`: what all of it is fetched through. */
export function createReadAhead(
  { clock, find, fetch, isUnderWay, jobs, received }: ReadAheadDeps,
  environment: CallerEnvironment,
): ReadAhead {
  /** In pacman's order; what is asked for or begun leaves it. */
  const queue = new Map<string, Located>()
  /** Begun, and not yet asked for. */
  const ahead = new Map<string, { bytes: number; leave: () => void; over: boolean }>()
  let heardAt = clock.now()
  let stopTimer: Cancel | undefined
  /** What pacman asked for last. */
  let waitedFor: string | undefined
  let line: Line | undefined

  const underWay = () => jobs().filter(({ end }) => !end)
  const bytesLeft = () => underWay().reduce((sum, { file, done }) => sum + file.size - done, 0)
  const isLineTaken = () =>
    line !== undefined &&
    !underWay().some(({ isShared }) => isShared) &&
    fillsLine({ bytesLeft: bytesLeft(), rate: line.rate, bestRate: line.bestRate })

  const weight = (one: { bytes: number }) => (one.bytes <= SMALL_BYTES ? SMALL_PART : 1)
  const running = () => [...ahead.values()].reduce((sum, one) => (one.over ? sum : sum + weight(one)), 0)
  const bytes = () => [...ahead.values()].reduce((sum, one) => sum + one.bytes, 0)

  function next() {
    if (queue.size > 0) line ??= watchLine({ clock, received }, next)
    else {
      line?.stop()
      line = undefined
    }
    let isTaken = isLineTaken()
    for (const [sha256, located] of queue) {
      const isSmall = located.file.size <= SMALL_BYTES
      if (running() > AT_ONCE - SMALL_PART || bytes() + located.file.size > MOST_BYTES) return
      if (isTaken && !isSmall) continue
      queue.delete(sha256)
      if (!isUnderWay(sha256)) start(located)
      isTaken ||= !isSmall && isLineTaken()
    }
  }

  function start(located: Located) {
    const { sha256, size } = located.file
    const job = fetch(located, environment)
    const one = { bytes: size, leave: () => {}, over: false }
    const settle = () => {
      if (!job.end || one.over) return
      one.over = true
      queueMicrotask(() => {
        one.leave()
        next()
      })
    }
    ahead.set(sha256, one)
    one.leave = job.follow({ onChange: settle, onRewind() {} })
    settle()
  }

  /** Nobody has come back: what is on its way stops, what has come stays in the spool for its time. */
  function abandon() {
    queue.clear()
    next()
    for (const one of ahead.values()) if (!one.over) one.leave()
    ahead.clear()
  }

  function watch() {
    stopTimer?.()
    stopTimer = undefined
    if (queue.size === 0 && ahead.size === 0) return
    if (underWay().some(({ file }) => file.sha256 === waitedFor)) heardAt = clock.now()
    const left = heardAt + FOLLOWED_MS - clock.now()
    if (left <= 0) abandon()
    else stopTimer = clock.after(left, watch)
  }

  return {
    begin(files) {
      const wanted = files.filter(({ file }) => !ahead.has(file.sha256)).slice(0, MOST_FILES)
      heardAt = clock.now()
      find(wanted.map(({ file }) => file))
      for (const located of wanted) queue.set(located.file.sha256, located)
      next()
      watch()
    },
    stop() {
      abandon()
      watch()
    },
    asked(sha256) {
      heardAt = clock.now()
      waitedFor = sha256
      queue.delete(sha256)
      const one = ahead.get(sha256)
      if (!one) return
      ahead.delete(sha256)
      if (!one.over) one.leave()
      next()
    },
  }
}
