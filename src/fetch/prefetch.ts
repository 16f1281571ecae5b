import type { Clock } from '../base/clock.ts'
import { asError } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { WantedFile } from '../wire/messages.ts'
import type { Job, JobEnd } from './job/job.ts'
import type { Located } from './locator.ts'
import type { UpgradeList } from './upgrade.ts'

/** How a prefetch went; bytes and files. */
export interface PrefetchReport {
  /** Files that the upgrade needs. */
  wanted: number
  bytes: number
  /** Of these were here already, came now, and could not be had. */
  here: number
  fetched: number
  failed: number
  fromPeers: number
  fromMirror: number
}

/** Fetches tomorrow's upgrade tonight. */
export interface Prefetch {
  /**
   * One at a time: who asks meanwhile has that one's report, and for a while after one that brought nothing. Throws what
   * `UpgradeList` throws.
   */
  run(onProgress: (report: PrefetchReport) => void): Promise<PrefetchReport>
  /** What is on its way stops. */
  stop(): void
}

export interface PrefetchDeps {
  clock: Clock
  log: Log
  list: UpgradeList
  /** By databases as new as the list. */
  locate(url: string): Promise<Located | undefined>
  holds(sha256: string): boolean
  /** Asks the network about all of them at once. */
  find(files: WantedFile[]): void
  fetch(located: Located): Job
  /** Puts what came where it stays until pacman asks for it. */
  keep(located: Located): Promise<boolean>
}

/** Files on their way at the same time: nobody waits for them, and the line may be somebody's. */
const AT_ONCE = 2
/** So long after one that brought nothing, in milliseconds, it is not looked again: each costs mirrors and pacman something. */
const AGAIN_MS = 10_000

export function createPrefetch({
  clock,
  log,
  list,
  locate,
  holds,
  find,
  fetch,
  keep,
}: PrefetchDeps): Prefetch {
  const leaves = new Set<() => void>()
  const watchers = new Set<(report: PrefetchReport) => void>()
  let running: Promise<PrefetchReport>
  /** By the clock, how long `running` is what whoever asks is told. */
  let until = Number.NEGATIVE_INFINITY
  let stopped = false

  function come(located: Located): Promise<JobEnd> {
    return new Promise((resolve) => {
      const job = fetch(located)
      const settle = () => {
        if (!job.end) return
        const { end } = job
        queueMicrotask(() => {
          leave()
          leaves.delete(leave)
          resolve(end)
        })
      }
      const leave = job.follow({ onChange: settle, onRewind() {} })
      leaves.add(leave)
      settle()
    })
  }

  async function fetchOne(located: Located, report: PrefetchReport) {
    const end = await come(located)
    if (end.result === 'done' && (await keep(located))) {
      report.fetched++
      report.fromPeers += end.fromPeers
      report.fromMirror += end.fromMirror
    } else {
      report.failed++
      const reason = end.result === 'done' ? "it can't be kept" : end.reason
      log.info({ file: located.file.name, reason }, `${located.file.name} could not be fetched ahead`)
    }
    for (const watch of watchers) watch(report)
  }

  async function all(): Promise<PrefetchReport> {
    const urls = await list()
    const found = (await Promise.all(urls.map(locate))).filter((one) => one !== undefined)
    const missing = found.filter(({ file }) => !holds(file.sha256))
    const report: PrefetchReport = {
      wanted: urls.length,
      bytes: found.reduce((sum, { file }) => sum + file.size, 0),
      here: found.length - missing.length,
      fetched: 0,
      failed: urls.length - found.length,
      fromPeers: 0,
      fromMirror: 0,
    }
    find(missing.map(({ file }) => file))
    const queue = missing.values()
    const take = async () => {
      for (const located of queue) if (!stopped) await fetchOne(located, report)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, take))
    log.info(report, `fetched ahead ${report.fetched} of ${report.wanted} packages of the next upgrade`)
    return report
  }

  return {
    async run(onProgress) {
      watchers.add(onProgress)
      if (clock.now() >= until) {
        until = Number.POSITIVE_INFINITY
        running = all().then(
          (report) => {
            until = clock.now() + (report.fetched > 0 ? 0 : AGAIN_MS)
            return report
          },
          (error) => {
            until = clock.now() + AGAIN_MS
            log.warn({ err: asError(error) }, 'nothing could be fetched ahead')
            throw error
          },
        )
      }
      try {
        return await running
      } finally {
        watchers.delete(onProgress)
      }
    },
    stop() {
      stopped = true
      for (const leave of leaves) leave()
      if (leaves.size > 0) log.debug({ err: asError('the daemon stops') }, 'fetching ahead stops')
    },
  }
}
