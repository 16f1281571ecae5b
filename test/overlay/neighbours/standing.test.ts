import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { freshStays, whoMakesRoom } from '../../../src/overlay/neighbours/standing.ts'

test('of two crossing connections, both ends keep the one that the lower id dialled', () => {
  const session = (id: string, outbound: boolean, since: number, tag: string) => ({
    id,
    outbound,
    since,
    tag,
  })
  for (const [a, b] of [
    ['1', '2'],
    ['2', '1'],
  ] as const) {
    // X was dialled by a, Y by b; a saw X first, b saw Y first.
    const atA = freshStays(a, session(b, true, 0, 'x'), session(b, false, 5, 'y')) ? 'Y' : 'X'
    const atB = freshStays(b, session(a, true, 0, 'y'), session(a, false, 5, 'x')) ? 'X' : 'Y'
    assert.is(atA, atB)
    assert.is(atA, a < b ? 'X' : 'Y')
  }
  assert.ok(freshStays('1', session('2', true, 0, 'a'), session('2', false, 10_001, 'b')), 'a new start')
  assert.not.ok(freshStays('1', session('2', true, 0, 'a'), session('2', false, 10_000, 'b')))
  assert.ok(freshStays('1', session('2', true, 0, 'b'), session('2', true, 5, 'a')))
  assert.not.ok(freshStays('1', session('2', true, 0, 'a'), session('2', true, 5, 'b')))
})

test('who has been idle longest makes room; the direct and the busy stay', () => {
  const now = 3_600_000
  const one = (id: string, usefulAt: number, direct = false) => ({
    id,
    block: id,
    direct,
    since: 0,
    usefulAt,
  })
  assert.is(whoMakesRoom([one('a', 2), one('b', 1), one('c', 0, true)], 'n', now), 'b')
  assert.is(whoMakesRoom([one('a', now - 600_000), one('c', 0, true)], 'n', now), undefined)
  assert.is(whoMakesRoom([one('a', now - 600_001)], 'n', now), 'a')
})

test('where all are busy the address with clearly more places than the newcomer gives up its youngest', () => {
  const now = 3_600_000
  const one = (id: string, block: string, since = 0) => ({ id, block, direct: false, since, usefulAt: now })
  const three = [one('a', 'x'), one('b', 'x', 5), one('c', 'y', 9)]
  assert.is(whoMakesRoom(three, 'z', now), 'b')
  assert.is(whoMakesRoom(three, 'x', now), undefined)
  assert.is(whoMakesRoom(three, 'y', now), undefined, 'else the two would take it from each other')
  assert.is(whoMakesRoom([one('a', 'x'), one('c', 'y')], 'z', now), undefined)
})

test.run()
