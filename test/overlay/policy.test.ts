import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createAccess } from '../../src/base/access-list.ts'
import { cidrList } from '../../src/base/config-values.ts'
import { createExpiringMap } from '../../src/base/expiring-map.ts'
import { createBucket } from '../../src/base/token-bucket.ts'
import { createBans } from '../../src/overlay/neighbours/bans.ts'
import { createBook } from '../../src/overlay/neighbours/book.ts'
import { freshStays, whoMakesRoom } from '../../src/overlay/neighbours/standing.ts'
import { decideFlood, ringsUpTo } from '../../src/overlay/query/flood.ts'
import { createHolders, type Holder } from '../../src/overlay/query/holders.ts'
import { routeBack } from '../../src/overlay/query/routes.ts'
import { createClock } from '../clock.ts'
import { seeded } from '../seeded.ts'
import { held } from './network.ts'

const hops = (ids: string) => [...ids].map((id) => ({ id }))
const known = (ids: string) => (id: string) => ids.includes(id)

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

for (const [what, path, neighbours, route] of [
  ['comes home', 's', 'x', { kind: 'arrived' }],
  ['is home wherever its asker stands', 'sab', 'x', { kind: 'arrived' }],
  ['goes to the last before this node', 'abs', 'ab', { kind: 'next', to: 'b', path: hops('ab') }],
  ['goes around a lost hop by an earlier one', 'abs', 'a', { kind: 'next', to: 'a', path: hops('a') }],
  ['strays from its way', 'abs', 'xy', { kind: 'stray', onPath: true, path: hops('ab') }],
  ['is picked up half-way', 'asbc', 'ax', { kind: 'next', to: 'a', path: hops('a') }],
  ['is picked up beside its way, nearest to home', 'abc', 'cb', { kind: 'next', to: 'b', path: hops('ab') }],
  ['strays on', 'abc', 'xy', { kind: 'stray', onPath: false, path: hops('abc') }],
] as const) {
  test(`an answer ${what}`, () => assert.equal(routeBack('s', hops(path), known(neighbours)), route))
}

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

test('deny goes before allow, and without allow all are welcome', () => {
  const all = createAccess({ allow: [], deny: cidrList('10.0.0.0/8 2001:db8::/32') })
  assert.ok(all('192.0.2.1:1'))
  assert.not.ok(all('10.1.2.3:1'))
  assert.not.ok(all('[2001:db8::1]:1'))
  const some = createAccess({ allow: cidrList('192.168.0.0/16 fe80::/10'), deny: cidrList('192.168.1.1') })
  assert.ok(some('192.168.1.2:1'))
  assert.not.ok(some('192.168.1.1:1'))
  assert.ok(some('[fe80::1%eth0]:1'))
  assert.not.ok(some('192.0.2.1:1'))
})

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

const holder = (id: string, name: string): Holder => ({
  id,
  reachable: true,
  file: held(name),
  via: 'announced',
})

test('the memory of holders is bounded for each node and in all, and forgets', () => {
  const clock = createClock()
  const holders = createHolders(clock, { ttl: 1_000, perNode: 2, inAll: 3 })
  const who = (name: string) => holders.find(held(name).sha256).map(({ id }) => id)
  for (const name of ['1', '2', '3']) holders.add(holder('a', name))
  assert.equal([who('1'), who('2'), who('3')], [[], ['a'], ['a']])
  holders.add(holder('b', '2'))
  holders.add(holder('c', '2'))
  assert.is(holders.size, 3)
  assert.equal(who('2'), ['b', 'c'], 'the oldest of who was silent longest went')
  holders.remove('b', held('2').sha256)
  assert.equal(who('2'), ['c'])
  holders.removeNode('a')
  assert.equal(who('3'), [])
  clock.advance(1_000)
  assert.equal(who('2'), [])
  assert.is(holders.size, 0)
})

test('addresses are bounded, have no low port, and failed ones wait or go', () => {
  const clock = createClock()
  const book = createBook({ clock, random: seeded(1) })
  const due = (kind: 'lan' | 'stranger' | 'lost') => book.due(kind, () => false)
  book.add('192.0.2.1:1023', 'stranger')
  book.add('224.0.0.1:8048', 'stranger')
  assert.is(book.size, 0)
  book.add('192.0.2.1:1024', 'stranger')
  book.failed('192.0.2.1:1024')
  assert.equal(due('stranger'), [])
  clock.advance(45_001)
  assert.equal(due('stranger'), ['192.0.2.1:1024'])
  for (let i = 0; i < 4; i++) book.failed('192.0.2.1:1024')
  assert.is(book.size, 0)
  book.add('192.168.0.1:8048', 'lan')
  for (let i = 0; i < 1_100; i++) book.add(`198.51.${i >> 8}.${i & 255}:8048`, 'stranger')
  assert.is(book.size, 1_000)
  assert.equal(due('lan'), ['192.168.0.1:8048'])
})

test('of a node of the LAN one address is dialled, not the link-local one where there is another', () => {
  const book = createBook({ clock: createClock(), random: seeded(1) })
  const due = (ids: string) => book.due('lan', known(ids))
  book.add('[fe80::1%eth0]:8048', 'lan', 'a')
  assert.equal(due(''), ['[fe80::1%eth0]:8048'])
  book.add('192.168.0.1:8048', 'lan', 'a')
  book.add('192.168.0.2:8048', 'lan', 'b')
  assert.equal(due('').sort(), ['192.168.0.1:8048', '192.168.0.2:8048'])
  assert.equal(due('a'), ['192.168.0.2:8048'], 'it is connected')
  book.failed('192.168.0.1:8048')
  assert.equal(due('b'), ['[fe80::1%eth0]:8048'], 'the other address has its turn')
  assert.equal([...book.near()].sort(), ['a', 'b'])
})

test('a neighbour lost without a word is looked for about every 40 s', () => {
  const clock = createClock()
  const book = createBook({ clock, random: seeded(1) })
  book.add('192.0.2.1:8048', 'stranger')
  book.worked('192.0.2.1:8048', 'a')
  assert.equal(book.due('stranger', known('a')), [], 'it is connected')
  book.lost('192.0.2.1:8048')
  for (let i = 0; i < 10; i++) {
    clock.advance(60_001)
    assert.equal(
      book.due('lost', () => false),
      ['192.0.2.1:8048'],
    )
    book.failed('192.0.2.1:8048')
  }
})

test.run()
