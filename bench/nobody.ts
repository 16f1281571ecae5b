/**
 * Never slower: what a file costs that only the mirror has. Neighbours who haven't it, then 20 dead holders in memory,
 * a file of 2 KB and one of 10 MB; a mirror at 50 Mbit/s.
 * `npm run build && node --import tsx bench/nobody.ts [ROUNDS]` (9); needs root, ip, tc and pacman. The rival in the
 * same run is curl and the client's start: pacsrv-xfer for the same bytes under a name that no database has, which
 * the daemon leaves to the client's own curl at once.
 */
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { rootOf, singleChunkHashes } from '../src/base/chunks.ts'
import type { Endpoint } from '../src/base/endpoint.ts'
import { must } from '../test/e2e/commands.ts'
import { forgetFile, startRumour } from '../test/e2e/holders.ts'
import { createLab } from '../test/e2e/lab.ts'
import { createMember, directTo } from '../test/e2e/member.ts'
import { createMirror } from '../test/e2e/mirror.ts'
import { makePackages, type Package } from '../test/e2e/packages.ts'
import { median } from './loopback.ts'

const rounds = Number(process.argv[2] ?? 9)
const NEIGHBOURS = 3
const DEAD = 20
const packages = makePackages([
  { name: 'two', size: 1_400 },
  { name: 'ten', size: 10_000_000 },
  { name: 'two-dead', size: 1_400 },
  { name: 'ten-dead', size: 10_000_000 },
])
const lab = createLab()
const mirror = await createMirror(lab.host('mirror', { rate: '50mbit' }))
mirror.publish('lab', packages)
for (const item of packages) copyFileSync(item.path, join(mirror.folder, 'lab', `unknown-${item.file}`))

const neighbours = Array.from({ length: NEIGHBOURS }, (_, n) => lab.host(`neighbour${n}`))
for (const host of neighbours) await createMember(lab, mirror, host)
const asker = await createMember(lab, mirror, lab.host('asker'), { sections: directTo(...neighbours) })
const gossip = lab.host('gossip')

const url = (name: string) => `${mirror.url}/lab/${name}`
const curl = (out: string, name: string) => asker.host.exec(['curl', '-sf', '-o', out, url(name)])

async function timed(
  item: Package,
  run: (out: string) => Promise<{ code: number | undefined; seconds: number; all: string }>,
) {
  const out = join(asker.pacman.cache, `${item.file}.part`)
  rmSync(out, { force: true })
  const outcome = await run(out)
  if (outcome.code !== 0) throw new Error(outcome.all)
  must('cmp', out, item.path)
  return outcome.seconds * 1000
}

const row = (...cells: string[]) => console.log(`| ${cells.join(' | ')} |`)
const table: string[][] = []
for (const item of packages) {
  const hasDead = item.name.endsWith('dead')
  const figures = { curl: [] as number[], rival: [] as number[], first: [] as number[], ours: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    await forgetFile(asker, item)
    await asker.node.start()
    await asker.node.until('its neighbours', ({ peers }) => peers.length === NEIGHBOURS)
    if (hasDead) await rememberTheDead(item)
    figures.curl.push(await timed(item, (out) => curl(out, item.file)))
    figures.rival.push(await timed(item, (out) => asker.node.run([url(`unknown-${item.file}`), out])))
    figures.ours.push(await timed(item, (out) => asker.node.run([url(item.file), out])))
  }
  const cost = median(figures.ours) / median(figures.rival)
  table.push([
    `${item.name.startsWith('two') ? '2 KB' : '10 MB'}, ${hasDead ? `${DEAD} dead holders in memory` : 'nobody has it'}`,
    ...[figures.curl, figures.rival, figures.ours].map((values) => median(values).toFixed(0)),
    cost.toFixed(2),
  ])
}

async function rememberTheDead({ sha256, size, file }: Package) {
  const dead = Array.from({ length: DEAD }, (_, n): Endpoint => `10.77.0.${200 + n}:8048`)
  const root = rootOf(singleChunkHashes(sha256))
  await startRumour(gossip, asker.host, { files: [{ sha256, size, root, whole: true }], dead })
  const outcome = await asker.node.run(['find', file, '--json'])
  const found = JSON.parse(outcome.stdout)
  if (JSON.stringify(found).split('10.77.0.2').length - 1 < DEAD) throw new Error(outcome.all)
}

row(`medians of ${rounds}, ms`, 'curl alone', "curl and the client's start", 'pacsrv', 'ratio')
row('---', '---', '---', '---', '---')
for (const cells of table) row(...cells)
lab.close()
process.exit(0)
