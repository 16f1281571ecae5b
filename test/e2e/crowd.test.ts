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

test.run()
