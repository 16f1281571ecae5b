/** pacman's own downloader, with a daemon as its CacheServer. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { waitFor } from './commands.ts'
import { startFalseHolder } from './holders.ts'
import { type Lab, scenario } from './lab.ts'
import { createMember, directTo } from './member.ts'
import { createMirror } from './mirror.ts'
import { fiftyPackages, makePackage, type Package } from './packages.ts'
import { CACHE_SERVER, createPacman } from './pacman.ts'
import { assertCache, createPair, type Pair, type PairOptions, packageRequests } from './pair.ts'
import { inside, trixieFolder } from './trixie.ts'

const byCacheServer = (more: PairOptions = {}): PairOptions => ({
  byCacheServer: true,
  inside: (lab) => inside(trixieFolder(), lab.folder),
  ...more,
  pacmanOptions: ['ParallelDownloads = 10', ...(more.pacmanOptions ?? [])],
  asker: { mirror: ['delay = 2s'], ...more.asker },
})
const sum = (packages: Package[]) => packages.reduce((bytes, item) => bytes + item.size, 0)
const download = (packages: Package[]) => ['-Syw', ...packages.map((item) => item.name)]

function assertHere({ asker }: Pair, packages: Package[]) {
  assertCache(asker.pacman, packages)
}

scenario(
  'CacheServer: fifty packages from a holder, ten at a time; then from the mirror, when the holder hangs',
  async (lab) => {
    const packages = fiftyPackages()
    const [first, second] = [packages.slice(0, 40), packages.slice(40)]
    const pair = await createPair(lab, packages, byCacheServer())
    const { asker, holder } = pair
    const outcome = await asker.pacman.run(download(first))
    assert.is(outcome.code, 0, outcome.all)
    // On a busy machine the mirror rightly helps.
    const { fromPeers } = (await asker.node.status()).totals
    assert.ok(fromPeers > sum(first) / 4, `${fromPeers} of ${sum(first)} bytes`)
    assertHere(pair, first)

    holder.node.signal('SIGSTOP')
    const hung = await asker.pacman.run(download(second))
    lab.note(
      `40 from the holder: ${outcome.seconds.toFixed(2)} s; 10 while it hangs: ${hung.seconds.toFixed(2)} s`,
    )
    assert.is(hung.code, 0, hung.all)
    assertHere(pair, packages)
    assert.ok(hung.seconds < 30, `${hung.seconds} s`)
  },
  ['debootstrap'],
)

scenario(
  'CacheServer: what nobody has comes from the mirror; a daemon that is gone is passed over',
  async (lab) => {
    const packages = fiftyPackages().slice(0, 20)
    const mirror = await createMirror(lab.host('mirror'))
    mirror.publish('lab', packages)
    const [one, other] = [lab.host('one'), lab.host('other')]
    await createMember(lab, mirror, other)
    const { node } = await createMember(lab, mirror, one, { sections: directTo(other) })
    await node.until('its neighbour', (status) => status.peers.length === 1)
    const pacman = createPacman(one, {
      repositories: { lab: [`${mirror.url}/lab`] },
      options: ['ParallelDownloads = 10'],
      cacheServer: CACHE_SERVER,
      inside: inside(trixieFolder(), lab.folder),
    })
    const outcome = await pacman.run(download(packages.slice(0, 10)))
    assert.is(outcome.code, 0, outcome.all)
    const small = (await mirror.log()).filter(({ path }) => path.endsWith(packages[0]!.file))
    assert.equal(
      small.map(({ status }) => status),
      [200],
    )

    node.signal('SIGKILL')
    const without = await pacman.run(download(packages))
    assert.is(without.code, 0, without.all)
    assertCache(pacman, packages)
  },
  ['debootstrap'],
)

scenario(
  'CacheServer: a slow holder is worth waiting for; when the daemon dies pacman goes on from there by Range',
  async (lab) => {
    const packages = [1_700_000, 1_600_000].map((size, n) => makePackage({ name: `slow${n}`, size }))
    const pair = await createPair(lab, packages, byCacheServer({ holderRate: '1mbit' }))
    const { asker, mirror } = pair
    // So slow that the mirror's help doesn't count, nor is needed.
    await mirror.behave([{ path: 'slow', bytesPerSecond: 20_000 }])
    const dying = packages[1]!
    const outcome = await asker.pacman.run(download([packages[0]!]))
    assert.is(outcome.code, 0, outcome.all)
    assertHere(pair, [packages[0]!])
    const fromMirror = packageRequests(await mirror.log()).reduce((bytes, { bytes: more }) => bytes + more, 0)
    lab.note(`1.7 MB at 1 Mbit/s: ${outcome.seconds.toFixed(1)} s, ${fromMirror} bytes from the mirror`)
    assert.ok(outcome.seconds > 10, 'it took so long that pacman would have gone')

    await mirror.clearLog()
    const killed = asker.pacman.run(download([dying]))
    await waitFor('the first bytes', async () =>
      (await mirror.log()).find(({ range, bytes }) => range === 'bytes=0-65535' && bytes > 0),
    )
    await mirror.behave([])
    asker.node.signal('SIGKILL')
    const after = await killed
    assert.is(after.code, 0, after.all)
    assertHere(pair, packages)
    const ranges = packageRequests(await mirror.log()).map(({ range }) => range)
    assert.ok(
      ranges.some((range) => /^bytes=[1-9]\d*-$/.test(range ?? '')),
      JSON.stringify(ranges),
    )
  },
  ['debootstrap'],
)

scenario(
  'CacheServer: a liar costs its neighbours nothing but time',
  async (lab: Lab) => {
    const item = makePackage({ name: 'lied', size: 4_000_000 })
    const liar = lab.host('liar')
    await startFalseHolder(liar, { item, deed: 'lies' })
    const pair = await createPair(lab, [item], byCacheServer({ asker: directTo(liar) }))
    const { asker } = pair
    const outcome = await asker.pacman.run(download([item]))
    lab.note(`beside a liar: ${outcome.seconds.toFixed(2)} s`)
    assert.is(outcome.code, 0, outcome.all)
    assertHere(pair, [item])
    assert.ok(readFileSync(join(asker.pacman.cache, item.file)).equals(readFileSync(item.path)))
  },
  ['debootstrap'],
)

test.run()
