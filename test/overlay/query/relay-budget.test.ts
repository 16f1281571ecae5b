import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLimiter } from '../../../src/base/limiter.ts'
import { createRelayBudget } from '../../../src/overlay/query/relay-budget.ts'
import { createClock } from '../../clock.ts'

const A = '192.0.2.1'
const KIB = 1024

test('an ordinary question goes to everybody; of a large one so many copies leave as its bytes pay for', () => {
  const budget = createRelayBudget(createClock())
  assert.is(budget.copies(A, 150, 30), 30)
  const fresh = createRelayBudget(createClock())
  assert.is(fresh.copies(A, 64 * KIB, 30), 5, 'four for one, and what is free')
  assert.is(fresh.copies(A, 64 * KIB, 30), 4)
  assert.is(fresh.copies('192.0.2.2', 64 * KIB, 30), 5, 'another address has its own')
})

test('what is free grows back by 8 KiB a second', () => {
  const clock = createClock()
  const budget = createRelayBudget(clock)
  budget.copies(A, 64 * KIB, 30)
  clock.advance(7_999)
  assert.is(budget.copies(A, 64 * KIB, 30), 4)
  clock.advance(8_000)
  assert.is(budget.copies(A, 64 * KIB, 30), 5)
})

test('all strangers together have a quarter of the limit of uploads, which pays for them', () => {
  const clock = createClock()
  const uploads = createLimiter(clock, 4_000_000)
  const budget = createRelayBudget(clock, uploads)
  const left = Array.from({ length: 100 }, (_, i) => budget.copies(`192.0.2.${i}`, 10_000, 4) * 10_000)
  const sent = left.reduce((sum, bytes) => sum + bytes, 0)
  assert.is(sent, 1_000_000)
  assert.is(
    Math.round(uploads.wait()),
    250 - 200,
    'a quarter of a second of the line, less what may be made up for',
  )
})

test.run()
