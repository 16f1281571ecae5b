import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createArrivalRate } from '../../src/base/arrival-rate.ts'
import { createClock } from '../clock.ts'

test('what comes steadily has its rate soon, and keeps it', () => {
  const clock = createClock()
  const pace = createArrivalRate(clock)
  for (let tenth = 1; tenth <= 200; tenth++) {
    clock.advance(100)
    pace.came(100_000)
    if (tenth >= 10) assert.ok(Math.abs(pace.rate() - 1_000_000) < 60_000, `${tenth}: ${pace.rate()}`)
  }
})

test('what pauses gets slower, and ends', () => {
  const clock = createClock()
  const pace = createArrivalRate(clock)
  clock.advance(1_000)
  pace.came(1_000_000)
  const before = pace.rate()
  clock.advance(2_000)
  assert.ok(pace.rate() < before / 2)
  clock.advance(60_000)
  assert.is(pace.rate(), 0)
})

test('the first bytes are no burst', () => {
  const clock = createClock()
  const pace = createArrivalRate(clock)
  assert.is(pace.rate(), 0)
  pace.came(1_000)
  assert.is(pace.rate(), 4_000)
})

test.run()
