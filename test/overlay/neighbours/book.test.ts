import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createBook } from '../../../src/overlay/neighbours/book.ts'
import { createClock } from '../../clock.ts'
import { seeded } from '../../seeded.ts'

const known = (ids: string) => (id: string) => ids.includes(id)

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
