/** Signatures required, with a key of the lab's own. */
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Lab, scenario } from './lab.ts'
import { makePackages, type Package, writeDatabase } from './packages.ts'
import { createPair, type Pair, type PairOptions } from './pair.ts'
import { SIGNATURES_REQUIRED, sign, trust } from './signing.ts'
import { inside, trixieFolder } from './trixie.ts'

const signedPackages = () =>
  makePackages(
    [30_000, 200_000, 60_000, 900, 400_000, 8_000].map((size, n) => ({ name: `signed${n}`, size })),
  )

/** Mirror and holder have every package's signature, and the asker's pacman demands them. */
async function createSignedPair(lab: Lab, options: PairOptions = {}): Promise<Pair> {
  const packages = signedPackages()
  const signatures = sign(packages)
  const pair = await createPair(lab, packages, {
    ...options,
    pacmanOptions: [SIGNATURES_REQUIRED, ...(options.pacmanOptions ?? [])],
    asker: { mirror: ['delay = 2s'] },
  })
  const { asker, holder, mirror } = pair
  for (const path of signatures) {
    copyFileSync(path, join(mirror.folder, 'lab', basename(path)))
    copyFileSync(path, join(holder.pacman.cache, basename(path)))
  }
  trust(asker.pacman.gpgDir)
  return pair
}

function assertSigned({ asker }: Pair, packages: Package[]) {
  const files = packages.flatMap(({ file }) => [file, `${file}.sig`])
  assert.equal(readdirSync(asker.pacman.cache).sort(), files.sort())
}

const names = (packages: Package[]) => packages.map((item) => item.name)
const seven: PairOptions = { inside: (lab) => inside(trixieFolder(), lab.folder) }

scenario(
  'pacman 7, signatures required: packages from the holder, each signature from the mirror, once',
  async (lab) => {
    const pair = await createSignedPair(lab, seven)
    const { asker, mirror, packages } = pair
    const outcome = await asker.pacman.run(['-Sy', ...names(packages)])
    assert.is(outcome.code, 0, outcome.all)
    assertSigned(pair, packages)
    const asked = (await mirror.log()).map(({ path }) => basename(path)).filter((name) => name !== 'lab.db')
    assert.equal([...new Set(asked)].sort(), packages.map(({ file }) => `${file}.sig`).sort())
    assert.ok(asked.length <= packages.length + 2, `${asked.length} requests`)
    lab.note(
      `${packages.length} signed packages: ${outcome.seconds.toFixed(2)} s, ${asked.length} requests at the mirror`,
    )
  },
  ['debootstrap'],
)

for (const [way, byCacheServer] of [
  ['XferCommand', false],
  ['CacheServer', true],
] as const) {
  scenario(
    `pacman 7, signatures required, an office that loses its internet, by ${way}`,
    async (lab) => {
      const pair = await createSignedPair(lab, { ...seven, byCacheServer })
      const { asker, mirror, packages } = pair
      const before = await asker.pacman.run(['-Sy', ...names(packages.slice(0, 3))])
      assert.is(before.code, 0, before.all)
      mirror.stop()
      const outcome = await asker.pacman.run(['-S', ...names(packages.slice(3))])
      assert.is(outcome.code, 0, outcome.all)
      assertSigned(pair, packages)
      lab.note(`without internet, by ${way}: ${outcome.seconds.toFixed(2)} s`)
    },
    ['debootstrap'],
  )
}

for (const [way, byCacheServer] of [
  ['XferCommand', false],
  ['CacheServer', true],
] as const) {
  scenario(
    `pacman 7, signatures required, a mirror that takes 1.5 s for each: the peer's, found good, by ${way}`,
    async (lab) => {
      const pair = await createSignedPair(lab, { ...seven, byCacheServer })
      const { asker, mirror, packages } = pair
      await mirror.behave([{ path: '.sig', delay: 1_500 }])
      const outcome = await asker.pacman.run(['-Sy', ...names(packages)])
      assert.is(outcome.code, 0, outcome.all)
      assertSigned(pair, packages)
      lab.note(`a slow mirror, by ${way}: ${outcome.seconds.toFixed(2)} s for ${packages.length}`)
      // Each by itself would be 9 s.
      assert.ok(outcome.seconds < 6, `${outcome.seconds} s`)
    },
    ['debootstrap'],
  )

  scenario(
    `pacman 7, signatures required, a peer with false ones: never handed over, by ${way}`,
    async (lab) => {
      const pair = await createSignedPair(lab, { ...seven, byCacheServer })
      const { asker, holder, mirror, packages } = pair
      // Each has the signature of another package.
      const paths = packages.map(({ file }) => join(holder.pacman.cache, `${file}.sig`))
      const contents = paths.map((path) => readFileSync(path))
      for (const [n, path] of paths.entries()) writeFileSync(path, contents[(n + 1) % paths.length]!)
      await mirror.behave([{ path: '.sig', delay: 1_000 }])
      const outcome = await asker.pacman.run(['-Sy', ...names(packages.slice(0, 3))])
      assert.is(outcome.code, 0, outcome.all)
      assertSigned(pair, packages.slice(0, 3))
      mirror.stop()
      await asker.pacman.run(['-S', ...names(packages.slice(3))])
      // Nothing false has come from the dead mirror's stand-ins.
      assert.equal(
        readdirSync(asker.pacman.cache)
          .filter((name) => name.endsWith('.sig'))
          .sort(),
        packages
          .slice(0, 3)
          .map(({ file }) => `${file}.sig`)
          .sort(),
      )
    },
    ['debootstrap'],
  )
}

scenario(
  'pacman 7, signatures required, a database that carries them: of a long list the mirror is asked for few',
  async (lab) => {
    const packages = makePackages(
      Array.from({ length: 30 }, (_, n) => ({ name: `carried${n}`, size: 8_000 })),
    )
    const pair = await createPair(lab, packages, { ...seven, pacmanOptions: [SIGNATURES_REQUIRED] })
    const { asker, mirror } = pair
    for (const path of sign(packages)) copyFileSync(path, join(mirror.folder, 'lab', basename(path)))
    writeDatabase(join(mirror.folder, 'lab'), 'lab', packages, true)
    trust(asker.pacman.gpgDir)
    const outcome = await asker.pacman.run(['-Sy', ...names(packages)])
    assert.is(outcome.code, 0, outcome.all)
    assertSigned(pair, packages)
    const asked = (await mirror.log()).filter(({ path }) => path.endsWith('.sig'))
    assert.ok(asked.length < 15, `${asked.length} of 30`)
  },
  ['debootstrap'],
)

scenario('pacman 6, signatures required: those in the database are enough, and are checked', async (lab) => {
  const pair = await createSignedPair(lab)
  const { asker, mirror, packages } = pair
  const [first, second, ...rest] = packages as [Package, Package, ...Package[]]
  const written = [{ ...first, signature: `${second.path}.sig` }, second, ...rest]
  writeDatabase(join(mirror.folder, 'lab'), 'lab', written, true)
  const outcome = await asker.pacman.run(['-Sy', ...names([second, ...rest])])
  assert.is(outcome.code, 0, outcome.all)
  assert.equal(readdirSync(asker.pacman.cache).sort(), [second, ...rest].map(({ file }) => file).sort())
  const refused = await asker.pacman.run(['-S', first.name])
  assert.is.not(refused.code, 0)
  assert.match(refused.all, /signature/)
})

test.run()
