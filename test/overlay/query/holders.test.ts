import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createHolders, type Holder } from '../../../src/overlay/query/holders.ts'
import { createClock } from '../../clock.ts'
import { held } from '../network.ts'

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

test('who floods a full memory gives way itself', () => {
  const holders = createHolders(createClock(), { inAll: 6 })
  const who = (name: string) => holders.find(held(name).sha256).map(({ id }) => id)
  for (const id of ['a', 'b', 'c']) holders.add(holder(id, '1'))
  for (const name of ['2', '3', '4', '5', '6', '7']) holders.add(holder('flood', name))
  assert.equal(who('1'), ['a', 'b', 'c'], 'the others have kept theirs')
  assert.equal(['2', '3', '4', '5', '6', '7'].map(who), [[], [], [], ['flood'], ['flood'], ['flood']])
})

test('each is kept as it said it', () => {
  const holders = createHolders(createClock())
  const a: Holder = { ...holder('a', '1'), address: '192.0.2.1:8048', companion: true }
  const way = { query: '0'.repeat(32), path: [{ id: 'c' }] }
  const b: Holder = { ...holder('b', '1'), file: { ...held('1'), root: 'f'.repeat(64), whole: false }, way }
  holders.add(a)
  assert.equal(holders.find(held('1').sha256), [a])
  holders.add(b)
  assert.equal(holders.find(held('1').sha256), [a, b])
  holders.removeFetching('a')
  holders.removeFetching('b')
  assert.equal(holders.find(held('1').sha256), [a])
})

test.run()
