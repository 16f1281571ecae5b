import type { DeadMirrors } from '../mirror/dead-mirrors.ts'
import type { PacmanConf } from '../pacman/pacman-conf.ts'
import type { PackageFile, SyncDatabases } from '../pacman/sync-databases.ts'
import { fileNameOfUrl, repositoryOfUrl } from '../pacman/urls.ts'
import type { WantedFile } from '../wire/messages.ts'
import type { Origins } from './file/spool.ts'
import { createJob, type Job } from './job/job.ts'
import type { JobDeps } from './job/order.ts'

/** A file that the sync databases name, and where the daemon itself may fetch it. */
export interface Located {
  file: WantedFile
  mirrors: string[]
  /** When it was built, in seconds since 1970, if the databases say. */
  built?: number
}

/** Every file on its way; several callers of one file share its job. */
export interface Fetcher {
  /** What `url` is, or in words why it is the caller's own business. */
  locate(url: string): Promise<Located | { reason: string }>
  /** What the path of a CacheServer's URL names: the last folder that is a repository's name tells which. */
  locatePath(path: string): Promise<Located | undefined>
  /** Where a caller's own curl should try to get `url`, best first; undefined where no Server is known for it. */
  mirrorsOf(url: string): Promise<string[] | undefined>
  /** A caller's own curl couldn't reach it. */
  mirrorFailed(url: string): Promise<void>
  /** The job of a file, begun if there is none. To be followed at once. */
  fetch(located: Located, environment: Record<string, string>): Job
  jobs(): Job[]
  job(sha256: string): Job | undefined
  isFetching(sha256: string): boolean
  /** Ends all jobs; resolves when what they have is noted in the spool. */
  close(): Promise<void>
}

export interface FetcherDeps extends JobDeps {
  databases: SyncDatabases
  /** pacman's configuration as it is now; undefined where pacman-conf gives none. */
  pacmanConf(): Promise<PacmanConf | undefined>
  deadMirrors: DeadMirrors
  /** Told of every chunk or list that proved wrong. */
  onRejected(): void
  /** Told of every file that came whole and right. */
  onDone(from: Origins): void
}

/** Only from these does the daemon fetch; `file:` would let anyone read what the daemon may. */
const SCHEMES = /^(https?|ftp):\/\//i

/** Whoever asks may not know the password of another mirror. */
const hasUser = (url: string) => /^[a-z][a-z\d+.-]*:\/\/[^/?#]*@/i.test(url)

export function createFetcher(deps: FetcherDeps, { delay }: { delay: 'auto' | number }): Fetcher {
  const jobs = new Map<string, Job>()

  return {
    async locate(url) {
      const name = fileNameOfUrl(url)
      if (name === undefined) return { reason: 'its URL names no file' }
      const conf = await deps.pacmanConf()
      const origin = conf && repositoryOfUrl(url, conf)
      if (!origin) return { reason: 'its URL is under no Server of pacman.conf' }
      const found = await deps.databases.find(name, origin.repository)
      if (!found || found.size === 0) return { reason: 'no sync database names it' }
      return locatedAs(found, deps.deadMirrors.order(origin.mirrors.filter((mirror) => SCHEMES.test(mirror))))
    },
    async locatePath(path) {
      const name = fileNameOfUrl(`http://localhost${path}`)
      const conf = await deps.pacmanConf()
      const folders = path.split('/').slice(1, -1)
      const repository = conf?.repositories.findLast(({ name }) => folders.includes(name))
      const found = name === undefined ? undefined : await deps.databases.find(name, repository?.name)
      if (!found || found.size === 0) return undefined
      const servers = repository?.servers.filter((server) => SCHEMES.test(server)) ?? []
      const mirrors = servers.map((server) => `${server.replace(/\/+$/, '')}/${encodeURIComponent(name!)}`)
      return locatedAs(found, deps.deadMirrors.order(mirrors))
    },
    async mirrorsOf(url) {
      const conf = await deps.pacmanConf()
      const origin = conf && repositoryOfUrl(url, conf)
      if (!origin) return undefined
      const [first] = conf.repositories.find(({ name }) => name === origin.repository)!.servers
      // pacman asks the second only when the first call failed, and that one has tried them all.
      if (origin.server !== first) return [url]
      return deps.deadMirrors.order(origin.mirrors.filter((mirror) => mirror === url || !hasUser(mirror)))
    },
    async mirrorFailed(url) {
      const conf = await deps.pacmanConf()
      if (conf && repositoryOfUrl(url, conf)) deps.deadMirrors.failed(url)
    },
    fetch({ file, mirrors }, environment) {
      const known = jobs.get(file.sha256)
      if (known && !known.closing) return known
      const log = deps.log.child({ file: file.name })
      const job = createJob(
        { ...deps, log },
        { file, mirrors, environment, delay },
        {
          onRejected: deps.onRejected,
          onClosed() {
            if (jobs.get(file.sha256) === job) jobs.delete(file.sha256)
            if (job.end?.result === 'done') deps.onDone(job.end)
          },
        },
      )
      jobs.set(file.sha256, job)
      return job
    },
    jobs: () => [...jobs.values()],
    job: (sha256) => jobs.get(sha256),
    isFetching: (sha256) => jobs.has(sha256),
    async close() {
      await Promise.all([...jobs.values()].map((job) => job.stop()))
    },
  }
}

function locatedAs({ sha256, size, name, built }: PackageFile, mirrors: string[]): Located {
  return { file: { sha256, size, name }, mirrors, ...(built === undefined ? {} : { built }) }
}
