/**
 * Whole transactions by real pacman: `npm run build && node --import tsx bench/pacman.ts [--rounds N] [--only REGEX]`.
 * A mirror at 100 Mbit/s and 30 ms a request; two peers at 1 Gbit/s have all, or nobody has any. Rivals in the same
 * rounds: stock pacman 7.0 with ParallelDownloads = 5, and curl as its XferCommand. Needs root, ip, tc, debootstrap.
 * `--only` picks rows by name.
 */
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { waitFor } from '../test/e2e/commands.ts'
import type { Host } from '../test/e2e/host.ts'
import { createLab } from '../test/e2e/lab.ts'
import { createMirror } from '../test/e2e/mirror.ts'
import { createNode, type PacsrvNode } from '../test/e2e/node.ts'
import { fillCache, makePackages, type Package } from '../test/e2e/packages.ts'
import { CACHE_SERVER, createPacman, type PacmanOptions } from '../test/e2e/pacman.ts'
import { SIGNATURES_REQUIRED, sign, trust } from '../test/e2e/signing.ts'
import { inside, trixieFolder } from '../test/e2e/trixie.ts'
import { seeded } from '../test/seeded.ts'
import { median } from './loopback.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string' }, only: { type: 'string' } } })
const rounds = Number(values.rounds ?? 3)
const only = new RegExp(values.only ?? '')

const MIB = 1024 * 1024
const CURL = 'XferCommand = /usr/bin/curl -sfgL -o %o %u'

/** Sizes as real upgrades have them: lognormal, median 110 KiB, 267 MiB in all. */
function lognormal(count: number): number[] {
  const random = seeded(5)
  const uniform = () => (random.below(1_000_000) + 0.5) / 1_000_000
  const normal = Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  )
  const middle = median(normal)
  const sizes = (sigma: number) => normal.map((z) => Math.ceil(110 * 1024 * Math.exp(sigma * (z - middle))))
  let [low, high] = [0, 5]
  while (high - low > 1e-6) {
    const sigma = (low + high) / 2
    if (sizes(sigma).reduce((sum, size) => sum + size) < 267 * MIB) low = sigma
    else high = sigma
  }
  return sizes(low)
}

const named = (prefix: string, sizes: number[]) =>
  makePackages(sizes.map((size, n) => ({ name: `${prefix}${String(n).padStart(3, '0')}`, size })))

const sets = { real: named('real', lognormal(150)), small: named('tiny', Array(300).fill(30_000)) }
type SetName = keyof typeof sets
const all = [...sets.real, ...sets.small]

const lab = createLab()
const mirror = await createMirror(lab.host('mirror', { rate: '100mbit' }))
mirror.publish('lab', all)
const signatures = sign(sets.small)
for (const path of signatures) copyFileSync(path, join(mirror.folder, 'lab', basename(path)))
await mirror.behave([{ delay: 30 }])
const repositories = { lab: [`${mirror.url}/lab`] }
const seven = inside(trixieFolder(), lab.folder)

async function peer(name: string, held: Package[]): Promise<Host> {
  const host = lab.host(name, { rate: '1gbit' })
  const pacman = createPacman(host, { repositories })
  fillCache(pacman.cache, held)
  const node = createNode(lab, host, pacman.config)
  await node.start()
  await node.until('its files indexed', (status) => status.files.count === held.length, 120)
  return host
}

interface Asker {
  host: Host
  /** Undefined: pacman by itself. */
  node?: PacsrvNode
}

function asker(name: string, peers: Host[]): Asker {
  const host = lab.host(name, { rate: '1gbit' })
  const direct = peers.map(({ address }) => `server = ${address}:8048`)
  return { host, node: createNode(lab, host, join(host.folder, 'pacman.conf'), { direct }) }
}

const rich = asker('rich', [await peer('holder1', all), await peer('holder2', all)])
const poor = asker('poor', [await peer('empty1', []), await peer('empty2', [])])
const plain: Asker = { host: lab.host('plain', { rate: '1gbit' }) }

interface Way {
  who: Asker
  options: (node: PacsrvNode) => Partial<PacmanOptions>
}

const xfer = (node: PacsrvNode) => [`XferCommand = ${node.xferCommand}`]
const ways: Record<string, Way> = {
  'stock pacman 7': { who: plain, options: () => ({ options: ['ParallelDownloads = 5'], inside: seven }) },
  'curl, pacman 7': { who: plain, options: () => ({ options: [CURL], inside: seven }) },
  'all have it, XferCommand, pacman 6': { who: rich, options: (node) => ({ options: xfer(node) }) },
  'all have it, XferCommand, pacman 7': {
    who: rich,
    options: (node) => ({ options: xfer(node), inside: seven }),
  },
  'all have it, CacheServer': {
    who: rich,
    options: () => ({ options: ['ParallelDownloads = 5'], cacheServer: CACHE_SERVER, inside: seven }),
  },
  'nobody has it, XferCommand, pacman 6': { who: poor, options: (node) => ({ options: xfer(node) }) },
  'nobody has it, XferCommand, pacman 7': {
    who: poor,
    options: (node) => ({ options: xfer(node), inside: seven }),
  },
  'nobody has it, CacheServer': {
    who: poor,
    options: () => ({ options: ['ParallelDownloads = 5'], cacheServer: CACHE_SERVER, inside: seven }),
  },
}

const empty = (folder: string) => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true })
}

/** What a process has used since its start (proc(5), 14th and 15th field of stat, in hundredths). */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number)
  return (user! + system!) / 100
}

/** The seconds of one `pacman -Sw`, everything as on the first day. */
async function transaction({ who, options }: Way, packages: Package[], signed: boolean): Promise<number> {
  const { host, node } = who
  const more = node ? options(node) : options(undefined as never)
  const pacman = createPacman(host, {
    repositories,
    ...more,
    options: [...(more.options ?? []), ...(signed ? [SIGNATURES_REQUIRED] : [])],
  })
  if (signed && !readdirSync(pacman.gpgDir).includes('trustdb.gpg')) trust(pacman.gpgDir)
  copyFileSync(join(mirror.folder, 'lab/lab.db'), join(pacman.sync, 'lab.db'))
  empty(pacman.cache)
  if (node) {
    empty(node.spool)
    empty(node.state)
    await node.start()
    await node.until('its peers', (status) => status.peers.length === 2)
  }
  const outcome = await pacman.run(['-Sw', ...packages.map((item) => item.name)], { timeout: 900 })
  if (outcome.code !== 0) throw new Error(outcome.all)
  const files = packages.length * (signed ? 2 : 1)
  const got = readdirSync(pacman.cache).length
  if (got !== files) throw new Error(`${got} files instead of ${files}`)
  if (node) {
    const { totals } = await node.status()
    const [cpu] = node.daemons().map(cpuSeconds)
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
    lab.note(
      `${outcome.seconds.toFixed(2)} s, CPU s of pacman ${outcome.cpuSeconds.toFixed(2)}, of the daemon ${cpu?.toFixed(2)}, MB from peers ${megabytes(totals.fromPeers)}, by the mirror through the daemon ${megabytes(totals.fromMirror)}`,
    )
    node.signal('SIGTERM')
    await waitFor('the end of the daemon', () => node.daemons().length === 0)
  }
  return outcome.seconds
}

/**
 * Seconds from pacman's first call to its second. A wrapper that pacman itself doesn't call is no transaction, so
 * nothing is read ahead.
 */
async function firstPackage(reads: boolean): Promise<number> {
  const { host, node } = rich
  const [log, script] = [join(host.folder, 'calls'), join(host.folder, 'wrapper')]
  const command = node!.xferCommand.replace('%u %o', '"$@"')
  writeFileSync(script, `#!/bin/sh\ndate +%s%N >>${log}\n${reads ? 'exec ' : ''}${command}\n`, {
    mode: 0o755,
  })
  writeFileSync(log, '')
  await transaction(
    { who: rich, options: () => ({ options: [`XferCommand = ${script} %u %o`], inside: seven }) },
    sets.small.slice(0, 50),
    false,
  )
  const [first, second] = readFileSync(log, 'utf8').split('\n').map(Number) as [number, number]
  return (second - first) / 1e9
}

const works: [string, SetName, boolean][] = [
  ['150 packages, 267 MiB', 'real', false],
  ['300 × 30 KB', 'small', false],
  ['300 × 30 KB, signed', 'small', true],
]
const seconds: Record<string, number[]> = {}
const measure = async (row: string, act: () => Promise<number>) => {
  if (!only.test(row)) return
  lab.note(row)
  seconds[row] ??= []
  seconds[row].push(await act())
}
for (let round = 0; round < rounds; round++) {
  for (const [work, set, signed] of works) {
    for (const [name, way] of Object.entries(ways)) {
      // pacman 6 by XferCommand never fetches signatures, and then finds them missing.
      if (signed && name.endsWith('pacman 6')) continue
      await measure(`${work}: ${name}`, () => transaction(way, sets[set], signed))
    }
  }
  await measure('the first package, with reading ahead', () => firstPackage(true))
  await measure('the first package, without', () => firstPackage(false))
}

console.log(`| what | seconds, median of ${rounds} | of stock pacman |\n| --- | --- | --- |`)
for (const [row, times] of Object.entries(seconds)) {
  const stock = seconds[`${row.split(':')[0]}: stock pacman 7`]
  const ratio = stock ? (median(times) / median(stock)).toFixed(2) : ''
  console.log(`| ${row} | ${median(times).toFixed(2)} | ${ratio} |`)
}
lab.close()
process.exit(0)
