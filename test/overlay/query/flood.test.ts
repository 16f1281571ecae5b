import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decideFlood, ringsUpTo } from '../../../src/overlay/query/flood.ts'

const hops = (ids: string) => [...ids].map((id) => ({ id }))

for (const [what, path, ttl, seen, decision] of [
  ['new', 'ab', 2, undefined, { answer: true, forward: 'now' }],
  ['new, at its last hop', 'ab', 1, undefined, { answer: true, forward: 'no' }],
  ['seen', 'ab', 2, 2, 'drop'],
  ['seen with a lower TTL', 'ab', 3, 2, { answer: false, forward: 'later' }],
  ['with this node on its way', 'asb', 3, undefined, 'drop'],
  ['that lists a node twice', 'aba', 3, undefined, 'drop'],
  ['without asker', '', 3, undefined, 'drop'],
  ['with TTL 0', 'ab', 0, undefined, 'drop'],
  ['with 15 hops', 'abcdefghijklmno', 3, undefined, { answer: true, forward: 'now' }],
  ['with 16 hops', 'abcdefghijklmnop', 3, undefined, { answer: true, forward: 'no' }],
  ['with 17 hops', 'abcdefghijklmnopq', 3, undefined, 'drop'],
] as const) {
  test(`a query ${what}`, () => {
    assert.equal(decideFlood('s', { path: hops(path), ttl }, seen), decision)
  })
}

test('rings widen up to the TTL, the last 500 ms after the first', () => {
  const ttls = (ttl: number) => ringsUpTo(ttl).map((ring) => ring.ttl)
  assert.equal(ttls(7), [1, 2, 4, 7])
  assert.equal(ttls(4), [1, 2, 4])
  assert.equal(ttls(3), [1, 2, 3])
  assert.equal(ttls(1), [1])
  assert.is(ringsUpTo(7).at(-1)?.at, 500)
})

test.run()
