import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import type { Cancel, Clock } from '../base/clock.ts'
import { asError, PacsrvError } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Problems } from '../base/problems.ts'
import { within } from '../base/within.ts'
import { readDatabase } from '../pacman/database-file.ts'
import type { Repository } from '../pacman/pacman-conf.ts'
import { curlProcess, MANNERS, PATIENCE, quoted } from './curl.ts'

/** The sync databases of `[cache] repository`, for a machine whose pacman keeps none. */
export interface OwnDatabases {
  /** Asks for them now and then from now on; resolves when they have been asked for once. */
  start(): Promise<void>
  /** Asks for a newer one. Never rejects. */
  refresh(repository: string): Promise<void>
  /**
   * Somebody wants a file that the repository's database doesn't name: a newer one may. Resolves when it is here, and after
   * five seconds at the latest: then it is waited for no longer, and asked for all the same. Never rejects.
   */
  seek(repository: string): Promise<void>
  stop(): void
}

/** Fetches `url` into `path`, unless what is there is as new. Resolves to whether it did. Throws PacsrvError `mirror`. */
export type FetchDatabase = (url: string, path: string) => Promise<boolean>

const EACH_MS = 30 * 60_000
/** However often somebody wants what isn't there, in milliseconds. */
const LEAST_MS = 10_000
/** Nobody waits longer for a mirror than this, in milliseconds. */
const SEEK_MS = 5_000
/** Arch's largest is 9 MB. */
const MOST_BYTES = 256 * 1024 * 1024
const MOST_SECONDS = 300

export const fetchDatabaseByCurl: FetchDatabase = async (url, path) => {
  const { env } = curlProcess({})
  const part = `${path}.part`
  const bounds = ['--max-filesize', `${MOST_BYTES}`, '--max-time', `${MOST_SECONDS}`]
  const { failed, stderr, shortMessage, stdout } = await execa(
    'curl',
    [...MANNERS, ...PATIENCE, ...bounds, '-R', '-z', path, '-o', part, '-w', '%{response_code}', '-K', '-'],
    { input: `url = ${quoted(url)}\n`, reject: false, extendEnv: false, env },
  )
  try {
    if (failed)
      throw new PacsrvError('mirror', stderr?.trim().split('\n').at(-1) || shortMessage || 'curl failed')
    if (stdout === '304') return false
    const handle = await open(part)
    try {
      await readDatabase(handle) // a portal's page takes no database's place
    } finally {
      await handle.close()
    }
    await rename(part, path)
    return true
  } finally {
    await rm(part, { force: true })
  }
}

export function createOwnDatabases(
  {
    clock,
    log,
    problems,
    fetch = fetchDatabaseByCurl,
  }: { clock: Clock; log: Log; problems?: Problems; fetch?: FetchDatabase },
  { dir, repositories }: { dir: string; repositories: readonly Pick<Repository, 'name' | 'servers'>[] },
): OwnDatabases {
  /** By repository; `at`: when it was over, by the clock. */
  const asked = new Map<string, { at: number | undefined; over: Promise<void> }>()
  let stopTimer: Cancel = () => {}

  /** From the first server that has it. */
  async function ask({ name, servers }: Pick<Repository, 'name' | 'servers'>) {
    let last: unknown
    for (const server of servers) {
      const url = `${server.replace(/\/+$/, '')}/${name}.db`
      try {
        await mkdir(dir, { recursive: true })
        if (await fetch(url, join(dir, `${name}.db`)))
          log.info({ repository: name }, 'a newer sync database came')
        problems?.solved('databases', `own ${name}`)
        return
      } catch (error) {
        last = error
      }
    }
    const why = asError(last).message.replace(/\.$/, '')
    const problem = `The sync database of ${name} can't be refreshed: ${why}.`
    if (!problems) return log.warn({ repository: name }, problem)
    problems.report('databases', `own ${name}`, {
      problem,
      fix: `correct the mirror of ${name} under [cache] repository, or see that it can be reached`,
      log,
    })
  }

  function refresh(name: string): Promise<void> {
    const known = asked.get(name)
    if (known && (known.at === undefined || clock.now() - known.at < LEAST_MS)) return known.over
    const repository = repositories.find((one) => one.name === name)
    if (!repository) return Promise.resolve()
    const over = ask(repository).then(() => {
      asked.set(name, { at: clock.now(), over })
    })
    asked.set(name, { at: undefined, over })
    return over
  }

  async function all() {
    stopTimer = clock.after(EACH_MS, () => void all())
    await Promise.all(repositories.map(({ name }) => refresh(name)))
  }

  return {
    start: all,
    refresh,
    seek: (name) => within(clock, SEEK_MS, refresh(name)),
    stop: () => stopTimer(),
  }
}
