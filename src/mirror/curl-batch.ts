import { readFileSync, statSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { answerOf } from './answers.ts'
import { curlProcess, MANNERS, quoted } from './curl.ts'

/** What became of one URL: its bytes, an answer that it isn't there, or none that says anything of it (answers.ts). */
export type SmallOutcome = { bytes: Uint8Array } | 'absent' | 'silent'

export interface FetchManyOptions {
  /** The caller's proxies and HTTP_USER_AGENT. */
  environment: Record<string, string>
  signal: AbortSignal
  /** Bytes that each may have. */
  most: number
  onOutcome(index: number, outcome: SmallOutcome): void
}

/**
 * Fetches small files side by side, and tells of each as soon as it is there; resolves when all are over, or after an
 * abort. Never rejects.
 */
export type FetchMany = (urls: string[], options: FetchManyOptions) => Promise<void>

/** As pacman's own downloader has it by default. */
const AT_ONCE = 5
/** Signatures are small: a mirror that needs longer than this, in seconds, is no help. */
export const SIGNATURE_PATIENCE = ['--connect-timeout', '3', '--max-time', '15']

/** What curl says of each. Its standard output would keep that to itself until curl ends: it is no terminal. */
const REPORT = ['--no-progress-meter', '-w', '%{stderr}\\npacsrv %{urlnum} %{exitcode} %{response_code}\\n']
const REPORTED = /^pacsrv (\d+) (\d+) (\d+)$/
/**
 * curl would wait with all but one until that one's server has said whether it takes several at a time. By TLS that is
 * told with the greeting; by plain http with the first answer, and is no.
 */
const AT_ONCE_BY_HTTP = '--parallel-immediate'

/** One curl for all of them, into files below `dir`, which is its own; `patience` is curl's options for it. */
export function createFetchMany({ dir, patience }: { dir: string; patience: string[] }): FetchMany {
  /** What a daemon that was killed has left there is cleared first. */
  let cleared: Promise<void> | undefined
  return async (urls, { environment, signal, most, onOutcome }) => {
    let folder: string | undefined
    try {
      cleared ??= rm(dir, { recursive: true, force: true })
      await cleared
      await mkdir(dir, { recursive: true })
      folder = await mkdtemp(join(dir, 'batch-'))
      const { env, agent } = curlProcess(environment)
      const child = execa(
        'curl',
        [
          ...[...MANNERS, ...patience, ...agent, '--parallel', '--parallel-max', `${AT_ONCE}`],
          ...(urls.some((url) => /^http:/i.test(url)) ? [AT_ONCE_BY_HTTP] : []),
          ...['--max-filesize', `${most}`, ...REPORT, '-K', '-'],
        ],
        {
          input: configOf(urls, folder),
          reject: false,
          stdout: 'ignore',
          extendEnv: false,
          env,
          cancelSignal: signal,
          forceKillAfterDelay: false,
        },
      )
      for await (const line of child.iterable({ from: 'stderr' })) {
        const reported = REPORTED.exec(line)
        if (!reported || signal.aborted) continue
        const [index, exitCode, status] = reported.slice(1).map(Number) as [number, number, number]
        if (index < urls.length)
          onOutcome(index, outcomeOf(join(folder, `${index}`), { exitCode, status, most }))
      }
    } catch {
      // Without curl, or without room, nothing came.
    } finally {
      if (folder) await rm(folder, { recursive: true, force: true }).catch(() => {})
    }
  }
}

function outcomeOf(
  path: string,
  { exitCode, status, most }: { exitCode: number; status: number; most: number },
): SmallOutcome {
  if (exitCode === 0) {
    const bytes = readSmall(path, most)
    return bytes ? { bytes } : 'absent'
  }
  return answerOf({ exitCode, status }) === 'absent' ? 'absent' : 'silent'
}

/** It has just been written, so it is in memory: asking a thread for it would cost more than reading it. */
function readSmall(path: string, most: number): Buffer | undefined {
  try {
    return statSync(path).size <= most ? readFileSync(path) : undefined
  } catch {
    return undefined
  }
}

function configOf(urls: string[], folder: string): string {
  return urls.map((url, n) => `url = ${quoted(url)}\noutput = ${quoted(join(folder, `${n}`))}\n`).join('')
}
