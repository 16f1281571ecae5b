/** What fuzzing found once, and of every target a share with a fixed seed; `npm run fuzz` for more. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { seeded } from '../seeded.ts'
import { fuzz } from './engine.ts'
import { mutate } from './mutate.ts'
import type { Target } from './target.ts'
import { targets } from './targets.ts'

const SEED = 11
const COUNT = { cheap: 3_000, dear: 400 }
const CASES = join(import.meta.dirname, 'cases')

const escaped: unknown[] = []
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error) => void escaped.push(error))
}

for (const target of targets) {
  const folder = join(CASES, target.name.replaceAll(/\W+/g, '-'))
  const cases = existsSync(folder) ? readdirSync(folder) : []
  test(`${target.name}: ${cases.length} cases, and a share of what they and real ones become`, async () => {
    for (const name of cases) await target.run(readFileSync(join(folder, name)))
    const result = await fuzz(target, { seed: SEED, count: target.dear ? COUNT.dear : COUNT.cheap })
    for (const { input, error } of result.failures) {
      console.log(`${target.name}: ${(error as Error).stack}\ninput, base64: ${input.toString('base64')}`)
    }
    assert.is(result.failures.length, 0)
    assert.equal(escaped, [])
  })
}

/** Fails at a byte that no seed has, in two ways. */
const broken: Target = {
  name: 'broken',
  seeds: () => [Buffer.from('abcdef')],
  run(input) {
    if (input.includes(0xff)) throw new Error('one')
    if (input.length > 40) throw new Error('another')
  },
}

test('each kind of failure is told once, with an input that fails again; the same seed finds the same', async () => {
  const [first, second] = [
    await fuzz(broken, { seed: 1, count: 5_000 }),
    await fuzz(broken, { seed: 1, count: 5_000 }),
  ]
  assert.equal(first.failures.map(({ error }) => (error as Error).message).sort(), ['another', 'one'])
  for (const { input } of first.failures) assert.throws(() => broken.run(input))
  assert.equal(
    first.failures.map(({ input }) => input),
    second.failures.map(({ input }) => input),
  )
})

test('changes make neither endless inputs nor the same ones', () => {
  const random = seeded(1)
  const long = Buffer.alloc(32 * 1024, 'x')
  const made = Array.from({ length: 300 }, () => mutate(long, random, [long]))
  assert.ok(made.every(({ length }) => length <= long.length))
  assert.ok(new Set(made.map((bytes) => bytes.toString('latin1'))).size > 100)
})

test.run()
