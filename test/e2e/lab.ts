import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import { attempt, must } from './commands.ts'
import { createHost, type Host } from './host.ts'
import {
  createBridge,
  createNamespace,
  createNat,
  plugBehind,
  removeFolder,
  removeLeftovers,
  removeNamespace,
  uniqueName,
  whyNoNamespaces,
} from './namespaces.ts'

/** Another build shows whether a test is red on it. */
const dist = process.env.PACSRV_LAB_DIST ?? join(import.meta.dirname, '../../dist')

/** A network of hosts on one switch, with a scratch folder that every user may enter. */
export interface Lab {
  folder: string
  /** The built program, in a copy, as if installed: nothing of the project's own folder is beside it. */
  program: string
  host(name: string, options?: { rate?: string }): Host
  /** A host behind a gateway of its own, which masquerades and lets nothing in. */
  hostBehindNat(name: string): Host & { gateway: Host }
  /** Mounts on a folder of the lab; unmounted at the end. */
  mount(folder: string, ...words: string[]): void
  /** A log to show when the scenario fails. */
  showOnFailure(path: string): void
  /** A figure for the record. */
  note(text: string): void
  close(): void
}

const open = new Set<Lab>()
const closeAll = () => {
  for (const lab of open) lab.close()
}
let watching = false

/** Whatever ends this process, its namespaces go first; after SIGKILL the next lab removes them. */
function closeAtExit() {
  if (watching) return
  watching = true
  process.on('exit', closeAll)
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))
}

let count = 0

export function createLab(): Lab {
  removeLeftovers()
  closeAtExit()
  const id = `${++count}`
  const folder = join(realpathSync(tmpdir()), uniqueName(id))
  mkdirSync(folder, { mode: 0o755, recursive: true })
  const namespaces = [uniqueName(`${id}-switch`)]
  const logs: string[] = []
  let hosts = 0
  const namespaceOf = (name: string) => {
    const namespace = uniqueName(`${id}-${name}`)
    namespaces.push(namespace)
    createNamespace(namespace)
    return namespace
  }
  const folderOf = (name: string) => {
    const own = join(folder, name)
    mkdirSync(own)
    return own
  }

  const lab: Lab = {
    folder,
    program: join(folder, 'dist/pacsrv-xfer'),
    host(name, options = {}) {
      const namespace = namespaceOf(name)
      const address = `10.77.0.${++hosts}`
      bridge.plug(namespace, address, options.rate)
      return createHost(name, address, folderOf(name), namespace)
    },
    hostBehindNat(name) {
      const [outer, inner] = [namespaceOf(`${name}-gateway`), namespaceOf(name)]
      const address = `10.77.0.${++hosts}`
      bridge.plug(outer, address)
      createNat(outer)
      const own = `192.168.${hosts}.2`
      plugBehind(inner, outer, { own, its: `192.168.${hosts}.1` })
      const gateway = createHost(`${name}-gateway`, address, folderOf(`${name}-gateway`), outer)
      return { ...createHost(name, own, folderOf(name), inner), gateway }
    },
    mount: (point, ...words) => void must('mount', ...words, point),
    showOnFailure: (path) => void (logs.includes(path) || logs.push(path)),
    note: (text) => console.log(`# ${text}`),
    close() {
      if (!open.delete(lab)) return
      for (const namespace of namespaces.reverse()) removeNamespace(namespace)
      if (!process.env.PACSRV_LAB_KEEP) removeFolder(folder)
    },
  }
  open.add(lab)
  const bridge = createBridge(namespaces[0]!)
  if (existsSync(dist)) cpSync(dist, join(folder, 'dist'), { recursive: true })
  failures.set(lab, logs)
  return lab
}

const failures = new WeakMap<Lab, string[]>()

function showLogs(lab: Lab) {
  for (const path of failures.get(lab) ?? []) {
    if (!existsSync(path)) continue
    console.log(`--- the end of ${path}`)
    console.log(readFileSync(path, 'utf8').split('\n').slice(-60).join('\n'))
  }
}

/** What a machine must have, named as Debian's packages are, with a command that only it brings. */
const TOOLS = {
  'pacman-package-manager': 'pacman',
  makepkg: 'makepkg',
  'libarchive-tools': 'bsdtar',
  zstd: 'zstd',
  curl: 'curl',
  iproute2: 'tc',
  nftables: 'nft',
  opentracker: 'opentracker',
  debootstrap: 'debootstrap',
  fakeroot: 'fakeroot',
  'avahi-daemon': 'avahi-daemon',
  systemd: 'systemctl',
  faketime: 'faketime',
  prometheus: 'promtool',
  chromium: 'chromium',
}

export type Tool = keyof typeof TOOLS

/** Why this machine can't run scenarios that need `tools`, or undefined. */
export function whyNoLab(tools: Tool[]): string | undefined {
  const missing = tools.filter((tool) => !attempt('sh', '-c', `command -v ${TOOLS[tool]}`))
  return missing.length > 0 ? `no ${missing.join(', ')} (Debian packages)` : whyNoNamespaces()
}

const BASIC: Tool[] = ['pacman-package-manager', 'libarchive-tools', 'zstd', 'curl', 'iproute2']

/** An end-to-end test in a lab of its own, torn down whatever happens; skipped by name where none can be had. */
export function scenario(name: string, body: (lab: Lab) => Promise<void>, more: Tool[] = []) {
  const why = whyNoLab([...BASIC, ...more])
  if (why) {
    console.log(`skipped: ${name}: ${why}`)
    test.skip(name, () => {})
    return
  }
  test(name, async () => {
    const lab = createLab()
    const begin = performance.now()
    try {
      await body(lab)
    } catch (error) {
      showLogs(lab)
      throw error
    } finally {
      lab.note(`${name}: ${((performance.now() - begin) / 1000).toFixed(1)} s with its set-up`)
      lab.close()
    }
  })
}
