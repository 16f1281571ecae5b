import { parseConfig } from '../../../src/base/config.ts'
import { check } from '../../../src/cli/check/check.ts'
import type { Finding } from '../../../src/cli/check/check-finding.ts'
import type { Probe, ProcessFacts, Run, StatusAnswer } from '../../../src/cli/check/check-probe.ts'

const ROOT = 0
const PACSRV = 900
const ALPM = 901
const FOLDER = 0o40755
const FILE = 0o100644

/** A machine in memory, in good order until a test breaks something. */
export interface Machine {
  config: string
  /** path → [mode, uid, gid] */
  paths: Record<string, [number, number, number]>
  free: Record<string, number>
  pacmanConf: string | undefined
  programs: Record<string, Run | undefined>
  users: Record<string, string>
  status: StatusAnswer
  hidden: string[]
  /** What ACLs let everybody do beyond the modes; undefined: whoever checks can't tell. */
  allowedByAcl: string[] | undefined
  keyFault: string | undefined
  /** What the daemon's user is told by programs that whoever checks may use; undefined: the same. */
  programsOfDaemon: Record<string, Run> | undefined
  environment: Record<string, string>
  /** The daemon's process. */
  process: ProcessFacts | undefined
  /** Ports that somebody has. */
  taken: number[]
  interfaces: string[]
  now: number
  /** What the mirrors' servers say that it is. */
  date: number | undefined
}

const VERSION = '1.2.3'
const NOON = Date.UTC(2026, 10, 24, 12)

export function goodMachine(): Machine {
  const root = (mode: number): [number, number, number] => [mode, ROOT, ROOT]
  const own = (mode: number): [number, number, number] => [mode, PACSRV, PACSRV]
  return {
    config: '',
    paths: {
      '/': root(FOLDER),
      '/run': root(FOLDER),
      '/run/systemd': root(FOLDER),
      '/run/systemd/system': root(FOLDER),
      '/run/pacsrv': own(FOLDER),
      '/run/pacsrv/pacsrv.sock': own(0o140666),
      '/usr': root(FOLDER),
      '/usr/bin': root(FOLDER),
      '/usr/bin/pacsrv-xfer': root(0o100755),
      '/usr/bin/curl': root(0o100755),
      '/var': root(FOLDER),
      '/var/lib': root(FOLDER),
      '/var/lib/pacsrv': own(0o40700),
      '/var/lib/pacman': root(FOLDER),
      '/var/lib/pacman/sync': root(FOLDER),
      '/var/lib/pacman/sync/core.db': root(FILE),
      '/var/lib/pacman/sync/extra.db': root(FILE),
      '/var/cache': root(FOLDER),
      '/var/cache/pacsrv': own(FOLDER),
      '/var/cache/pacman': root(FOLDER),
      '/var/cache/pacman/pkg': root(FOLDER),
      '/var/cache/pacman/pkg/zlib-1:1.3-1-x86_64.pkg.tar.zst': root(FILE),
      '/var/cache/pacman/pkg/zlib-1:1.3-1-x86_64.pkg.tar.zst.sig': root(FILE),
    },
    free: { '/var/lib/pacsrv': 64 * 1024 ** 2, '/var/cache/pacsrv': 1024 ** 3 },
    pacmanConf: [
      '[options]',
      'DBPath = /var/lib/pacman/',
      'CacheDir = /var/cache/pacman/pkg/',
      'XferCommand = /usr/bin/pacsrv-xfer %u %o',
      'DownloadUser = alpm',
      'CheckSpace',
      '[core]',
      'Server = https://mirror.example.org/core/os/x86_64',
      '[extra]',
      'Server = https://mirror.example.org/extra/os/x86_64',
    ].join('\n'),
    programs: {
      curl: succeeded(''),
      bsdtar: succeeded(''),
      'systemd-sysusers': succeeded(''),
      'systemd-tmpfiles': succeeded(''),
    },
    users: {
      pacsrv: `uid=${PACSRV}(pacsrv) gid=${PACSRV}(pacsrv) groups=${PACSRV}(pacsrv)`,
      alpm: `uid=${ALPM}(alpm) gid=${ALPM}(alpm) groups=${ALPM}(alpm)`,
      root: 'uid=0(root) gid=0(root) groups=0(root)',
    },
    status: { status: { node: { version: VERSION, pid: 7, reachable: 'yes' }, peers: [{ id: 'a' }] } },
    hidden: [],
    allowedByAcl: undefined,
    keyFault: undefined,
    programsOfDaemon: {},
    environment: {},
    process: {
      uid: PACSRV,
      noNewPrivileges: true,
      environment: ['PATH', 'STATE_DIRECTORY', 'INVOCATION_ID'],
    },
    taken: [],
    interfaces: ['eth0', 'wlan0'],
    now: NOON,
    date: NOON,
  }
}

export const succeeded = (stdout: string): Run => ({ status: 0, stdout, stderr: '' })
const absent: Run = { status: undefined, stdout: '', stderr: '' }

/** What `check` finds on `machine`. */
export function findingsOn(machine: Machine): Promise<Finding[]> {
  const config = parseConfig(machine.config, '/etc/pacsrv.conf')
  return check(config, { probe: probeOf(machine), user: config.daemon.user, version: VERSION })
}

function probeOf(machine: Machine): Probe {
  const step = (path: string) => {
    const found = machine.paths[path]
    return found && { mode: found[0], uid: found[1], gid: found[2] }
  }
  return {
    async walk(path) {
      const names = path.split('/').filter((name) => name !== '')
      const prefixes = names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`)
      const steps = []
      for (const prefix of ['/', ...prefixes]) {
        const here = machine.hidden.includes(prefix) ? undefined : step(prefix)
        if (!here) return { steps, end: machine.hidden.includes(prefix) ? 'hidden' : 'missing' }
        steps.push(here)
      }
      return { steps, end: 'there' }
    },
    async files(folder) {
      const inside = folder.replace(/\/?$/, '/')
      return Object.keys(machine.paths)
        .filter((path) => path.startsWith(inside))
        .map((path) => ({ name: path.slice(inside.length), ...step(path)! }))
    },
    freeBytes: async (path) => machine.free[path],
    may: async (_who, paths) =>
      machine.allowedByAcl && paths.filter((path) => machine.allowedByAcl!.includes(path)),
    process: async (pid) => (pid === 7 ? machine.process : undefined),
    keyFault: () => machine.keyFault,
    interfaces: () => machine.interfaces,
    now: () => machine.now,
    dateOf: async () => machine.date,
    async run(command, [argument]) {
      if (command === 'systemctl') return machine.programs[`systemctl ${argument}`] ?? absent
      if (command === 'id') return machine.users[argument!] ? succeeded(machine.users[argument!]!) : absent
      if (command === 'pacman-conf' && machine.pacmanConf !== undefined) return succeeded(machine.pacmanConf)
      return machine.programs[command] ?? absent
    },
    runAs: async (_who, command) =>
      machine.programsOfDaemon && (machine.programsOfDaemon[command] ?? succeeded('')),
    environment: machine.environment,
    isTaken: async ({ port }) => machine.taken.includes(port),
    status: async () => machine.status,
  }
}
