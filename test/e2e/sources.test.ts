import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startFalseHolder } from './holders.ts'
import { scenario } from './lab.ts'
import { createMember, directTo } from './member.ts'
import { createMirror } from './mirror.ts'
import { makePackage, makePackages, type Package } from './packages.ts'
import { createPacman } from './pacman.ts'
import { assertCache, type Member } from './pair.ts'

const download = (packages: Package[]) => ['-Sw', ...packages.map((item) => item.name)]

async function downloads({ pacman }: Member, packages: Package[]) {
  const outcome = await pacman.run(download(packages))
  assert.is(outcome.code, 0, outcome.all)
  return outcome
}

scenario('one holder rots, one lies about the list, one dies on the way: the file is right', async (lab) => {
  const item = makePackage({ name: 'wanted', size: 6_000_000 })
  const mirror = await createMirror(lab.host('mirror', { rate: '8mbit' }))
  mirror.publish('lab', [item])
  const hosts = ['rotten', 'liar', 'dying', 'steady'].map((name) => lab.host(name, { rate: '4mbit' }))
  const [rotten, liar, dies, stays] = hosts as [
    (typeof hosts)[0],
    (typeof hosts)[0],
    (typeof hosts)[0],
    (typeof hosts)[0],
  ]
  await startFalseHolder(rotten, { item, deed: 'rots' })
  await startFalseHolder(liar, { item, deed: 'lies' })
  const dying = await createMember(lab, mirror, dies, { holds: [item] })
  await createMember(lab, mirror, stays, { holds: [item] })
  const asker = await createMember(lab, mirror, lab.host('asker'), { sections: directTo(...hosts) })
  await asker.node.until('all holders', ({ peers }) => peers.length === hosts.length)
  async function killHalfWay() {
    await asker.node.until('the middle', ({ transfers }) =>
      transfers.some(({ done }) => done > item.size / 2),
    )
    dying.node.signal('SIGKILL')
  }
  await Promise.all([downloads(asker, [item]), killHalfWay()])
  assertCache(asker.pacman, [item])
  const { totals } = await asker.node.status()
  assert.is(totals.banned, 2, 'the rotten one and the liar')
  assert.ok(totals.rejected >= 2 && totals.fromPeers > 0)
})

scenario(
  'mirrors without ranges, with other lengths, with pages for files, gone: every file is right',
  async (lab) => {
    const packages = makePackages(
      ['whole', 'longer', 'shorter', 'page'].map((name) => ({
        name,
        size: name === 'whole' ? 3_000_000 : 600_000,
      })),
    )
    const late = makePackage({ name: 'late', size: 600_000 })
    const all = [...packages, late]
    const [bad, good] = [await createMirror(lab.host('bad')), await createMirror(lab.host('good'))]
    for (const mirror of [bad, good]) mirror.publish('lab', all)
    const host = lab.host('holder', { rate: '3mbit' })
    await createMember(lab, good, host, { holds: [packages[0]!, late] })
    const asker = await createMember(lab, bad, lab.host('asker'), { sections: directTo(host) })
    const pacman = createPacman(asker.host, {
      repositories: { lab: [`${bad.url}/lab`, `${good.url}/lab`] },
      options: [`XferCommand = ${asker.node.xferCommand}`],
    })
    copyFileSync(join(bad.folder, 'lab/lab.db'), join(pacman.sync, 'lab.db'))
    await asker.node.until('the holder', ({ peers }) => peers.length === 1)
    await bad.behave([
      { path: 'whole-', noRanges: true },
      { path: 'longer-', wrongLength: 1_000 },
      { path: 'shorter-', wrongLength: -1_000 },
      { path: 'page-', status: 404 },
    ])
    await downloads({ ...asker, pacman }, packages)
    assertCache(pacman, packages)
    const asked = await bad.log()
    assert.ok(asked.some(({ path, range, status }) => path.includes('whole-') && range && status === 200))
    for (const { name } of packages)
      assert.ok(
        asked.some(({ path }) => path.includes(`/${name}-`)),
        name,
      )
    for (const mirror of [bad, good]) mirror.stop()
    await downloads({ ...asker, pacman }, [late])
    assertCache(pacman, all)
  },
)

const LIMIT = 2_000_000

scenario('limits hold within 5 %, and two who fetch from one get the same', async (lab) => {
  const item = makePackage({ name: 'limited', size: 6_000_000 })
  const mirror = await createMirror(lab.host('mirror'))
  mirror.publish('lab', [item])
  const [slow, quick] = [lab.host('slow'), lab.host('quick')]
  const network = (line: string) => ({ network: ['lan = no', line] })
  const holder = await createMember(lab, mirror, slow, {
    holds: [item],
    sections: network(`upload-limit = ${LIMIT}`),
  })
  await createMember(lab, mirror, quick, { holds: [item] })
  const asker = async (name: string, of: typeof slow, limit?: string) => {
    const sections = { ...directTo(of), ...(limit ? network(limit) : {}), mirror: ['delay = 60s'] }
    const member = await createMember(lab, mirror, lab.host(name), { sections })
    await member.node.until('the holder', ({ peers }) => peers.length >= 1)
    return member
  }
  const bound = await asker('bound', quick, `download-limit = ${LIMIT}`)
  const { seconds } = await downloads(bound, [item])
  lab.note(`download-limit: ${(item.size / seconds / LIMIT).toFixed(2)} of it`)
  assert.ok(item.size / seconds <= 1.05 * LIMIT, `${seconds} s`)
  assertCache(bound.pacman, [item])

  await mirror.behave([{ status: 503 }])
  const two = [await asker('one', slow), await asker('two', slow)]
  const begun = performance.now()
  const each = await Promise.all(two.map((member) => downloads(member, [item])))
  const took = (performance.now() - begun) / 1000
  const { uploaded } = (await holder.node.status()).totals
  const shares = each.map((outcome) => outcome.seconds)
  lab.note(
    `upload-limit: ${(uploaded / took / LIMIT).toFixed(2)} of it; ${shares.map((s) => s.toFixed(1))} s`,
  )
  // What one of them has the other needn't ask of the holder.
  assert.ok(uploaded >= 0.99 * item.size, `${uploaded} bytes`)
  assert.ok(uploaded / took <= 1.05 * LIMIT, `${uploaded} bytes in ${took} s`)
  assert.ok(Math.min(...shares) > 0.7 * Math.max(...shares), `${shares} s`)
})

test.run()
