import { type ChildProcess, spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { attempt, must, type Outcome, waitFor } from './commands.ts'
import type { ExecOptions, Host } from './host.ts'
import type { Lab } from './lab.ts'

/** What `status --json` promises. */
export interface Status {
  node: { id: string; pid: number; version: string; listen: unknown; reachable: unknown }
  peers: { id: string; address: string; direction: string; since: unknown; companion: boolean }[]
  files: { count: number; bytes: number }
  transfers: { file: string; size: number; done: number; sources: unknown }[]
  dht: { nodes: number; announced: number; dropped: number } | null
  totals: { fromPeers: number; fromMirror: number; uploaded: number; rejected: number; banned: number }
  problems: { code: string; problem: string; fix: string; since: string }[]
}

/** Section to lines (`key = value`), added to or put in place of what a node's configuration says anyway. */
export type Sections = Record<string, string[]>

export interface PacsrvNode {
  config: string
  /** The value of XferCommand. */
  xferCommand: string
  socket: string
  spool: string
  state: string
  /** Starts a daemon and waits until it answers. */
  start(): Promise<void>
  status(): Promise<Status>
  /** Waits for a status that `wanted` accepts. */
  until(what: string, wanted: (status: Status) => boolean, seconds?: number): Promise<Status>
  /** Sends a signal to every daemon of this configuration. */
  signal(name: NodeJS.Signals): void
  daemons(): number[]
  log(): string
  /** Runs the program with `--config` and these words. */
  run(words: string[], options?: ExecOptions & { inside?: string[] }): Promise<Outcome>
}

/** The daemon never runs as root: here it becomes a user that every machine has. */
export const USER = 'nobody'
const isRoot = process.getuid?.() === 0

/** A pacsrv node on `host`, configured but not started; `pacmanConfig` tells it the cache and databases, `env` is its daemon's. */
export function createNode(
  lab: Pick<Lab, 'program' | 'showOnFailure'>,
  host: Host,
  pacmanConfig: string,
  sections: Sections = {},
  env: Record<string, string> = {},
): PacsrvNode {
  if (!existsSync(lab.program)) throw new Error('dist/pacsrv-xfer is missing: run `npm run build`')
  const base = join(host.folder, 'pacsrv')
  const [state, spool, run] = ['state', 'spool', 'run'].map((name) => join(base, name)) as [
    string,
    string,
    string,
  ]
  for (const folder of [state, spool, run]) {
    mkdirSync(folder, { recursive: true, mode: 0o755 })
    if (isRoot) must('chown', `${USER}:`, folder)
  }
  const socket = join(run, 'pacsrv.sock')
  const config = join(host.folder, 'pacsrv.conf')
  writeFileSync(
    config,
    configText(sections, {
      daemon: [
        `pacman-conf = ${pacmanConfig}`,
        `state-dir = ${state}`,
        `spool-dir = ${spool}`,
        `user = ${isRoot ? USER : userInfo().username}`,
        'log-level = debug',
      ],
      network: ['lan = no'],
      server: [`socket = ${socket}`],
      client: [`server = ${socket}`],
    }),
  )
  const logFile = join(base, 'daemon.log')
  lab.showOnFailure(logFile)
  let child: ChildProcess | undefined

  const node: PacsrvNode = {
    config,
    xferCommand: `${lab.program} --config ${config} %u %o`,
    socket,
    spool,
    state,
    async start() {
      const output = openSync(logFile, 'a')
      child = host.spawn([lab.program, '--config', config, 'daemon'], {
        stdio: ['ignore', output, output],
        detached: true,
        env: env as NodeJS.ProcessEnv,
      })
      closeSync(output)
      const mine = child
      await waitFor(`the daemon on ${host.name}`, async () => {
        if (mine.exitCode !== null) throw new Error(`the daemon ended with ${mine.exitCode}:\n${node.log()}`)
        return existsSync(socket) && (await node.run(['status', '--json'])).code === 0
      })
    },
    async status() {
      const outcome = await node.run(['status', '--json'])
      if (outcome.code !== 0)
        throw new Error(`status on ${host.name} ended with ${outcome.code}: ${outcome.all}`)
      return JSON.parse(outcome.stdout)
    },
    async until(what, wanted, seconds) {
      let last: Status | undefined
      try {
        return await waitFor(
          `${host.name}: ${what}`,
          async () => {
            last = await node.status()
            return wanted(last) && last
          },
          seconds,
        )
      } catch (error) {
        console.log(`the last status: ${JSON.stringify(last)}`)
        throw error
      }
    },
    signal(name) {
      for (const pid of node.daemons()) spawnSync('kill', ['-s', name.slice(3), String(pid)])
    },
    daemons: () => host.pids(config, 'daemon').filter((pid) => isNode(pid)),
    log: () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : ''),
    run(words, options = {}) {
      return host.exec([...(options.inside ?? []), lab.program, '--config', config, ...words], options)
    },
  }
  return node
}

/** A shell front that waits for its program isn't the daemon. */
function isNode(pid: number): boolean {
  return attempt('readlink', `/proc/${pid}/exe`).trim().endsWith('node')
}

function configText(wanted: Sections, usual: Sections): string {
  const keyOf = (line: string) => line.split('=')[0]!.trim()
  const names = [...new Set([...Object.keys(usual), ...Object.keys(wanted)])]
  return names
    .map((name) => {
      const given = wanted[name] ?? []
      const kept = (usual[name] ?? []).filter((line) => !given.some((each) => keyOf(each) === keyOf(line)))
      return `[${name}]\n${[...kept, ...given].join('\n')}\n`
    })
    .join('\n')
}
