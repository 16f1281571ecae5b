import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { addressBlock, isOfUse, placeBlock, reachOf } from '../../src/base/address.ts'

test('how far an address reaches', () => {
  const cases: [string, ReturnType<typeof reachOf>][] = [
    ['127.0.0.9:1', 'host'],
    ['[::1]:1', 'host'],
    ['169.254.1.1:1', 'link'],
    ['[fe80::1%eth0]:1', 'link'],
    ['10.0.0.1:1', 'site'],
    ['100.64.0.1:1', 'site'],
    ['[fd00::1]:1', 'site'],
    ['203.0.113.1:1', 'world'],
    ['[2001:db8::1]:1', 'world'],
    ['0.0.0.0:1', undefined],
    ['[::]:1', undefined],
    ['224.0.0.1:1', undefined],
    ['255.255.255.255:1', undefined],
    ['[ff02::1]:1', undefined],
  ]
  for (const [endpoint, reach] of cases) assert.is(reachOf(endpoint), reach, endpoint)
})

test('nobody is told of an address that reaches less far than its own', () => {
  const order = ['host', 'link', 'site', 'world'] as const
  order.forEach((other, far) => {
    order.forEach((from, own) => {
      assert.is(isOfUse(other, from), far >= own, `${other} for ${from}`)
    })
  })
  assert.not(isOfUse(undefined, 'host'))
  assert.not(isOfUse('world', undefined))
})

test('an IPv6 /64 counts as one, an IPv4 address for itself', () => {
  assert.is(addressBlock('192.0.2.1:1'), addressBlock('192.0.2.1:2'))
  assert.is.not(addressBlock('192.0.2.1:1'), addressBlock('192.0.2.2:1'))
  assert.is(addressBlock('[2001:db8::1]:1'), addressBlock('[2001:db8::ffff:0:1]:1'))
  assert.is.not(addressBlock('[2001:db8::1]:1'), addressBlock('[2001:db8:0:1::1]:1'))
  assert.is(addressBlock('[::ffff:192.0.2.1]:1'), addressBlock('192.0.2.1:1'))
})

test('for places a machine near by counts for itself by IPv6 too', () => {
  assert.is.not(placeBlock('[fd00::1]:1'), placeBlock('[fd00::2]:1'))
  assert.is(placeBlock('[fe80::1%eth0]:1'), placeBlock('[fe80::1%eth0]:2'))
  assert.is(placeBlock('[2001:db8::1]:1'), placeBlock('[2001:db8::2]:1'))
  assert.is(placeBlock('10.0.0.1:1'), '10.0.0.1')
})

test.run()
