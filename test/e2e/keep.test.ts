/** The machine that is always on: no pacman there, and others' pacman has it as CacheServer. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { waitFor } from './commands.ts'
import { type Lab, scenario } from './lab.ts'
import { createMirror, type Mirror } from './mirror.ts'
import { createNode } from './node.ts'
import { makePackages, type Package } from './packages.ts'
import { createPacman } from './pacman.ts'
import { assertCache } from './pair.ts'
import { inside, trixieFolder } from './trixie.ts'

const download = (packages: Package[]) => ['-Syw', ...packages.map(({ name }) => name)]

/** Bytes of packages that the mirror gave. */
async function drawn(mirror: Mirror): Promise<number> {
  return (await mirror.log()).reduce(
    (sum, { path, bytes }) => sum + (/\.pkg\.tar\.zst$/.test(path) ? bytes : 0),
    0,
  )
}

async function keeps(lab: Lab) {
  const packages = makePackages([
    { name: 'small', size: 30_000 },
    { name: 'middling', size: 700_000 },
    { name: 'large', size: 5_000_000 },
  ])
  const bytes = packages.reduce((sum, { size }) => sum + size, 0)
  const mirror = await createMirror(lab.host('mirror'))
  mirror.publish('lab', packages)
  const host = lab.host('keep')
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
  })
  await node.start()
  const database = join(host.folder, 'pacsrv/state/sync/lab.db')
  await waitFor('its database', () => existsSync(database))

  const hosts = ['first', 'second', 'third'].map((name) => {
    const own = lab.host(name)
    return createPacman(own, {
      repositories: { lab: [`${mirror.url}/lab`] },
      options: ['ParallelDownloads = 5'],
      cacheServer: `http://${host.address}:8049/$repo`,
      inside: inside(trixieFolder(), lab.folder),
    })
  })
  const [first, second, third] = hosts as [(typeof hosts)[0], (typeof hosts)[0], (typeof hosts)[0]]
  const one = await first.run(download(packages))
  assert.is(one.code, 0, one.all)
  assertCache(first, packages)
  const kept = () =>
    readdirSync(join(host.folder, 'pacsrv/spool/keep')).filter((name) => name.endsWith('.zst'))
  await waitFor('all kept', () => kept().length === packages.length)
  await node.until('all offered', ({ files }) => files.count === packages.length)

  // Kept over a restart; and the mirror gone, for packages.
  node.signal('SIGTERM')
  await waitFor('the end of the daemon', () => node.daemons().length === 0)
  await node.start()
  const startedAt = performance.now()
  await node.until('all offered again', ({ files }) => files.count === packages.length)
  const both = await Promise.all([second.run(download(packages)), third.run(download(packages))])
  for (const outcome of both) assert.is(outcome.code, 0, outcome.all)
  for (const pacman of [second, third]) assertCache(pacman, packages)
  const copies = (await drawn(mirror)) / bytes
  lab.note(`three hosts by one keep: ${copies.toFixed(2)} copies`)
  assert.ok(copies <= 1.02, `${copies} copies`)

  // A newer version, of which the keep's database doesn't know yet; it looks again 10 s after the last time at the soonest.
  const newer = makePackages([{ name: 'middling', version: '2.0-1', size: 800_000 }])
  mirror.publish('lab', [packages[0]!, packages[2]!, ...newer])
  await mirror.clearLog()
  await waitFor('its turn to look again', () => performance.now() - startedAt > 11_000, 15)
  for (const pacman of [first, second]) {
    const outcome = await pacman.run(download(newer))
    assert.is(outcome.code, 0, outcome.all)
    assertCache(pacman, [...packages, ...newer])
  }
  assert.is(await drawn(mirror), newer[0]!.size)
}

scenario('a keep without pacman serves three hosts without pacsrv: one copy from the mirror', keeps, [
  'debootstrap',
])

test.run()
