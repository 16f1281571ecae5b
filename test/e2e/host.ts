import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { attempt, BARE_ENVIRONMENT, type Outcome } from './commands.ts'

export interface ExecOptions {
  env?: Record<string, string>
  cwd?: string
  /** Seconds until the command is killed. */
  timeout?: number
  /** Called once it runs, for tests that interfere. */
  started?: (child: ChildProcess) => void
}

/** A machine of the lab: a network namespace, an address and a folder for all that is its own. */
export interface Host {
  name: string
  address: string
  folder: string
  /** What a command is put behind to run there. */
  within: string[]
  exec(command: string[], options?: ExecOptions): Promise<Outcome>
  spawn(command: string[], options?: SpawnOptions): ChildProcess
  /** Pids on this host whose command line contains every one of `words`. */
  pids(...words: string[]): number[]
}

/** bash reports the user and system seconds of the command and its children on fd 3. */
const TIMED = 'TIMEFORMAT="%U %S"; { time "$@" 2>&4; } 4>&2 2>&3'

/** `namespace`: whose network it has; without one, this machine's own. */
export function createHost(name: string, address: string, folder: string, namespace?: string): Host {
  const within = namespace ? ['ip', 'netns', 'exec', namespace] : []

  function start(command: string[], options: SpawnOptions = {}) {
    const env = { ...BARE_ENVIRONMENT, ...options.env }
    const [program, ...words] = [...within, ...command]
    return spawn(program!, words, { stdio: 'ignore', ...options, env })
  }

  async function exec(command: string[], options: ExecOptions = {}): Promise<Outcome> {
    const begin = performance.now()
    const child = start(['bash', '-c', TIMED, 'bash', ...command], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      cwd: options.cwd ?? folder,
      ...(options.env ? { env: options.env as NodeJS.ProcessEnv } : {}),
    })
    const outcome = { stdout: '', stderr: '', all: '' }
    let times = ''
    child.stdout!.on('data', (data) => {
      outcome.stdout += data
      outcome.all += data
    })
    child.stderr!.on('data', (data) => {
      outcome.stderr += data
      outcome.all += data
    })
    child.stdio[3]!.on('data', (data) => {
      times += data
    })
    options.started?.(child)
    const timer = setTimeout(() => child.kill('SIGKILL'), (options.timeout ?? 120) * 1000)
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
      child.once('error', reject)
      // A daemon that the command started holds its pipes: what counts is the command's own end.
      child.once('exit', (...ended) => setTimeout(() => resolve(ended), 20))
    })
    clearTimeout(timer)
    for (const stream of child.stdio) stream?.destroy()
    const seconds = (performance.now() - begin) / 1000
    const cpuSeconds = (times.trim().split('\n').at(-1) ?? '')
      .split(' ')
      .reduce((sum, n) => sum + Number(n), 0)
    return { ...outcome, code: code ?? undefined, signal: signal ?? undefined, seconds, cpuSeconds }
  }

  return {
    name,
    address,
    folder,
    within,
    exec,
    spawn: start,
    pids(...words) {
      const listed = namespace ? attempt('ip', 'netns', 'pids', namespace).split('\n') : readdirSync('/proc')
      const all = listed.map(Number).filter((pid) => pid > 0)
      return all.filter((pid) => words.every((word) => commandLine(pid).includes(word)))
    },
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
