import { access, lstat, readdir, readFile, stat, statfs } from 'node:fs/promises'
import { get } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { Config } from '../../base/config.ts'
import type { HostPort } from '../../base/endpoint.ts'
import { asError, PacsrvError, systemCode } from '../../base/error.ts'
import { readKeyFile } from '../../net/key-file.ts'
import type { Owned, Who } from './check-access.ts'

/** A path, as far as it is there. */
export interface Walk {
  /** `/`, each folder on the way, and the path itself where it is `there`. Links are followed. */
  steps: Owned[]
  /** `hidden`: a folder on the way lets us not in. */
  end: 'there' | 'missing' | 'hidden'
}

export interface Run {
  /** Exit status; undefined when the program isn't there or was ended by a signal. */
  status: number | undefined
  stdout: string
  stderr: string
}

/** What the daemon said to GET /status, or why it said nothing. */
export type StatusAnswer = { status: unknown } | { failure: 'absent' | 'denied' | 'silent' | 'foreign' }

export interface ProcessFacts {
  uid: number
  noNewPrivileges: boolean
  /** The names of its variables; undefined where whoever checks may not see them. */
  environment: string[] | undefined
}

/** How `check` sees the machine; nothing that it does changes anything. */
export interface Probe {
  walk(path: string): Promise<Walk>
  /** The plain files in a folder; none when it can't be read. */
  files(folder: string): Promise<(Owned & { name: string })[]>
  /** Bytes that a user may still write on the file system of `path`; undefined when that can't be told. */
  freeBytes(path: string): Promise<number | undefined>
  /**
   * Those of `paths` with which the kernel lets `who` do all of `want` (bits of Want), ACLs and all; undefined when
   * whoever checks can't find that out.
   */
  may(who: Who, paths: string[], want: number): Promise<string[] | undefined>
  run(command: string, args: string[]): Promise<Run>
  /** The same as `who`; undefined where whoever checks may not become that user. */
  runAs(who: Who, command: string, args: string[]): Promise<Run | undefined>
  /** The variables of whoever checks. */
  environment: Readonly<Record<string, string | undefined>>
  /** Whether somebody takes connections there. */
  isTaken(place: HostPort): Promise<boolean>
  /** Of a daemon's process; undefined where it isn't there, or is no node. */
  process(pid: number): Promise<ProcessFacts | undefined>
  /** What is wrong with what a key-file holds; undefined: nothing, or it can't be seen. */
  keyFault(file: string): string | undefined
  /** Those that have an address, without loopback. */
  interfaces(): string[]
  /** Milliseconds since 1970. */
  now(): number
  /** What a web server says that it is, likewise; undefined when it says nothing in time. */
  dateOf(url: string): Promise<number | undefined>
  status(): Promise<StatusAnswer>
}

const STATUS_BYTES = 16 * 1024 * 1024

/**
 * This machine. The daemon is asked where `server` says, a socket or another machine's HOST:PORT, and has
 * `patience` milliseconds to answer.
 */
export function systemProbe(server: string | HostPort, patience = 2000): Probe {
  return {
    walk,
    files,
    freeBytes,
    may,
    run,
    runAs,
    environment: process.env,
    isTaken,
    process: processFacts,
    keyFault,
    interfaces,
    now: Date.now,
    dateOf,
    status: () => askStatus(server, patience),
  }
}

/** The same as a user writes it. */
export function placeOf(config: Config): string {
  const server = daemonOf(config)
  return typeof server === 'string' ? server : hostColonPort(server)
}

export function hostColonPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Where the client, and so `check`, looks for the daemon. */
export function daemonOf(config: Config): string | HostPort {
  return config.client.server ?? config.server.socket
}

async function walk(path: string): Promise<Walk> {
  const steps: Owned[] = []
  const names = path.split('/').filter((name) => name !== '')
  try {
    for (let length = 0; length <= names.length; length++) {
      const { uid, gid, mode } = await stat(`/${names.slice(0, length).join('/')}`)
      steps.push({ uid, gid, mode })
    }
    return { steps, end: 'there' }
  } catch (error) {
    return { steps, end: systemCode(error) === 'EACCES' ? 'hidden' : 'missing' }
  }
}

async function files(folder: string): Promise<(Owned & { name: string })[]> {
  const names = await readdir(folder).catch(() => [])
  const found: (Owned & { name: string })[] = []
  for (const name of names) {
    const facts = await lstat(join(folder, name)).catch(() => undefined)
    if (facts?.isFile()) found.push({ name, uid: facts.uid, gid: facts.gid, mode: facts.mode })
  }
  return found
}

async function freeBytes(path: string): Promise<number | undefined> {
  const facts = await statfs(path).catch(() => undefined)
  return facts && facts.bavail * facts.bsize
}

/** As many as fit on a command line, at any length of name. */
const MOST_PATHS = 1000
const SAY_ALLOWED = `mode=$1; shift; for path do
  case $mode in *r*) [ -r "$path" ] || continue ;; esac
  case $mode in *w*) [ -w "$path" ] || continue ;; esac
  case $mode in *x*) [ -x "$path" ] || continue ;; esac
  printf '%s\\0' "$path"
done`

async function may({ uid, gids }: Who, paths: string[], want: number): Promise<string[] | undefined> {
  const asked = paths.slice(0, MOST_PATHS)
  if (uid === process.getuid?.()) {
    const answers = await Promise.all(
      asked.map((path) =>
        access(path, want).then(
          () => path,
          () => undefined,
        ),
      ),
    )
    return answers.filter((path) => path !== undefined)
  }
  if (process.getuid?.() !== 0) return undefined
  const mode = `${want & 4 ? 'r' : ''}${want & 2 ? 'w' : ''}${want & 1 ? 'x' : ''}`
  const { status, stdout } = await run('setpriv', [
    ...idsOf({ uid, gids }),
    'sh',
    '-c',
    SAY_ALLOWED,
    'sh',
    mode,
    ...asked,
  ])
  return status === 0 ? stdout.split('\0').filter((path) => path !== '') : undefined
}

/** Root's environment may hold what that user should not see. */
const idsOf = ({ uid, gids }: Pick<Who, 'uid' | 'gids'>) => [
  '--reset-env',
  '--no-new-privs',
  `--reuid=${uid}`,
  `--regid=${gids[0]}`,
  `--groups=${gids.join(',')}`,
]

async function runAs(who: Who, command: string, args: string[]): Promise<Run | undefined> {
  const own = process.getuid?.()
  if (own === who.uid) return run(command, args)
  return own === 0 ? run('setpriv', [...idsOf(who), command, ...args]) : undefined
}

/** An address that stands for all is asked at this machine's own. */
function isTaken({ host, port }: HostPort): Promise<boolean> {
  const own = host === '::' || host === '0.0.0.0' ? '127.0.0.1' : host
  return new Promise((resolve) => {
    const socket = connect({ host: own, port, timeout: 1_000 })
    const settle = (taken: boolean) => {
      socket.destroy()
      resolve(taken)
    }
    socket.once('connect', () => settle(true))
    socket.once('timeout', () => settle(false))
    socket.once('error', () => settle(false))
  })
}

async function processFacts(pid: number): Promise<ProcessFacts | undefined> {
  const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => undefined)
  const [status, words, environment] = await Promise.all(['status', 'cmdline', 'environ'].map(read))
  const uid = /^Uid:\t(\d+)/m.exec(status ?? '')?.[1]
  // In a container a pid may be another's.
  if (uid === undefined || !words?.split('\0').includes('daemon')) return undefined
  return {
    uid: Number(uid),
    noNewPrivileges: /^NoNewPrivs:\t1$/m.test(status ?? ''),
    environment: environment
      ?.split('\0')
      .filter(Boolean)
      .map((one) => one.split('=')[0]!),
  }
}

function keyFault(file: string): string | undefined {
  try {
    readKeyFile(file)
    return undefined
  } catch (error) {
    const hidden = error instanceof PacsrvError && systemCode(error.cause) === 'EACCES'
    return hidden ? undefined : asError(error).message
  }
}

function interfaces(): string[] {
  const all = Object.entries(networkInterfaces())
  return all.filter(([, addresses]) => addresses?.some(({ internal }) => !internal)).map(([name]) => name)
}

/** The certificate isn't looked at: it is the clock that is in doubt, and nothing but the date is read. */
async function dateOf(url: string): Promise<number | undefined> {
  const options = ['-q', '-skgI', '--max-time', '3', '-o', '/dev/null', '-w', '%header{date}']
  const { stdout } = await run('curl', [...options, '--url', url])
  const date = Date.parse(stdout)
  return Number.isNaN(date) ? undefined : date
}

async function run(command: string, args: string[]): Promise<Run> {
  const options = { reject: false, stdin: 'ignore', timeout: 10_000, env: { LC_ALL: 'C' } } as const
  const { exitCode, stdout, stderr } = await execa(command, args, options)
  return { status: exitCode, stdout, stderr }
}

function askStatus(server: string | HostPort, patience: number): Promise<StatusAnswer> {
  return new Promise((resolve) => {
    const place = typeof server === 'string' ? { socketPath: server } : server
    const headers = { Host: 'localhost' }
    const signal = AbortSignal.timeout(patience)
    const request = get({ ...place, path: '/status', headers, signal }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        body += text
        if (body.length > STATUS_BYTES) request.destroy()
      })
      response.on('end', () => resolve(readStatus(response.statusCode, body)))
      response.on('error', fail)
    })
    request.on('error', fail)

    function fail(error: Error): void {
      const code = systemCode(error) ?? ''
      if (signal.aborted) resolve({ failure: 'silent' })
      else if (code === 'EACCES' || code === 'EPERM') resolve({ failure: 'denied' })
      else resolve({ failure: /^HPE_|^ECONNRESET$|^EPIPE$/.test(code) ? 'foreign' : 'absent' })
    }
  })
}

function readStatus(code: number | undefined, body: string): StatusAnswer {
  if (code === 403) return { failure: 'denied' }
  try {
    return code === 200 ? { status: JSON.parse(body) } : { failure: 'foreign' }
  } catch {
    return { failure: 'foreign' }
  }
}
