/** The machine that is always on, beside others of its site; and a keep that has come to harm. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { waitFor } from './commands.ts'
import type { Host } from './host.ts'
import { type Lab, scenario } from './lab.ts'
import { createMember, directTo } from './member.ts'
import { createMirror, type Mirror } from './mirror.ts'
import { createNode, type PacsrvNode } from './node.ts'
import { makePackages, type Package } from './packages.ts'
import { createPacman } from './pacman.ts'
import { assertCache, install, packageRequests } from './pair.ts'
import { inside, trixieFolder } from './trixie.ts'

const download = (packages: Package[]) => ['-Syw', ...packages.map(({ name }) => name)]
const sum = (packages: Package[]) => packages.reduce((bytes, { size }) => bytes + size, 0)
const drawn = async (mirror: Mirror) =>
  packageRequests(await mirror.log()).reduce((bytes, one) => bytes + (one.status < 300 ? one.bytes : 0), 0)

/** A machine without pacman, that keeps. */
async function createKeeper(lab: Lab, mirror: Mirror, host: Host, neighbours: Host[] = []) {
  const dir = join(host.folder, 'pacsrv/spool/keep')
  const node = createNode(lab, host, join(host.folder, 'none.conf'), {
    ...directTo(...neighbours),
    cache: ['keep = 1G', `keep-dir = ${dir}`, `repository = lab ${mirror.url}/$repo`],
    server: [
      `socket = ${join(host.folder, 'pacsrv/run/pacsrv.sock')}`,
      'listen = 0.0.0.0:8049',
      'allow = 10.77.0.0/16',
    ],
  })
  const start = async () => {
    await node.start()
    await waitFor('its database', () => existsSync(join(node.state, 'sync/lab.db')))
  }
  const kept = () =>
    existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith('.zst') && !name.startsWith('.')) : []
  return { node, dir, kept, start }
}

/** pacman 7 as it is, with the keep as its CacheServer. */
const stockPacman = (lab: Lab, mirror: Mirror, host: Host, keep: Host) =>
  createPacman(host, {
    repositories: { lab: [`${mirror.url}/lab`] },
    options: ['ParallelDownloads = 5'],
    cacheServer: `http://${keep.address}:8049/$repo`,
    inside: inside(trixieFolder(), lab.folder),
  })

const offered = (node: PacsrvNode, count: number) =>
  node.until(`${count} offered`, ({ files }) => files.count === count)

scenario(
  'what a neighbour of the site installed, the keep has soon after, without the mirror; and gives it when that one is gone',
  async (lab) => {
    const packages = makePackages([
      { name: 'small', size: 30_000 },
      { name: 'large', size: 5_000_000 },
    ])
    const mirror = await createMirror(lab.host('mirror'))
    mirror.publish('lab', packages)
    const [desk, keep] = [lab.host('desk'), lab.host('keep')]
    const { node: deskNode, pacman } = await createMember(lab, mirror, desk)
    const { node, kept, start } = await createKeeper(lab, mirror, keep, [desk])
    await start()
    await node.until('its neighbour', ({ peers }) => peers.some(({ companion }) => companion))

    await mirror.clearLog()
    const installed = await pacman.run(install(packages))
    assert.is(installed.code, 0, installed.all)
    const begun = performance.now()
    await waitFor('all kept', () => kept().length === packages.length)
    await offered(node, packages.length)
    lab.note(`kept ${((performance.now() - begun) / 1000).toFixed(1)} s after pacman's end`)
    assert.is(await drawn(mirror), sum(packages), 'what the desk drew')
    assert.is((await node.status()).totals.fromMirror, 0)

    deskNode.signal('SIGKILL')
    await mirror.behave([{ match: '\\.zst$', status: 503 }])
    const stock = stockPacman(lab, mirror, lab.host('stock'), keep)
    const outcome = await stock.run(download(packages))
    assert.is(outcome.code, 0, outcome.all)
    assertCache(stock, packages)
  },
  ['debootstrap'],
)

scenario(
  'a file of the keep that somebody changed is given to nobody; it is fetched anew',
  async (lab) => {
    const packages = makePackages([
      { name: 'changed', size: 2_000_000 },
      { name: 'cut', size: 1_500_000 },
      { name: 'good', size: 1_000_000 },
    ])
    const mirror = await createMirror(lab.host('mirror'))
    mirror.publish('lab', packages)
    const keep = lab.host('keep')
    const { node, dir, start } = await createKeeper(lab, mirror, keep)
    await start()
    const first = await stockPacman(lab, mirror, lab.host('first'), keep).run(download(packages))
    assert.is(first.code, 0, first.all)
    await offered(node, packages.length)

    const [changed, cut] = packages as [Package, Package, Package]
    const bytes = readFileSync(join(dir, changed.file))
    bytes[1_234_567]! ^= 1
    writeFileSync(join(dir, changed.file), bytes)
    writeFileSync(join(dir, cut.file), readFileSync(cut.path).subarray(0, 700_000))
    await mirror.clearLog()
    const second = stockPacman(lab, mirror, lab.host('second'), keep)
    const outcome = await second.run(download(packages))
    assert.is(outcome.code, 0, outcome.all)
    assertCache(second, packages)
    assert.is(await drawn(mirror), changed.size + cut.size)
    const whole = () =>
      [changed, cut].every((item) => readFileSync(join(dir, item.file)).equals(readFileSync(item.path)))
    await waitFor('both kept anew', whole)
  },
  ['debootstrap'],
)

scenario(
  'a keep whose disk is full gives what it is asked for all the same, and says once what is wrong',
  async (lab) => {
    const packages = makePackages([
      { name: 'one', size: 2_000_000 },
      { name: 'two', size: 1_500_000 },
    ])
    const mirror = await createMirror(lab.host('mirror'))
    mirror.publish('lab', packages)
    const [desk, keep] = [lab.host('desk'), lab.host('keep')]
    await createMember(lab, mirror, desk, { holds: packages.slice(0, 1) })
    const { node, dir, kept, start } = await createKeeper(lab, mirror, keep, [desk])
    mkdirSync(dir, { recursive: true })
    lab.mount(dir, '-t', 'tmpfs', '-o', 'size=3m,mode=0777', 'tmpfs')
    await start()
    const stock = stockPacman(lab, mirror, lab.host('stock'), keep)
    const outcome = await stock.run(download(packages))
    assert.is(outcome.code, 0, outcome.all)
    assertCache(stock, packages)
    const said = () =>
      node
        .log()
        .split('\n')
        .filter((line) => /can't be kept/.test(line))
    await waitFor('a word of it', () => said().length > 0)
    assert.is(said().length, 1)
    assert.match(said()[0]!, 'the disk is full')
    assert.equal(kept(), [])
    assert.equal(readdirSync(dir), [])
  },
  ['debootstrap'],
)

test.run()
