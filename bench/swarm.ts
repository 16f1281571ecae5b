/**
 * Many slow lines together: 12 holders at 2 Mbit/s up, a mirror at 8, a downloader at 100, one file of 30 MB.
 * `npm run build && node --import tsx bench/swarm.ts [ROUNDS] [--dist DIR]…` (3); needs root, ip and tc. Beside it, in
 * the same run, curl from the mirror alone; other builds take turns with this one, as downloaders (builds.ts). A share of
 * 1 would be all links full of the file's bytes and nothing else.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { must, waitFor } from '../test/e2e/commands.ts'
import { createLab } from '../test/e2e/lab.ts'
import { createMirror } from '../test/e2e/mirror.ts'
import { createNode } from '../test/e2e/node.ts'
import { fillCache, makePackage } from '../test/e2e/packages.ts'
import { createPacman } from '../test/e2e/pacman.ts'
import { type Build, named, takeBuilds, withBuild } from './builds.ts'
import { daemonCpu } from './cpu.ts'
import { median } from './loopback.ts'
import { head, row } from './table.ts'

const builds = takeBuilds()
const rounds = Number(process.argv[2] ?? 3)
const HOLDERS = 12
const LINKS_BITS = HOLDERS * 2e6 + 8e6
const item = makePackage({ name: 'thirty', size: 30_000_000 })
const lab = createLab()
const mirror = await createMirror(lab.host('mirror', { rate: '8mbit' }))
mirror.publish('lab', [item])
const repositories = { lab: [`${mirror.url}/lab`] }
const url = `${mirror.url}/lab/${item.file}`

const holders = await Promise.all(
  Array.from({ length: HOLDERS }, async (_, n) => {
    const host = lab.host(`holder${n}`, { rate: '2mbit' })
    const node = createNode(lab, host, join(host.folder, 'pacman.conf'))
    const pacman = createPacman(host, { repositories })
    fillCache(pacman.cache, [item])
    await node.start()
    await node.until('its file indexed', (status) => status.files.count === 1, 60)
    return host
  }),
)

function createAsker(build: Build, n: number) {
  const host = lab.host(`asker${n}`, { rate: '100mbit' })
  const node = createNode(withBuild(lab, build), host, join(host.folder, 'pacman.conf'), {
    direct: holders.map(({ address }) => `server = ${address}:8048`),
  })
  const pacman = createPacman(host, { repositories })
  must('cp', join(mirror.folder, 'lab/lab.db'), pacman.sync)
  const out = join(pacman.cache, `${item.file}.part`)
  return { build, host, node, out, seconds: [] as number[], cpu: [] as number[] }
}

const askers = builds.map(createAsker)
for (let round = 0; round < rounds; round++) {
  for (const { node, out, seconds, cpu } of askers) {
    await node.start()
    await node.until('all holders', (status) => status.peers.length === HOLDERS, 60)
    const before = daemonCpu(node)
    const outcome = await node.run([url, out])
    if (outcome.code !== 0) throw new Error(outcome.all)
    must('cmp', out, item.path)
    cpu.push(daemonCpu(node) - before)
    const { totals } = await node.status()
    lab.note(
      `${outcome.seconds.toFixed(2)} s, ${(totals.fromMirror / 1e6).toFixed(1)} MB from the mirror; ${outcome.stdout.trim()}`,
    )
    seconds.push(outcome.seconds)
    node.signal('SIGTERM')
    await waitFor('the end of the daemon', () => node.daemons().length === 0)
    for (const name of ['data', 'json']) rmSync(join(node.spool, `${item.sha256}.${name}`), { force: true })
  }
}
const { host, out } = askers[0]!
const curl = await host.exec(['curl', '-sf', '-o', out, url])
const share = (seconds: number, bits: number) => ((item.size * 8) / seconds / bits).toFixed(2)
head(`30 MB, medians of ${rounds}`, 'seconds', 'share of the links', 'CPU s of the asking daemon')
for (const { build, seconds, cpu } of askers) {
  const what = named(`pacsrv, ${HOLDERS} holders and the mirror`, build)
  row(what, median(seconds).toFixed(2), share(median(seconds), LINKS_BITS), median(cpu).toFixed(2))
}
row('curl, the mirror alone', curl.seconds.toFixed(2), share(curl.seconds, 8e6), curl.cpuSeconds.toFixed(2))
lab.close()
process.exit(0)
