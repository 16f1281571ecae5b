import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
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

/** Fetches small files side by side; resolves when all are over, or after an abort. Never rejects. */
export type FetchMany = (urls: string[], options: FetchManyOptions) => Promise<void>

/** As pacman's own downloader has it by default. */
const AT_ONCE = 5
/** Signatures are small: who needs longer than this, in seconds, is no help. */
export const SIGNATURE_PATIENCE = ['--connect-timeout', '3', '--max-time', '15']

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
          ...['--max-filesize', `${most}`, '-w', '%{urlnum} %{exitcode} %{response_code}\\n', '-K', '-'],
        ],
        {
          input: configOf(urls, folder),
          reject: false,
          stderr: 'ignore',
          extendEnv: false,
          env,
          cancelSignal: signal,
          forceKillAfterDelay: false,
        },
      )
      for await (const line of child) {
        const [index, exitCode, status] = line.split(' ').map(Number) as [number, number, number]
        const outcome = await outcomeOf(join(folder, `${index}`), { exitCode, status, most })
        if (!signal.aborted && index < urls.length) onOutcome(index, outcome)
      }
    } catch {
      // Without curl, or without room, nothing came.
    } finally {
      if (folder) await rm(folder, { recursive: true, force: true }).catch(() => {})
    }
  }
}

async function outcomeOf(
  path: string,
  { exitCode, status, most }: { exitCode: number; status: number; most: number },
): Promise<SmallOutcome> {
  if (exitCode === 0) {
    const bytes = await readFile(path).catch(() => undefined)
    return bytes && bytes.length <= most ? { bytes } : 'absent'
  }
  return answerOf({ exitCode, status }) === 'absent' ? 'absent' : 'silent'
}

function configOf(urls: string[], folder: string): string {
  return urls.map((url, n) => `url = ${quoted(url)}\noutput = ${quoted(join(folder, `${n}`))}\n`).join('')
}
