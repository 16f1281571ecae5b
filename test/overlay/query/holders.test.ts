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

test.run()
