import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createHeartbeat, GONE_AFTER, PING_AFTER } from '../../../src/overlay/session/heartbeat.ts'
import { createClock } from '../../clock.ts'

function setting() {
  const clock = createClock()
  const seen = { pings: 0, gone: 0, bytes: 0 }
  const heartbeat = createHeartbeat(
    { clock, received: () => seen.bytes },
    { ping: () => void seen.pings++, gone: () => void seen.gone++ },
  )
  return { clock, seen, heartbeat }
}

test('silence brings a ping, further silence the end', () => {
  const { clock, seen } = setting()
  clock.advance(PING_AFTER - 1)
  assert.is(seen.pings, 0)
  clock.advance(1)
  assert.is(seen.pings, 1)
  clock.advance(GONE_AFTER - 1)
  assert.is(seen.gone, 0)
  clock.advance(1)
  assert.is(seen.gone, 1)
})

test('a message puts the ping off', () => {
  const { clock, seen, heartbeat } = setting()
  clock.advance(PING_AFTER - 1)
  heartbeat.heard()
  clock.advance(PING_AFTER - 1)
  assert.is(seen.pings, 0)
  clock.advance(1)
  assert.is(seen.pings, 1)
})

test('a part of a slow chunk is a sign of life', () => {
  const { clock, seen } = setting()
  clock.advance(PING_AFTER)
  seen.bytes = 1
  clock.advance(GONE_AFTER)
  assert.is(seen.gone, 0)
})

test('who has stopped listening hears nothing more', () => {
  const { clock, seen, heartbeat } = setting()
  heartbeat.stop()
  clock.advance(PING_AFTER + GONE_AFTER)
  assert.equal(seen, { pings: 0, gone: 0, bytes: 0 })
})

test.run()
