/**
 * An office at nine o'clock: 16 hosts with 1 Gbit/s between them and a mirror at 50 Mbit/s start real `pacman -Sw` of
 * the same 12 packages (54 MB) at once; nobody has any. They have fetched seven others before, together and unmeasured:
 * 16 daemons that have just started share two cores, and spend them on compiling.
 * `npm run build && node --import tsx bench/crowd.ts [HOSTS] [LINK] [MIRROR] [--star] [--rounds N] [--dist DIR]…`
 * (16, 1gbit, 50mbit; 1 round); needs root, ip, tc, pacman and nginx. Rivals in the same run: one host alone, with curl
 * as XferCommand; as many stock pacmans behind one nginx with proxy_cache; other builds (builds.ts).
 * `--star`: 8 hosts, no multicast, and each names only the first by [direct].
 */
import { parseArgs } from 'node:util'
import { runCrowd } from '../test/e2e/crowd.ts'
import type { Host } from '../test/e2e/host.ts'
import { createLab } from '../test/e2e/lab.ts'
import { directTo } from '../test/e2e/member.ts'
import { makePackages } from '../test/e2e/packages.ts'
import type { Member } from '../test/e2e/pair.ts'
import { named, takeBuilds, withBuild } from './builds.ts'
import { daemonsCpu } from './cpu.ts'
import { median } from './loopback.ts'
import { needNginx } from './nginx.ts'
import { createProfiling } from './profile.ts'
import { runProxy } from './proxy.ts'
import { head, row } from './table.ts'

/** As in a real upgrade: many small, few large. 54 MB in all. */
const SIZES = [
  2_000, 12_000, 60_000, 150_000, 400_000, 800_000, 1_600_000, 3_000_000, 5_000_000, 8_000_000, 13_000_000,
  22_000_000,
]
/** The front's own word for a file that it fetched by its own curl. */
const BY_ITSELF = /: \d+ bytes from the mirror$/gm

needNginx()
const builds = takeBuilds()
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { star: { type: 'boolean' }, rounds: { type: 'string' } },
})
const hosts = Number(positionals[0] ?? (values.star ? 8 : 16))
const [link, mirrorLink] = [positionals[1] ?? '1gbit', positionals[2] ?? '50mbit']
const rounds = Number(values.rounds ?? 1)
const packages = makePackages(SIZES.map((size, n) => ({ name: `office${n}`, size })))
const before = makePackages(SIZES.slice(3, 10).map((size, n) => ({ name: `before${n}`, size })))
const sum = packages.reduce((bytes, item) => bytes + item.size, 0)
const all = sum + before.reduce((bytes, item) => bytes + item.size, 0)
const setting = { hosts, packages, before, link, mirrorLink }

const meetHub = (desks: Host[], n: number) =>
  n === 0 ? { sections: {}, peers: hosts - 1 } : { sections: directTo(desks[0]!), peers: 1 }

interface Figures {
  /** Seconds of the last and the middle host; of the last, how many times one alone. */
  last: number
  middle: number
  ratio: number
  copies: number
  /** A host's CPU seconds: of its daemon, or its share of the proxy; and of pacman with its children. */
  cpu: number
  client: number
  /** Calls that fetched a file by themselves. */
  byItself?: number
  fromPeers?: number
}

const mean = (values: number[]) => values.reduce((total, value) => total + value, 0) / values.length
const result = (each: number[], alone: number, bytes: number) => ({
  last: Math.max(...each),
  middle: median(each),
  ratio: Math.max(...each) / alone,
  copies: bytes / sum,
})

const profiling = createProfiling()

async function ours(build: (typeof builds)[number]): Promise<Figures & { alone: number }> {
  const lab = createLab()
  let cpu = 0
  const measured = (members: Member[]) => {
    const nodes = members.map(({ node }) => node)
    const begin = daemonsCpu(nodes)
    profiling.start(nodes.at(-1)!)
    return () => {
      profiling.stop(nodes.at(-1)!)
      cpu = (daemonsCpu(nodes) - begin) / hosts
    }
  }
  const figures = await runCrowd(withBuild(lab, build), {
    ...setting,
    measured,
    env: profiling.env,
    ...(values.star ? { meeting: meetHub } : {}),
  })
  await profiling.done()
  lab.close()
  return {
    ...result(figures.each, figures.alone, figures.bytes),
    alone: figures.alone,
    cpu,
    client: mean(figures.outcomes.map(({ cpuSeconds }) => cpuSeconds)),
    byItself: figures.outcomes.reduce((calls, { all }) => calls + (all.match(BY_ITSELF)?.length ?? 0), 0),
    fromPeers: figures.fromPeers / all / hosts,
  }
}

async function rival(alone: number): Promise<Figures> {
  const { each, bytes, proxyCpu, clientCpu } = await runProxy(setting)
  return { ...result(each, alone, bytes), cpu: proxyCpu / hosts, client: clientCpu / hosts }
}

const found = new Map<string, Figures[]>()
const keep = (name: string, figures: Figures) => found.set(name, [...(found.get(name) ?? []), figures])
const alones: number[] = []
for (let round = 0; round < rounds; round++) {
  for (const build of builds) {
    const figures = await ours(build)
    alones.push(figures.alone)
    keep(named('pacsrv', build), figures)
  }
  keep('nginx proxy_cache, stock pacmans', await rival(median(alones)))
}

const how = values.star ? ', which all name one' : ''
head(
  `${hosts} hosts at ${link}${how}, the mirror at ${mirrorLink}, ${(sum / 1e6).toFixed(1)} MB, medians of ${rounds}`,
  'last (middle), s',
  `last of one alone by curl (${median(alones).toFixed(1)} s)`,
  "copies on the mirror's link",
  'CPU s a host: daemon or its share of nginx; pacman with the front',
  'calls that fetched by themselves',
  'from each other',
)
for (const [name, runs] of found) {
  const of = (key: keyof Figures) => median(runs.map((figures) => figures[key] ?? Number.NaN))
  row(
    name,
    `${of('last').toFixed(1)} (${of('middle').toFixed(1)})`,
    of('ratio').toFixed(2),
    of('copies').toFixed(2),
    `${of('cpu').toFixed(2)}; ${of('client').toFixed(2)}`,
    runs[0]!.byItself === undefined
      ? ''
      : `${runs.map(({ byItself }) => byItself).join(', ')} of ${hosts * packages.length}`,
    runs[0]!.fromPeers === undefined ? '' : `${(100 * of('fromPeers')).toFixed(0)} %`,
  )
}
process.exit(0)
