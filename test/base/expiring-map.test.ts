import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createExpiringMap } from '../../src/base/expiring-map.ts'
import { createClock } from '../clock.ts'

test('an expiring memory forgets in time, and the oldest when it is full', () => {
  const clock = createClock()
  const map = createExpiringMap<string, number>(clock, { ttl: 100, limit: 2 })
  map.set('a', 1)
  clock.advance(50)
  map.set('b', 2)
  assert.is(map.get('a'), 1)
  clock.advance(50)
  assert.is(map.get('a'), undefined)
  map.set('c', 3)
  map.set('d', 4)
  assert.is(map.size, 2)
  assert.is(map.get('b'), undefined)
  map.set('e', 5, 10)
  clock.advance(10)
  assert.is(map.get('e'), undefined)
})

test.run()
