import { copyFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { runCrowd } from './crowd.ts'
import { scenario } from './lab.ts'
import { makePackages } from './packages.ts'

const SIZES = [1_000, 20_000, 120_000, 700_000, 3_000_000, 6_000_000]

scenario('five hosts start the same packages at once: the mirror sends each about once', async (lab) => {
  const packages = makePackages(SIZES.map((size, n) => ({ name: `shared${n}`, size })))
  const sum = packages.reduce((bytes, item) => bytes + item.size, 0)
  const figures = await runCrowd(lab, { hosts: 5, packages, link: '1gbit', mirrorLink: '20mbit' })
  const copies = figures.bytes / sum
  const last = Math.max(...figures.each)
  lab.note(`${copies.toFixed(2)} copies; ${last.toFixed(1)} s, one alone ${figures.alone.toFixed(1)} s`)
  assert.ok(copies <= 1.5, `the mirror sent ${copies.toFixed(2)} copies`)
  assert.ok(figures.fromPeers >= 2 * sum, `only ${figures.fromPeers} bytes came from each other`)
})

/**
 * A copy of a build that speaks as those before the capability `many` did: it neither says nor uses it, knows no HAVES, and
 * reads the first chunk of a GET alone. Returns its program.
 */
function buildBefore(program: string, folder: string): string {
  cpSync(dirname(program), folder, { recursive: true })
  const bundle = join(folder, 'main.cjs')
  let code = readFileSync(bundle, 'utf8')
  for (const [now, before] of [
    ['CAPABILITIES=["many"]', 'CAPABILITIES=[]'],
    ['.includes("many")', '.includes("")'],
    [/haves:22\b/, 'haves:250'],
    [/,more:listIfAny\([^()]*\)/, ''],
  ] as const) {
    assert.is(code.split(now).length, 2, `${now} stands once in the bundle`)
    code = code.replace(now, before)
  }
  writeFileSync(bundle, code)
  return join(folder, 'pacsrv-xfer')
}

scenario('hosts of this build and of one before it share as one', async (lab) => {
  const before = buildBefore(lab.program, join(lab.folder, 'before'))
  const packages = makePackages(SIZES.map((size, n) => ({ name: `mixed${n}`, size })))
  const sum = packages.reduce((bytes, item) => bytes + item.size, 0)
  const figures = await runCrowd(lab, {
    hosts: 4,
    packages,
    link: '1gbit',
    mirrorLink: '20mbit',
    program: (n) => (n % 2 === 0 ? before : lab.program),
  })
  const copies = figures.bytes / sum
  lab.note(`${copies.toFixed(2)} copies, ${Math.max(...figures.each).toFixed(1)} s`)
  assert.ok(copies <= 1.5, `the mirror sent ${copies.toFixed(2)} copies`)
  assert.ok(figures.fromPeers >= 1.5 * sum, `only ${figures.fromPeers} bytes came from each other`)
})

scenario(
  'of eight hosts one gives false bytes and one stands still: all others have it right',
  async (lab) => {
    const [LIAR, FROZEN] = [2, 5]
    const preload = join(lab.folder, 'rot.cjs')
    copyFileSync(join(import.meta.dirname, 'rot.cjs'), preload)
    const packages = makePackages(
      [120_000, 700_000, 3_000_000, 8_000_000, 12_000_000].map((size, n) => ({ name: `torn${n}`, size })),
    )
    const sum = packages.reduce((bytes, item) => bytes + item.size, 0)
    const figures = await runCrowd(lab, {
      hosts: 8,
      packages,
      link: '1gbit',
      mirrorLink: '20mbit',
      env: (n): Record<string, string> => (n === LIAR ? { NODE_OPTIONS: `--require ${preload}` } : {}),
      freezes: { host: FROZEN, after: 3 },
    })
    const copies = figures.bytes / sum
    const last = Math.max(...figures.each)
    // Nobody gives the liar anything any more: it draws a copy of its own, as what runs on into the sockets of the one
    // that stands still is its own.
    const drawn = figures.fromMirror.reduce((all, bytes, n) => (n === LIAR ? all : all + bytes), 0) / sum
    lab.note(
      `${drawn.toFixed(2)} copies, ${copies.toFixed(2)} with those two's; ${last.toFixed(1)} s, one alone ${figures.alone.toFixed(1)} s`,
    )
    assert.ok(drawn <= 1.3, `${drawn.toFixed(2)} copies from the mirror`)
  },
)

test.run()
