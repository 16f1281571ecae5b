import type { Cancel, Clock } from '../base/clock.ts'
import { createExpiringMap } from '../base/expiring-map.ts'
import type { Log } from '../base/log.ts'
import type { Holder } from '../overlay/query/holders.ts'
import type { Sha256, WantedFile } from '../wire/messages.ts'
import type { Job } from './job/job.ts'
import type { Located } from './locator.ts'

/** What neighbours of the site have and this machine's databases name, brought into the keep when nobody waits for anything. */
export interface Gather {
  /** A neighbour says that it has a file. */
  announced(holder: Pick<Holder, 'file' | 'companion'>): void
  /** What is on its way stops. */
  stop(): void
}

export interface GatherDeps {
  clock: Clock
  log: Log
  /** Those of these SHA-256 that a database names. Never rejects. */
  locate(hashes: ReadonlySet<Sha256>): Promise<Located[]>
  /** Whether this machine has it. */
  holds(sha256: Sha256): boolean
  /** Whether no bytes are moved now that nobody waits for. */
  isSparing(): boolean
  /** Whether it fits into the keep where it is in nobody's way. */
  hasRoom(file: WantedFile): Promise<boolean>
  /** From other nodes alone; undefined where it is on its way already. */
  fetch(located: Located): Job | undefined
}

/** So long after an announcement it is looked up, in milliseconds: they come by hundreds. */
const LOOK_MS = 1_000
/** What no database names yet is looked up again so often: a newer one may come. */
const AGAIN_MS = 10 * 60_000
const MOST_UNKNOWN = 20_000
const MOST_WAITING = 2_000
const AT_ONCE = 2
/** What was brought isn't brought again so soon, in milliseconds, though it had to go: it is told of at each connection. */
const DONE_MS = 7 * 24 * 60 * 60_000

export function createGather({ clock, log, locate, holds, isSparing, hasRoom, fetch }: GatherDeps): Gather {
  /** Announced and not yet known to be named, oldest first. */
  const unknown = createExpiringMap<Sha256, true>(clock, { ttl: 24 * 60 * 60_000, limit: MOST_UNKNOWN })
  const done = createExpiringMap<Sha256, true>(clock, { ttl: DONE_MS, limit: MOST_UNKNOWN })
  /** What was built last is first. */
  let waiting: Located[] = []
  const leaves = new Set<() => void>()
  let stopTimer: Cancel | undefined
  let stopAgain: Cancel = () => {}
  let atWork = 0
  let stopped = false

  const isWanted = (sha256: Sha256) => done.get(sha256) === undefined && !holds(sha256)

  async function look() {
    stopTimer = undefined
    const found = await locate(new Set([...unknown.entries()].map(([sha256]) => sha256)))
    if (stopped) return
    for (const { file } of found) unknown.delete(file.sha256)
    const known = new Set(waiting.map(({ file }) => file.sha256))
    waiting = [...waiting, ...found.filter(({ file }) => !known.has(file.sha256))]
      .sort((a, b) => (b.built ?? 0) - (a.built ?? 0))
      .slice(0, MOST_WAITING)
    for (let n = Math.min(AT_ONCE - atWork, waiting.length); n > 0; n--) void work()
    stopAgain()
    // Also what waits while nothing is moved.
    if (unknown.size > 0 || waiting.length > 0) stopAgain = clock.after(AGAIN_MS, () => void look())
  }

  async function work() {
    atWork++
    while (waiting.length > 0 && !stopped && !isSparing()) await bring(waiting.shift()!)
    atWork--
  }

  async function bring(located: Located) {
    const { file } = located
    if (!isWanted(file.sha256) || !(await hasRoom(file)) || stopped) return
    const job = fetch(located)
    if (!job) return
    const result = await over(job)
    if (result === 'done') done.set(file.sha256, true)
    log.debug({ file: file.name, result }, 'a neighbour of the site had it: brought for the keep')
  }

  function over(job: Job): Promise<string | undefined> {
    return new Promise((resolve) => {
      const leave = job.follow({
        onChange() {
          if (job.end) queueMicrotask(settle)
        },
        onRewind() {},
      })
      const settle = () => {
        if (!leaves.delete(settle)) return
        leave()
        resolve(job.end?.result)
      }
      leaves.add(settle)
    })
  }

  return {
    announced({ file: { sha256, whole }, companion }) {
      if (!whole || companion !== true || stopped || !isWanted(sha256)) return
      unknown.set(sha256, true)
      stopTimer ??= clock.after(LOOK_MS, () => void look())
    },
    stop() {
      stopped = true
      stopTimer?.()
      stopAgain()
      for (const leave of leaves) leave()
    },
  }
}
