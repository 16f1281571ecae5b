/**
 * Where a daemon's CPU goes. With PACSRV_PROFILE=DIR the benches crowd, one-peer and pacman leave a V8 profile of one
 * daemon's main thread there for each run (a folder that every user may write). To read them:
 * `node --import tsx bench/profile.ts FILE.cpuprofile… [--top N]`: milliseconds by module of the program and by function
 * (its own time, what it calls of Node and of the kernel counted to whoever in the program called it).
 */
import { copyFileSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { must } from '../test/e2e/commands.ts'
import type { PacsrvNode } from '../test/e2e/node.ts'
import { head, row } from './table.ts'

/** For a profile to be written after its signal. */
const WRITING_MS = 1500

/** Of a bench: the environment of its daemons, and when the daemon that counts begins and ends what counts. */
export function createProfiling() {
  const folder = process.env.PACSRV_PROFILE
  if (!folder)
    return {
      env: {} as Record<string, string>,
      start(_: PacsrvNode) {},
      stop(_: PacsrvNode) {},
      async done() {},
    }
  const own = mkdtempSync(join(tmpdir(), 'pacsrv-profiler-'))
  const script = join(own, 'profiler.cjs')
  copyFileSync(join(import.meta.dirname, 'profiler.cjs'), script)
  must('chmod', '-R', 'a+rX', own)
  process.on('exit', () => must('rm', '-rf', own))
  const env: Record<string, string> = { NODE_OPTIONS: `--require ${script}`, PACSRV_PROFILE: folder }
  return {
    env,
    start: (node: PacsrvNode) => node.signal('SIGUSR2'),
    stop: (node: PacsrvNode) => node.signal('SIGUSR2'),
    done: () => sleep(WRITING_MS).then(() => {}),
  }
}

interface CallNode {
  id: number
  callFrame: { functionName: string; url: string; lineNumber: number }
  children?: number[]
}

/** Milliseconds of a profile by who in the program pays, with the deepest call of Node's below. */
function pays(profile: { nodes: CallNode[]; samples: number[]; timeDeltas: number[] }) {
  const own = new Map<number, number>()
  for (const [n, id] of profile.samples.entries())
    own.set(id, (own.get(id) ?? 0) + profile.timeDeltas[n]! / 1000)
  const byId = new Map(profile.nodes.map((node) => [node.id, node]))
  const [byFunction, byLeaf] = [new Map<string, number>(), new Map<string, number>()]
  const add = (map: Map<string, number>, key: string, ms: number) => map.set(key, (map.get(key) ?? 0) + ms)
  const visit = (node: CallNode, payer: string) => {
    const { functionName, url, lineNumber } = node.callFrame
    const ours = url.endsWith('.cjs')
    const name = functionName || `(anonymous ${lineNumber}:${url.split('/').at(-1)})`
    const mine = ours || name.startsWith('(') ? name : payer
    const ms = own.get(node.id) ?? 0
    add(byFunction, mine, ms)
    add(byLeaf, ours ? `${name} itself` : name, ms)
    for (const id of node.children ?? []) visit(byId.get(id)!, mine)
  }
  visit(profile.nodes[0]!, '(root)')
  return { byFunction, byLeaf }
}

function show(title: string, map: Map<string, number>, top: number) {
  const busy = [...map].filter(([name]) => name !== '(idle)')
  const total = busy.reduce((sum, [, ms]) => sum + ms, 0)
  head(title, 'ms', `% of ${total.toFixed(0)} ms`)
  for (const [name, ms] of busy.sort((a, b) => b[1] - a[1]).slice(0, top))
    row(name.slice(0, 90), ms.toFixed(0), ((100 * ms) / total).toFixed(1))
  console.log()
}

if (import.meta.filename === process.argv[1]) {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { top: { type: 'string' } } })
  for (const file of positionals) {
    const { byFunction, byLeaf } = pays(JSON.parse(readFileSync(file, 'utf8')))
    show('paid by (program)', byFunction, Number(values.top ?? 30))
    show('spent in (leaf)', byLeaf, Number(values.top ?? 30))
  }
}
