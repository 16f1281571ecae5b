import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLimiter } from '../../src/base/limiter.ts'
import { createClock } from '../clock.ts'

test('who has sent waits until it is paid for; 200 ms that were not used may be made up for', () => {
  const clock = createClock()
  const limiter = createLimiter(clock, 1_000)
  assert.is(limiter.wait(), 0)
  limiter.charge(200)
  assert.is(limiter.wait(), 0)
  limiter.charge(1_000)
  assert.is(limiter.wait(), 1_000)
  clock.advance(600)
  assert.is(limiter.wait(), 400)
  clock.advance(60_000)
  limiter.charge(201)
  assert.is(limiter.wait(), 1)
})

test('without a limit nobody waits', () => {
  const limiter = createLimiter(createClock(), undefined)
  limiter.charge(Number.MAX_SAFE_INTEGER)
  assert.is(limiter.wait(), 0)
})

test('a limit that is set anew holds from then on', () => {
  const clock = createClock()
  const limiter = createLimiter(clock, undefined)
  limiter.set(1_000)
  limiter.charge(1_200)
  assert.is(limiter.wait(), 1_000)
  limiter.set(1_000)
  assert.is(limiter.wait(), 1_000, 'the same is no change')
  limiter.set(undefined)
  limiter.charge(1_000_000)
  assert.is(limiter.wait(), 0)
})

test.run()
