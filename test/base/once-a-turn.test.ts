import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createOnceATurn } from '../../src/base/once-a-turn.ts'
import { createClock } from '../clock.ts'

function setUp() {
  const clock = createClock()
  let runs = 0
  const turn = createOnceATurn(clock, () => void runs++)
  return { ...turn, runs: () => runs, next: () => clock.advance(0) }
}

test('what is called often in one turn is done once, and again in the next', () => {
  const { soon, runs, next } = setUp()
  soon()
  soon()
  assert.is(runs(), 0)
  next()
  assert.is(runs(), 1)
  soon()
  next()
  assert.is(runs(), 2)
})

test('what was stopped isn’t done any more', () => {
  const { soon, stop, runs, next } = setUp()
  soon()
  stop()
  next()
  soon()
  next()
  assert.is(runs(), 0)
})

test.run()
