import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createBucket } from '../../src/base/token-bucket.ts'
import { createClock } from '../clock.ts'

test('a bucket gives its burst, then its rate', () => {
  const clock = createClock()
  const bucket = createBucket(clock, { perSecond: 2, burst: 3 })
  const taken = () => [1, 2, 3, 4].filter(() => bucket.take()).length
  assert.is(taken(), 3)
  clock.advance(499)
  assert.is(taken(), 0)
  clock.advance(1)
  assert.is(taken(), 1)
  clock.advance(60_000)
  assert.is(taken(), 3)
})

test.run()
