import { type CallerEnvironment, environmentKey, namesProxy } from '../base/caller-environment.ts'
import { sha256 as sha256Of } from '../base/sha256.ts'
import type { WantedFile } from '../wire/messages.ts'
import type { Origins } from './file/spool-file.ts'
import { createJob, type Job } from './job/job.ts'
import type { JobDeps, JobOrder } from './job/order.ts'
import type { Located, Locator } from './locator.ts'

/** The jobs under way, for whoever only looks at them. */
export interface JobList {
  jobs(): Job[]
  job(sha256: string): Job | undefined
  isFetching(sha256: string): boolean
}

/** The list itself: only `createDownloads` writes it. */
export interface JobRegistry extends JobList {
  readonly byKey: Map<string, Job>
}

/** Every file on its way; several callers of one file share its job. */
export interface Downloads extends JobList {
  /**
   * The job of a file, begun if there is none. To be followed at once. `delay`: another than the configured one, for a file
   * that nobody waits for.
   */
  fetch(
    located: Pick<Located, 'file' | 'mirrors'>,
    environment: Record<string, string>,
    delay?: JobOrder['delay'],
  ): Job
  /**
   * The job of a file that nobody waits for, from other nodes alone; undefined where it is on its way already. Whoever fetches the
   * file while it is at work takes its place.
   */
  gather(located: Pick<Located, 'file' | 'mirrors'>): Job | undefined
  /** Ends all jobs; resolves when what they have is noted in the spool. */
  close(): Promise<void>
}

/** What the answers to pacman need to turn a URL into a job. */
export type Fetcher = Pick<Locator, 'locate'> & Pick<Downloads, 'fetch' | 'isFetching'>

export interface DownloadsOptions {
  registry: JobRegistry
  delay: JobOrder['delay']
  /** Told of every chunk or list that proved wrong: what it was, and whose. */
  onRejected(what: string, who?: string): void
  /** Told of every file that came whole and right, while it is in the spool. `began`: by the clock. */
  onDone(located: Pick<Located, 'file' | 'mirrors'>, from: Origins, began: number): void
}

/** Which callers share a job: those of one file who would reach its mirrors in the same way. */
const keyOf = ({ sha256 }: WantedFile, environment: CallerEnvironment) =>
  `${sha256} ${environmentKey(environment)}`

export function createJobRegistry(): JobRegistry {
  const byKey = new Map<string, Job>()
  const job = (sha256: string) => [...byKey.values()].find(({ file }) => file.sha256 === sha256)
  return {
    byKey,
    jobs: () => [...byKey.values()],
    job,
    isFetching: (sha256) => job(sha256) !== undefined,
  }
}

export function createDownloads(
  deps: JobDeps,
  { registry, delay: usual, onRejected, onDone }: DownloadsOptions,
): Downloads {
  const { byKey, jobs, job, isFetching } = registry
  const rates = createRates(deps.mirrorRates)
  /** Jobs that nobody waits for. */
  const idle = new WeakSet<Job>()

  /** Nobody hears of a job with this one. */
  const unheard: JobDeps['network'] = { ...deps.network, join: () => ({ leave() {} }) }

  /**
   * A second job of a file, for a caller of another environment: it has a spool file of its own, which nobody else is
   * given, and the network hears of the first alone.
   */
  function apart(key: string): Pick<JobDeps, 'spool' | 'network'> {
    const own = sha256Of(Buffer.from(key))
    return {
      spool: {
        ...deps.spool,
        async open(file) {
          const opened = await deps.spool.open({ ...file, sha256: own })
          return { ...opened, completed() {}, close: () => opened.close('useless') }
        },
      },
      network: unheard,
    }
  }

  /** `gathers`: from other nodes alone, who needn't reckon with one that nobody waits for. */
  function begin(
    { file, mirrors }: Pick<Located, 'file' | 'mirrors'>,
    { environment, delay, gathers = false }: Pick<JobOrder, 'environment' | 'delay'> & { gathers?: boolean },
  ): Job {
    const asked = gathers ? [] : mirrors
    const own = gathers ? { network: unheard } : {}
    const key = keyOf(file, environment)
    const log = deps.log.child({ file: file.name })
    const onClosed = () => {
      if (byKey.get(key) === job) byKey.delete(key)
      if (job.end?.result === 'done') onDone({ file, mirrors }, job.end, job.began)
    }
    const first = !jobs().some(({ file: { sha256 }, closing }) => sha256 === file.sha256 && !closing)
    const job = createJob(
      { ...deps, log, mirrorRates: rates(environment), ...(first ? own : apart(key)) },
      { file, mirrors: asked, environment, delay },
      { onRejected: (what, who) => onRejected(`${what} of ${file.name}`, who), onClosed },
    )
    log.debug({ sha256: file.sha256, size: file.size, mirrors: asked.length }, 'a download begins')
    byKey.set(key, job)
    return job
  }

  return {
    jobs,
    job,
    isFetching,
    fetch(located, environment, delay = usual) {
      for (const job of jobs())
        if (job.file.sha256 === located.file.sha256 && idle.has(job))
          void job.stop('it gives way to who waits for it')
      const known = byKey.get(keyOf(located.file, environment))
      if (known && !known.closing) return known
      return begin(located, { environment, delay })
    },
    gather(located) {
      if (isFetching(located.file.sha256)) return undefined
      const job = begin(located, { environment: {}, delay: 'auto', gathers: true })
      idle.add(job)
      return job
    },
    async close() {
      await Promise.all(jobs().map((job) => job.stop('the daemon is stopping')))
    },
  }
}

/** Callers by proxy for whom it is remembered how fast mirrors are. */
const MOST_RATES = 8

/** How fast mirrors are through one caller's proxy says nothing of how fast they are for others. */
function createRates(direct: JobDeps['mirrorRates']) {
  const byProxy = new Map<string, JobDeps['mirrorRates']>()
  return (environment: CallerEnvironment) => {
    if (!namesProxy(environment)) return direct
    const key = environmentKey(environment)
    const known = byProxy.get(key) ?? new Map<string, number>()
    byProxy.delete(key)
    byProxy.set(key, known)
    for (const oldest of byProxy.keys()) if (byProxy.size > MOST_RATES) byProxy.delete(oldest)
    return known
  }
}
