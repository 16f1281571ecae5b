import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { systemRandom } from '../../../src/base/random.ts'
import { createRegistry } from '../../../src/discovery/webhost/webhost-registry.ts'

const EXPIRY = 1000
let ids = 0
const node = (endpoint: string, peerId = (ids++).toString(16).padStart(40, '0')) => ({ endpoint, peerId })
const registry = (bounds = {}) =>
  createRegistry({ random: systemRandom }, { capacity: 100, perBlock: 3, expiry: EXPIRY, ...bounds })
const told = (of: ReturnType<typeof registry>, asker = node('8.8.8.8:1'), now = 0) =>
  of.choose(asker, 50, now).map(({ endpoint }) => endpoint)

test('as many nodes as capacity, and not one more', () => {
  const all = registry({ capacity: 2 })
  assert.ok(all.hear(node('192.0.2.1:1'), 0))
  assert.ok(all.hear(node('192.0.2.2:1'), 0))
  assert.not(all.hear(node('192.0.2.3:1'), 0))
  assert.ok(all.hear(node('192.0.2.2:1'), 0), 'one already in')
  all.forget('192.0.2.1:1')
  assert.ok(all.hear(node('192.0.2.3:1'), 0))
  assert.is(all.size, 2)
})

test('an IPv4 address and an IPv6 /64 have room for so many nodes', () => {
  for (const [at, same, elsewhere] of [
    ['192.0.2.1', '192.0.2.1', '192.0.2.2'],
    ['[2001:db8::1]', '[2001:db8::ffff:2]', '[2001:db8:0:1::1]'],
  ]) {
    const all = registry()
    for (const port of [1, 2, 3]) assert.ok(all.hear(node(`${at}:${port}`), 0))
    assert.not(all.hear(node(`${same}:4`), 0))
    assert.ok(all.hear(node(`${elsewhere}:4`), 0))
    all.forget(`${at}:1`)
    all.forget(`${at}:1`)
    assert.ok(all.hear(node(`${same}:4`), 0))
    assert.not(all.hear(node(`${same}:5`), 0), 'forgetting twice makes room once')
  }
})

test('a node stays until it has not been heard from for the expiry', () => {
  const all = registry()
  all.hear(node('192.0.2.1:1'), 0)
  all.hear(node('192.0.2.2:1'), 500)
  all.hear(node('192.0.2.1:1'), 600)
  assert.equal(told(all, undefined, 500 + EXPIRY).sort(), ['192.0.2.1:1', '192.0.2.2:1'])
  assert.equal(told(all, undefined, 501 + EXPIRY), ['192.0.2.1:1'])
  assert.equal(told(all, undefined, 601 + EXPIRY), [])
  assert.is(all.size, 0)
})

test('room comes free when nodes expire', () => {
  const all = registry({ capacity: 1 })
  all.hear(node('192.0.2.1:1'), 0)
  assert.not(all.hear(node('192.0.2.2:1'), EXPIRY))
  assert.ok(all.hear(node('192.0.2.2:1'), EXPIRY + 1))
})

test('an asker is never told of itself, by address or by peer id', () => {
  const all = registry()
  const asker = node('192.0.2.1:1')
  all.hear(asker, 0)
  all.hear(node('[2001:db8::1]:1', asker.peerId), 0)
  all.hear(node('192.0.2.2:1'), 0)
  assert.equal(told(all, asker), ['192.0.2.2:1'])
  assert.equal(told(all, node('192.0.2.1:1')).includes('192.0.2.1:1'), false)
})

test('nobody is told of addresses narrower than its own', () => {
  const all = registry()
  for (const at of ['127.0.0.1:1', '10.0.0.1:1', '8.8.4.4:1']) all.hear(node(at), 0)
  assert.equal(told(all, node('8.8.8.8:1')), ['8.8.4.4:1'])
  assert.equal(told(all, node('10.0.0.2:1')).sort(), ['10.0.0.1:1', '8.8.4.4:1'])
  assert.is(told(all, node('127.0.0.2:1')).length, 3)
})

test('as many as wanted, by chance, each once', () => {
  const all = registry()
  const everyone = Array.from({ length: 20 }, (_, i) => `192.0.2.${i}:1`)
  for (const at of everyone) all.hear(node(at), 0)
  const seen = new Set<string>()
  for (let round = 0; round < 200; round++) {
    const chosen = all.choose(node('8.8.8.8:1'), 5, 0)
    assert.is(new Set(chosen.map(({ endpoint }) => endpoint)).size, 5)
    for (const { endpoint } of chosen) seen.add(endpoint)
  }
  assert.is(seen.size, 20)
  assert.is(all.choose(node('8.8.8.8:1'), 21, 0).length, 20)
  assert.equal(all.choose(node('8.8.8.8:1'), 0, 0), [])
})

test.run()
