/**
 * Whole transactions by real pacman:
 * `npm run build && node --import tsx bench/pacman.ts [--rounds N] [--only REGEX] [--runs N] [--dist DIR]…`.
 * A mirror at 100 Mbit/s and 30 ms a request; two peers at 1 Gbit/s have all, or nobody has any. Rivals in the same
 * rounds: stock pacman 7.0 with ParallelDownloads = 5, and curl as its XferCommand. Needs root, ip, tc, debootstrap.
 * `--only` picks rows by name. `--runs N`: the spread of N runs instead, of 150 packages that all have (by default the row
 * `all have it, XferCommand, pacman 7`; another by `--only`): the slowest of the median. Other builds take turns with this
 * one as the asker (builds.ts); the peers are this one's.
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
import { type Build, named, takeBuilds, withBuild } from './builds.ts'
import { daemonCpu } from './cpu.ts'
import { median } from './loopback.ts'
import { createProfiling } from './profile.ts'
import { head, row } from './table.ts'

const builds = takeBuilds()
const { values } = parseArgs({
  options: { rounds: { type: 'string' }, only: { type: 'string' }, runs: { type: 'string' } },
})
const rounds = Number(values.runs ?? values.rounds ?? 3)
const SPREAD_ROW = '150 packages.*all have it, XferCommand, pacman 7'
const only = new RegExp(values.only ?? (values.runs ? SPREAD_ROW : ''))
const profiling = createProfiling()

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

const packagesOf = (prefix: string, sizes: number[]) =>
  makePackages(sizes.map((size, n) => ({ name: `${prefix}${String(n).padStart(3, '0')}`, size })))

const sets = { real: packagesOf('real', lognormal(150)), small: packagesOf('tiny', Array(300).fill(30_000)) }
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

function asker(name: string, peers: Host[], build: Build): Asker {
  const host = lab.host(name, { rate: '1gbit' })
  const direct = peers.map(({ address }) => `server = ${address}:8048`)
  const config = join(host.folder, 'pacman.conf')
  return { host, node: createNode(withBuild(lab, build), host, config, { direct }, profiling.env) }
}

const holders = [await peer('holder1', all), await peer('holder2', all)]
const neighbours = [await peer('empty1', []), await peer('empty2', [])]
const askers = builds.map((build, n) => ({
  build,
  rich: asker(`rich${n}`, holders, build),
  poor: asker(`poor${n}`, neighbours, build),
}))
const plain: Asker = { host: lab.host('plain', { rate: '1gbit' }) }

interface Way {
  who: Asker
  /** All is in its cache already, so that only pacman's own check of it is left: nothing can be faster. */
  isFull?: boolean
  options: (node: PacsrvNode) => Partial<PacmanOptions>
}

const xfer = (node: PacsrvNode) => [`XferCommand = ${node.xferCommand}`]
const parallel = ['ParallelDownloads = 5']
const byServer = { options: parallel, cacheServer: CACHE_SERVER, inside: seven }
const rivals: Record<string, Way> = {
  'stock pacman 7': { who: plain, options: () => ({ options: parallel, inside: seven }) },
  'curl, pacman 7': { who: plain, options: () => ({ options: [CURL], inside: seven }) },
  'pacman 7 with all in its cache': { who: plain, isFull: true, options: () => ({ inside: seven }) },
}
const waysOf = (what: string, who: Asker): Record<string, Way> => ({
  [`${what}, XferCommand, pacman 6`]: { who, options: (node) => ({ options: xfer(node) }) },
  [`${what}, XferCommand, pacman 7`]: { who, options: (node) => ({ options: xfer(node), inside: seven }) },
  [`${what}, CacheServer`]: { who, options: () => byServer },
})

const empty = (folder: string) => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true })
}

interface Figures {
  seconds: number
  /** CPU seconds of pacman with its children, and of the daemon with its. */
  client: number
  daemon?: number
}

/** One `pacman -Sw`, everything as on the first day. */
async function transaction(
  { who, isFull, options }: Way,
  packages: Package[],
  signed: boolean,
): Promise<Figures> {
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
  if (isFull) fillCache(pacman.cache, packages)
  if (isFull && signed) for (const path of signatures) copyFileSync(path, join(pacman.cache, basename(path)))
  if (node) {
    empty(node.spool)
    empty(node.state)
    await node.start()
    await node.until('its peers', (status) => status.peers.length === 2)
    profiling.start(node)
  }
  const before = node ? daemonCpu(node) : 0
  const outcome = await pacman.run(['-Sw', ...packages.map((item) => item.name)], { timeout: 900 })
  if (outcome.code !== 0) throw new Error(outcome.all)
  const files = packages.length * (signed ? 2 : 1)
  const got = readdirSync(pacman.cache).length
  if (got !== files) throw new Error(`${got} files instead of ${files}`)
  const client = outcome.cpuSeconds
  if (!node) {
    lab.note(`${outcome.seconds.toFixed(2)} s, CPU s of pacman ${client.toFixed(2)}`)
    return { seconds: outcome.seconds, client }
  }
  const daemon = daemonCpu(node) - before
  profiling.stop(node)
  await profiling.done()
  const { totals } = await node.status()
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
  lab.note(
    `${outcome.seconds.toFixed(2)} s, CPU s of pacman ${client.toFixed(2)}, of the daemon ${daemon.toFixed(2)}, MB from peers ${megabytes(totals.fromPeers)}, by the mirror through the daemon ${megabytes(totals.fromMirror)}`,
  )
  node.signal('SIGTERM')
  await waitFor('the end of the daemon', () => node.daemons().length === 0)
  return { seconds: outcome.seconds, client, daemon }
}

/**
 * Seconds from pacman's first call to its second. A wrapper that pacman itself doesn't call is no transaction, so
 * nothing is read ahead.
 */
async function firstPackage(who: Asker, reads: boolean): Promise<Figures> {
  const { host, node } = who
  const [log, script] = [join(host.folder, 'calls'), join(host.folder, 'wrapper')]
  const command = node!.xferCommand.replace('%u %o', '"$@"')
  writeFileSync(script, `#!/bin/sh\ndate +%s%N >>${log}\n${reads ? 'exec ' : ''}${command}\n`, {
    mode: 0o755,
  })
  writeFileSync(log, '')
  const figures = await transaction(
    { who, options: () => ({ options: [`XferCommand = ${script} %u %o`], inside: seven }) },
    sets.small.slice(0, 50),
    false,
  )
  const [first, second] = readFileSync(log, 'utf8').split('\n').map(Number) as [number, number]
  return { ...figures, seconds: (second - first) / 1e9 }
}

const works: [string, SetName, boolean][] = [
  ['150 packages, 267 MiB', 'real', false],
  ['300 × 30 KB', 'small', false],
  ['300 × 30 KB, signed', 'small', true],
]
const found: Record<string, { work: string; files: number; runs: Figures[] }> = {}
const measure = async (name: string, work: string, files: number, act: () => Promise<Figures>) => {
  if (!only.test(name)) return
  lab.note(name)
  found[name] ??= { work, files, runs: [] }
  found[name].runs.push(await act())
}
for (let round = 0; round < rounds; round++) {
  for (const [work, set, signed] of works) {
    const files = sets[set].length
    const run = async (name: string, way: Way) => {
      // pacman 6 by XferCommand never fetches signatures, and then finds them missing.
      if (signed && name.includes('pacman 6')) return
      await measure(`${work}: ${name}`, work, files, () => transaction(way, sets[set], signed))
    }
    for (const [name, way] of Object.entries(rivals)) await run(name, way)
    for (const { build, rich, poor } of askers) {
      const ways = { ...waysOf('all have it', rich), ...waysOf('nobody has it', poor) }
      for (const [name, way] of Object.entries(ways)) await run(named(name, build), way)
    }
  }
  for (const { build, rich } of askers) {
    for (const reads of [true, false]) {
      const name = named(`the first package, ${reads ? 'with reading ahead' : 'without'}`, build)
      await measure(name, '', 50, () => firstPackage(rich, reads))
    }
  }
}

head(
  'what',
  `seconds, median of ${rounds}`,
  'of stock pacman',
  'slowest of the median',
  'CPU s: pacman and its children; daemon and its',
  'daemon, ms a file',
)
for (const [name, { work, files, runs }] of Object.entries(found)) {
  const of = (key: keyof Figures) => median(runs.map((figures) => figures[key] ?? Number.NaN))
  const stock = found[`${work}: stock pacman 7`]?.runs.map(({ seconds }) => seconds)
  const slowest = Math.max(...runs.map(({ seconds }) => seconds))
  const daemon = runs[0]!.daemon === undefined ? undefined : of('daemon')
  row(
    name,
    of('seconds').toFixed(2),
    stock ? (of('seconds') / median(stock)).toFixed(2) : '',
    (slowest / of('seconds')).toFixed(2),
    `${of('client').toFixed(2)}${daemon === undefined ? '' : `; ${daemon.toFixed(2)}`}`,
    daemon === undefined ? '' : ((daemon * 1000) / files).toFixed(1),
  )
}
lab.close()
process.exit(0)
