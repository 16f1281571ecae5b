/**
 * An office whose machines have no pacsrv, with one that is always on and keeps: 16 stock pacmans at 1 Gbit/s, the
 * mirror at 50 Mbit/s, 12 packages (54 MB) that nobody has. `[cache] keep` beside nginx with proxy_cache.
 * `npm run build && node --import tsx bench/keep.ts [HOSTS] [--rounds N]` (16; 1); needs root, ip, tc, pacman, nginx.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { waitFor } from '../test/e2e/commands.ts'
import { createNode } from '../test/e2e/node.ts'
import { makePackages } from '../test/e2e/packages.ts'
import { daemonsCpu } from './cpu.ts'
import { median } from './loopback.ts'
import { needNginx } from './nginx.ts'
import { runProxy, type StartProxy, startNginx } from './proxy.ts'
import { head, row } from './table.ts'

/** As in a real upgrade: many small, few large. 54 MB in all. */
const SIZES = [
  2_000, 12_000, 60_000, 150_000, 400_000, 800_000, 1_600_000, 3_000_000, 5_000_000, 8_000_000, 13_000_000,
  22_000_000,
]

needNginx()
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string' } },
})
const hosts = Number(positionals[0] ?? 16)
const rounds = Number(values.rounds ?? 1)
const packages = makePackages(SIZES.map((size, n) => ({ name: `office${n}`, size })))
const bytes = packages.reduce((sum, { size }) => sum + size, 0)
const setting = { packages, link: '1gbit', mirrorLink: '50mbit' }

const startKeep: StartProxy = async (lab, host, mirror) => {
  const node = createNode(lab, host, join(host.folder, 'none.conf'), {
    cache: [
      'keep = 1G',
      `keep-dir = ${join(host.folder, 'pacsrv/spool/keep')}`,
      `repository = lab ${mirror.url}/$repo`,
    ],
    server: [
      `socket = ${join(host.folder, 'pacsrv/run/pacsrv.sock')}`,
      'listen = 0.0.0.0:8049',
      'allow = 10.77.0.0/16',
    ],
    daemon: [
      `pacman-conf = ${join(host.folder, 'none.conf')}`,
      `state-dir = ${join(host.folder, 'pacsrv/state')}`,
      `spool-dir = ${join(host.folder, 'pacsrv/spool')}`,
      'user = nobody',
    ],
  })
  await node.start()
  await waitFor('its database', () => existsSync(join(node.state, 'sync/lab.db')))
  return { url: `http://${host.address}:8049`, cpu: () => daemonsCpu([node]) }
}

const rivals: [string, StartProxy][] = [
  ['pacsrv, [cache] keep', startKeep],
  ['nginx proxy_cache', startNginx],
]
const found = new Map<string, Awaited<ReturnType<typeof runProxy>>[]>()
const alones: number[] = []
for (let round = 0; round < rounds; round++) {
  alones.push((await runProxy({ ...setting, hosts: 1 })).each[0]!)
  for (const [name, start] of rivals)
    found.set(name, [...(found.get(name) ?? []), await runProxy({ ...setting, hosts }, start)])
}

head(
  `${hosts} stock pacmans, one machine between them and the mirror at 50mbit, ${(bytes / 1e6).toFixed(1)} MB, medians of ${rounds}`,
  'last (middle), s',
  `last of one alone through nginx (${median(alones).toFixed(1)} s)`,
  "copies on the mirror's link",
  'CPU s: of the machine between; of a pacman',
)
for (const [name, runs] of found) {
  const last = median(runs.map(({ each }) => Math.max(...each)))
  const middle = median(runs.map(({ each }) => median(each)))
  row(
    name,
    `${last.toFixed(1)} (${middle.toFixed(1)})`,
    (last / median(alones)).toFixed(2),
    (median(runs.map((run) => run.bytes)) / bytes).toFixed(2),
    `${median(runs.map((run) => run.proxyCpu)).toFixed(1)}; ${(median(runs.map((run) => run.clientCpu)) / hosts).toFixed(2)}`,
  )
}
process.exit(0)
