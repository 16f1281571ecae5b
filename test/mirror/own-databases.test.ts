import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../src/base/log.ts'
import { createProblems } from '../../src/base/problems.ts'
import { createOwnDatabases } from '../../src/mirror/own-databases.ts'
import { createClock } from '../clock.ts'

const repositories = [
  { name: 'core', servers: ['http://dead/core', 'http://good/core/'] },
  { name: 'extra', servers: ['http://good/extra'] },
]

function start() {
  const clock = createClock()
  const fetched: string[] = []
  const warnings: string[] = []
  const log = { ...silentLog, warn: (_: object, message: string) => void warnings.push(message) }
  const problems = createProblems(clock)
  const state = { down: false }
  const own = createOwnDatabases(
    {
      clock,
      log,
      problems,
      async fetch(url) {
        fetched.push(url)
        if (state.down || url.startsWith('http://dead/')) throw new Error('refused')
        return true
      },
    },
    { dir: join(mkdtempSync(join(tmpdir(), 'pacsrv-own-')), 'sync'), repositories },
  )
  return { clock, own, fetched, warnings, problems, state, taken: () => fetched.splice(0) }
}

test('each repository from the first of its mirrors that has it, at the start and each half hour', async () => {
  const { clock, own, fetched, taken, warnings } = start()
  await own.start()
  const all = ['http://dead/core/core.db', 'http://good/core/core.db', 'http://good/extra/extra.db']
  assert.equal(taken().sort(), all)
  clock.advance(30 * 60_000 - 1)
  assert.equal(taken(), [])
  clock.advance(1)
  while (fetched.length < all.length) await setImmediate()
  assert.equal(taken().sort(), all)
  assert.equal(warnings, [])
  own.stop()
})

test('asked for what isn’t there it looks again, each 10 s at most, and only for what is its own', async () => {
  const { clock, own, taken } = start()
  await own.refresh('extra')
  await own.refresh('extra')
  await own.refresh('community')
  assert.equal(taken(), ['http://good/extra/extra.db'])
  clock.advance(9_999)
  await own.refresh('extra')
  assert.equal(taken(), [])
  clock.advance(1)
  await Promise.all([own.refresh('extra'), own.refresh('extra')])
  assert.equal(taken(), ['http://good/extra/extra.db'])
})

test('who wants what isn’t there waits five seconds for a slow mirror, which is asked once', async () => {
  const clock = createClock()
  let asked = 0
  let come = () => {}
  const fetch = () => {
    asked++
    return new Promise<boolean>((resolve) => {
      come = () => resolve(true)
    })
  }
  const dir = join(mkdtempSync(join(tmpdir(), 'pacsrv-own-')), 'sync')
  const own = createOwnDatabases({ clock, log: silentLog, fetch }, { dir, repositories })
  let waits = true
  const seeking = own.seek('extra').then(() => {
    waits = false
  })
  while (asked === 0) await setImmediate()
  clock.advance(4_999)
  await setImmediate()
  assert.is(waits, true)
  clock.advance(1)
  await seeking
  clock.advance(60_000)
  const whole = own.refresh('extra')
  assert.is(asked, 1, 'it is still under way')
  come()
  await whole
  clock.advance(9_999)
  await own.seek('extra')
  assert.is(asked, 1)
  clock.advance(1)
  void own.refresh('extra')
  while (asked === 1) await setImmediate()
})

test('with no mirror there it says so, once, until one is there again', async () => {
  const { clock, own, warnings, problems, state } = start()
  state.down = true
  await own.refresh('core')
  clock.advance(10_000)
  await own.refresh('core')
  const problem = "The sync database of core can't be refreshed: refused."
  assert.equal(warnings, [problem])
  assert.equal(
    problems.all().map((each) => [each.code, each.problem]),
    [['databases', problem]],
  )
  state.down = false
  clock.advance(10_000)
  await own.refresh('core')
  assert.equal(problems.all(), [])
})

test.run()
