/** Where a row of the moods' table is played: two mirrors, a holder, a pacman of stock and one with pacsrv. */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { type Outcome, waitFor } from './commands.ts'
import type { Host } from './host.ts'
import type { Lab } from './lab.ts'
import { createMirror, type Mirror, type Rule } from './mirror.ts'
import { type MoodRow, rulesOf } from './moods.ts'
import { createNode, type PacsrvNode } from './node.ts'
import { fillCache, makePackages, type Package, writeDatabase } from './packages.ts'
import { CACHE_SERVER, createPacman, type Pacman } from './pacman.ts'
import { CURL } from './pair.ts'
import { sign, trust } from './signing.ts'
import { inside, trixieFolder } from './trixie.ts'

/** How one transaction went. */
export interface Run {
  seconds: number
  code: number | undefined
  /** Names of packages that are in the cache with other bytes than they should have. */
  wrong: string[]
  /** Packages that are there and right. */
  right: number
  said: string
  /** What the second mirror was asked for. */
  askedOfSecond: string[]
  /** How many times as long as by itself work took meanwhile: what others on this machine cost. 1 where it is quiet. */
  contention: number
}

/** The same transaction by all three. */
export interface Played {
  stock: Run
  curl: Run
  pacsrv: Run
}

export interface MoodsLab {
  packages: Package[]
  mirrors: Mirror[]
  play(row: MoodRow, options?: PlayOptions): Promise<Played>
}

export interface PlayOptions {
  /** Nobody knows the mirror's name but the proxy that pacman's environment names. */
  byProxy?: boolean
  /** Whether the holder has signatures too. */
  holderSigns?: boolean
  /** More rules of the first mirror. */
  rules?: Rule[]
  /** What SigLevel says in place of what the row wants. */
  levels?: string
  /** Its rules while pacman refreshes its databases once before all this. */
  before?: Rule[]
}

/** What a firewall does to a port. */
const DROPS =
  'add table inet f; add chain inet f in { type filter hook input priority 0; }; add rule inet f in tcp dport 81 drop'
const SIZES = [900, 30_000, 300_000, 1_500_000]
const DAY = 86_400_000
/** Who needs longer waits for ever. */
const CURL_SECONDS = 60

export async function createMoodsLab(lab: Lab): Promise<MoodsLab> {
  const packages = makePackages(SIZES.map((size, n) => ({ name: `mood${n}`, size })))
  const hosts = { first: lab.host('first'), second: lab.host('second') }
  const mirrors = [await createMirror(hosts.first), await createMirror(hosts.second)]
  const yesterday = join(lab.folder, 'yesterday')
  for (const folder of [...mirrors.map((mirror) => mirror.folder), yesterday]) publish(folder, packages)
  makeOld(yesterday, packages)

  const holder = await createHolder(lab, mirrors[1]!, packages)
  const stockHost = lab.host('stock')
  const ourHost = lab.host('ours')
  for (const host of [stockHost, ourHost]) {
    trust(createPacman(host, { repositories: {} }).gpgDir)
  }
  const nobody = { dead: `http://${hosts.first.address}:1`, dropped: `http://${hosts.first.address}:81` }
  await hosts.first.exec(['nft', DROPS])

  async function play(row: MoodRow, options: PlayOptions = {}): Promise<Played> {
    const rules = rulesOf(row, { elsewhere: mirrors[1]!.url, yesterday })
    const first = typeof rules === 'string' ? nobody[rules] : mirrors[0]!.url
    const servers = [
      options.byProxy ? 'http://mirror.invalid/lab' : `${first}/lab`,
      ...(row.second === 'right' ? [`${mirrors[1]!.url}/lab`] : []),
    ]
    const env = options.byProxy ? { http_proxy: mirrors[0]!.url, no_proxy: '127.0.0.1' } : {}
    holder.sign(options.holderSigns ?? true)
    const begin = async () => {
      await mirrors[0]!.behave([...(typeof rules === 'string' ? [] : rules), ...(options.rules ?? [])])
    }
    const is7 = !row.road.endsWith('6')
    const common = {
      repositories: { lab: servers },
      ...(is7 ? { inside: inside(trixieFolder(), lab.folder) } : {}),
    }
    const levels = options.levels ?? (row.signatures === 'required' ? 'Required DatabaseOptional' : 'Never')
    const lines = [`SigLevel = ${levels}`, 'ParallelDownloads = 5']
    const run = async (host: Host, pacman: Pacman, timeout = 180): Promise<Run> => {
      wipe(host)
      if (options.before) {
        await mirrors[0]!.behave(options.before)
        await pacman.run(['-Sy'])
      }
      await begin()
      await mirrors[1]!.clearLog()
      const words = ['-Sy', ...packages.map(({ name }) => name)]
      const before = await contentionOn(host)
      const outcome = await pacman.run(words, { timeout, env })
      const contention = (before + (await contentionOn(host))) / 2
      const askedOfSecond = (await mirrors[1]!.log()).map(({ path }) => basename(path))
      return { ...judge(pacman, packages, outcome), askedOfSecond, contention }
    }
    const stock = await run(stockHost, createPacman(stockHost, { ...common, options: lines }))
    // curl waits two minutes for each call that a firewall drops, and for ever where nothing more comes.
    const curl =
      rules === 'dropped'
        ? stock
        : await run(
            stockHost,
            createPacman(stockHost, { ...common, options: [CURL, ...lines] }),
            CURL_SECONDS,
          )
    const pacsrv = await withPacsrv(row, async (node) => {
      const byCacheServer = row.road.startsWith('CacheServer')
      const pacman = createPacman(ourHost, {
        ...common,
        options: [...(byCacheServer ? [] : [`XferCommand = ${node.xferCommand}`]), ...lines],
        ...(byCacheServer ? { cacheServer: CACHE_SERVER } : {}),
      })
      return { pacman, go: () => run(ourHost, pacman) }
    })
    return { stock, curl, pacsrv }
  }

  /** A fresh daemon for each row: what it has learned of mirrors is another row's. */
  async function withPacsrv(
    { peers }: MoodRow,
    prepare: (node: PacsrvNode) => Promise<{ pacman: Pacman; go: () => Promise<Run> }>,
  ): Promise<Run> {
    rmSync(join(ourHost.folder, 'pacsrv'), { recursive: true, force: true })
    const direct = peers === 'yes' ? { direct: [`server = ${holder.address}:8048`] } : {}
    const node = createNode(lab, ourHost, join(ourHost.folder, 'pacman.conf'), direct)
    const { go } = await prepare(node)
    wipe(ourHost)
    await node.start()
    if (peers === 'yes') await node.until('the holder', (status) => status.peers.length === 1)
    try {
      return await go()
    } finally {
      node.signal('SIGKILL')
      await waitFor('the daemon gone', () => node.daemons().length === 0)
    }
  }

  return { packages, mirrors, play }
}

/** The packages, their signatures, the database and its signature. */
function publish(folder: string, packages: Package[]) {
  const own = join(folder, 'lab')
  mkdirSync(own, { recursive: true })
  for (const item of packages) copyFileSync(item.path, join(own, item.file))
  for (const path of sign(packages)) copyFileSync(path, join(own, basename(path)))
  writeSigned(own, packages)
  setTime(own, -DAY)
}

function writeSigned(folder: string, packages: Package[]) {
  const path = writeDatabase(folder, 'lab', packages)
  rmSync(`${path}.sig`, { force: true })
  sign([{ path } as Package])
}

/** A mirror of yesterday: an older database, and not yet the last package. */
function makeOld(folder: string, packages: Package[]) {
  const own = join(folder, 'lab')
  const last = packages.at(-1)!
  for (const name of [last.file, `${last.file}.sig`]) rmSync(join(own, name))
  const [since] = makePackages([{ name: 'dropped-since', size: 900 }])
  writeSigned(own, [...packages, since!])
  setTime(own, -2 * DAY)
}

function setTime(folder: string, ago: number) {
  const then = new Date(Math.floor((Date.now() + ago) / 1000) * 1000)
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), then, then)
}

async function createHolder(lab: Lab, mirror: Mirror, packages: Package[]) {
  const host = lab.host('holder')
  const pacman = createPacman(host, { repositories: { lab: [`${mirror.url}/lab`] } })
  cpSync(join(mirror.folder, 'lab/lab.db'), join(pacman.sync, 'lab.db'))
  fillCache(pacman.cache, packages)
  const node = createNode(lab, host, pacman.config)
  await node.start()
  await node.until('all offered', (status) => status.files.count === packages.length)
  return {
    address: host.address,
    /** Whether it has the signatures beside its packages. */
    sign(has: boolean) {
      for (const path of sign(packages)) {
        const own = join(pacman.cache, basename(path))
        if (has) copyFileSync(path, own)
        else rmSync(own, { force: true })
      }
    },
  }
}

/** Nothing of a transaction before; keys stay. */
function wipe(host: Host) {
  const base = join(host.folder, 'pacman')
  for (const name of ['cache', 'db', 'root']) rmSync(join(base, name), { recursive: true, force: true })
  for (const name of ['cache', 'db/sync', 'root']) mkdirSync(join(base, name), { recursive: true })
}

const WORK = ['sh', '-c', 'n=0; while [ $n -lt 100000 ]; do n=$((n + 1)); done']
/** A process's start and end, in seconds. */
const STARTED = 0.02

async function contentionOn(host: Host): Promise<number> {
  const { seconds, cpuSeconds } = await host.exec(WORK)
  return Math.max(1, seconds / (cpuSeconds + STARTED))
}

function judge(
  pacman: Pacman,
  packages: Package[],
  outcome: Outcome,
): Omit<Run, 'askedOfSecond' | 'contention'> {
  const isRight = ({ file, path }: Package) => {
    const own = join(pacman.cache, file)
    return existsSync(own) ? readFileSync(own).equals(readFileSync(path)) : undefined
  }
  const states = packages.map((item) => ({ name: item.name, state: isRight(item) }))
  return {
    seconds: outcome.seconds,
    code: outcome.signal ? -1 : outcome.code,
    wrong: states.filter(({ state }) => state === false).map(({ name }) => name),
    right: states.filter(({ state }) => state).length,
    said: outcome.all,
  }
}
