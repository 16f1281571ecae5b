import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createBudgets } from '../../src/base/budgets.ts'
import { createClock } from '../clock.ts'

test('each key has its rate, and all together have one', () => {
  const clock = createClock()
  const budgets = createBudgets(clock, { perSecond: 1, burst: 2 }, { perSecond: 1, burst: 3 })
  const taken = (keys: string) => [...keys].map((key) => budgets.take(key))
  assert.equal(taken('aaab'), [true, true, false, true])
  assert.equal(taken('b'), [false], 'all together had three')
  clock.advance(1_000)
  assert.equal(taken('ba'), [true, false])
})

test('more than one may be taken at once', () => {
  const budgets = createBudgets(createClock(), { perSecond: 1, burst: 10 }, { perSecond: 1, burst: 100 })
  assert.ok(budgets.take('a', 10))
  assert.not.ok(budgets.take('a', 1))
})

test.run()
