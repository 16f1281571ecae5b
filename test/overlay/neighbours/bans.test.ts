import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createBans } from '../../../src/overlay/neighbours/bans.ts'
import { createClock } from '../../clock.ts'

test('a ban holds for the id and, in the world, for the address; an IPv6 /64 is one; it ends', () => {
  const clock = createClock()
  const bans = createBans(clock)
  bans.add({ id: 'a', address: '[2001:4860::1]:8048' })
  assert.ok(bans.has({ id: 'a' }))
  assert.ok(bans.has({ id: 'b', address: '[2001:4860::ffff]:1' }))
  assert.not.ok(bans.has({ id: 'b', address: '[2001:4860:0:1::1]:1' }))
  bans.add({ id: 'c', address: '192.168.1.1:8048' })
  assert.not.ok(bans.has({ address: '192.168.1.1:8048' }), 'one bad disk does not shut out a house')
  assert.is(bans.count, 2)
  clock.advance(3_599_999)
  assert.ok(bans.has({ id: 'a' }))
  clock.advance(1)
  assert.not.ok(bans.has({ id: 'a' }))
})

test.run()
