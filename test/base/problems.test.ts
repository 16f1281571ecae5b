import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../src/base/log.ts'
import { createProblems } from '../../src/base/problems.ts'
import { createClock } from '../clock.ts'

function setUp() {
  const clock = createClock()
  const lines: string[] = []
  const log = {
    ...silentLog,
    warn: (_: object, message: string) => void lines.push(`warn ${message}`),
    info: (_: object, message: string) => void lines.push(`info ${message}`),
  }
  return { clock, lines, log, problems: createProblems(clock) }
}

test('a problem is in the list from its first report until it is solved, and is logged once each', () => {
  const { clock, lines, log, problems } = setUp()
  clock.advance(1_000)
  problems.report('direct', 'a:1', { problem: 'a:1 is gone.', fix: 'start it', log })
  clock.advance(1_000)
  problems.report('direct', 'a:1', { problem: 'a:1 refuses.', fix: 'let us in', log })
  assert.equal(problems.all(), [{ code: 'direct', problem: 'a:1 refuses.', fix: 'let us in', since: 1_000 }])
  problems.solved('direct', 'a:1')
  problems.solved('direct', 'a:1')
  assert.equal(problems.all(), [])
  assert.equal(lines, ['warn a:1 is gone.', 'info Solved: a:1 refuses.'])
})

test('one that is solved leaves the others of its kind', () => {
  const { log, problems } = setUp()
  problems.report('direct', 'a:1', { problem: 'a.', fix: 'x', log })
  problems.report('direct', 'b:1', { problem: 'b.', fix: 'x', log })
  problems.report('webhost', 'a:1', { problem: 'c.', fix: 'x', log })
  problems.solved('direct', 'a:1')
  assert.equal(
    problems.all().map(({ problem }) => problem),
    ['b.', 'c.'],
  )
})

test('one that lasts so long is gone after it, unless it is told again', () => {
  const { clock, log, problems } = setUp()
  const report = { problem: 'a.', fix: 'x', log, lasts: 1_000 }
  problems.report('key', 'site', report)
  clock.advance(999)
  problems.report('key', 'site', report)
  clock.advance(999)
  assert.is(problems.all().length, 1)
  clock.advance(1)
  assert.equal(problems.all(), [])
})

test('there are a hundred at most', () => {
  const { lines, log, problems } = setUp()
  for (let at = 0; at < 101; at++) problems.report('databases', String(at), { problem: 'a.', fix: 'x', log })
  assert.is(problems.all().length, 100)
  assert.is(lines.length, 100)
})

test.run()
