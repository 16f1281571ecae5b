import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import type { ReadableFile } from '../../base/readable-file.ts'

/** `good`: made by a key of pacman's keyring, over this very file. `unknown`: nobody could tell. */
export type SignatureVerdict = 'good' | 'bad' | 'unknown'

/** Verifies a signature of a file, which it reads from its start. Rejects where gpgv can't be run. */
export type RunGpgv = (signature: Uint8Array, file: ReadableFile) => Promise<SignatureVerdict>

/** Where pacman has its keyring unless its configuration says otherwise. */
const GPG_DIR = '/etc/pacman.d/gnupg/'
/** pacman-key makes the first, a gpg of its own accord the second. */
const KEYRINGS = ['pubring.gpg', 'pubring.kbx']
const GPGV_MS = 10_000
/** Of what gpgv says, characters. */
const MOST_STATUS = 64 * 1024
/** pacman's own work goes first. */
const NICENESS = 10

/** `gpgDir` is pacman's GPGDir as it is now; undefined for its default. */
export function createGpgv(gpgDir: () => Promise<string | undefined>): RunGpgv {
  return async (signature, file) => {
    const keyrings = await readable((await gpgDir()) ?? GPG_DIR)
    if (keyrings.length === 0) return 'unknown'
    const child = spawn(
      'gpgv',
      [
        ...['--status-fd', '1', '--enable-special-filenames'],
        ...keyrings.flatMap((path) => ['--keyring', path]),
        ...['-', '-&3'],
      ],
      {
        // execa takes no number of an open file.
        stdio: ['pipe', 'pipe', 'ignore', file.fd ?? 'pipe'],
        env: { PATH: process.env.PATH, LC_ALL: 'C' },
        timeout: GPGV_MS,
        killSignal: 'SIGKILL',
      },
    )
    const over = once(child, 'close')
    lower(child.pid)
    child.stdin?.on('error', () => {}).end(signature)
    const packageInput = child.stdio[3] as Writable | null | undefined
    packageInput?.on('error', () => {}).end(file.bytes)
    let status = ''
    child.stdout?.on('data', (text) => {
      if (status.length < MOST_STATUS) status += text
    })
    const [exitCode] = await over
    return exitCode === null ? 'unknown' : verdictOf(status, exitCode)
  }
}

/**
 * What gpgv's status lines say (doc/DETAILS of GnuPG). A key that has expired is left to pacman, which may take it;
 * one that is unknown or revoked isn't taken.
 */
export function verdictOf(status: string, exitCode: number): SignatureVerdict {
  const words = status.split('\n').map((line) => /^\[GNUPG:\] (\w+)/.exec(line)?.[1])
  if (words.some((word) => word === 'BADSIG' || word === 'ERRSIG' || word === 'REVKEYSIG')) return 'bad'
  if (words.some((word) => word === 'EXPSIG' || word === 'EXPKEYSIG')) return 'unknown'
  if (exitCode === 0) return words.includes('VALIDSIG') ? 'good' : 'unknown'
  return words.includes('NEWSIG') || words.includes('NODATA') ? 'bad' : 'unknown'
}

async function readable(dir: string): Promise<string[]> {
  const paths = KEYRINGS.map((name) => join(dir, name))
  const can = await Promise.all(
    paths.map((path) =>
      access(path, constants.R_OK).then(
        () => true,
        () => false,
      ),
    ),
  )
  return paths.filter((_, n) => can[n])
}

function lower(pid: number | undefined) {
  try {
    if (pid !== undefined) setPriority(pid, NICENESS)
  } catch {
    // It is over already.
  }
}
