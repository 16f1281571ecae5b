import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  createTallies,
  MOST_FILES,
  MOST_NAMES,
  MOST_NODES,
  MOST_TRANSACTIONS,
  MOST_TROUBLES,
} from '../../src/figures/tallies.ts'
import { createClock } from '../clock.ts'

function start() {
  const clock = createClock()
  const tallies = createTallies(clock)
  const arrive = (name: string, began = clock.now()) =>
    tallies.arrived({ name, fromSite: 1, fromWorld: 2, fromMirror: 3, began })
  return { clock, tallies, arrive }
}

test('who gave and who took, and of which file', () => {
  const { tallies } = start()
  tallies.took('a', 5)
  tallies.gave('a', 7, 'file')
  tallies.gave('b', 1, 'file')
  assert.equal(tallies.trafficWith('a'), { gave: 5, took: 7 })
  assert.equal(tallies.trafficWith('b'), { gave: 0, took: 1 })
  assert.equal(tallies.trafficWith('nobody'), { gave: 0, took: 0 })
  assert.equal([...tallies.given()], [['file', 8]])
})

test('one node more than are remembered pushes out the one heard of longest ago', () => {
  const { tallies } = start()
  for (let n = 0; n < MOST_NODES; n++) tallies.took(`${n}`, 1)
  tallies.took('0', 1)
  assert.is(tallies.trafficWith('1').gave, 1)
  tallies.took('one more', 1)
  assert.is(tallies.trafficWith('1').gave, 0)
  assert.is(tallies.trafficWith('0').gave, 2)
})

test('one file more likewise', () => {
  const { tallies } = start()
  for (let n = 0; n <= MOST_FILES; n++) tallies.gave('a', 1, `${n}`)
  assert.is(tallies.given().size, MOST_FILES)
  assert.not.ok(tallies.given().has('0'))
})

test('what comes in a row is one transaction, also while a large one takes its time', () => {
  const { clock, tallies, arrive } = start()
  clock.advance(1_000)
  arrive('small', 900)
  const large = clock.now()
  clock.advance(600_000)
  arrive('large', large)
  clock.advance(10_000)
  arrive('at ten seconds')
  const [only, none] = tallies.transactions()
  assert.is(none, undefined)
  assert.equal(only, {
    began: 900,
    ended: 611_000,
    packages: 3,
    names: ['small', 'large', 'at ten seconds'],
    fromSite: 3,
    fromWorld: 6,
    fromMirror: 9,
  })
  clock.advance(10_001)
  arrive('after them')
  assert.is(tallies.transactions().length, 2)
  assert.equal(tallies.transactions()[0]!.names, ['after them'])
})

test('so many transactions and names of each are kept', () => {
  const { clock, tallies, arrive } = start()
  for (let n = 0; n <= MOST_TRANSACTIONS; n++) {
    for (let file = 0; file <= MOST_NAMES; file++) arrive(`${n} ${file}`)
    clock.advance(60_000)
  }
  const all = tallies.transactions()
  assert.is(all.length, MOST_TRANSACTIONS)
  assert.is(all[0]!.names[0], `${MOST_TRANSACTIONS} 0`)
  assert.is(all[0]!.names.length, MOST_NAMES)
  assert.is(all[0]!.packages, MOST_NAMES + 1)
})

test('troubles: the newest first, so many, and none longer than a few lines', () => {
  const { clock, tallies } = start()
  for (let n = 0; n <= MOST_TROUBLES; n++) {
    tallies.trouble('banned', `reason ${n}`, 'who')
    clock.advance(1)
  }
  const all = tallies.troubles()
  assert.is(all.length, MOST_TROUBLES)
  assert.equal(all[0], { kind: 'banned', at: MOST_TROUBLES, reason: `reason ${MOST_TROUBLES}`, who: 'who' })
  tallies.trouble('rejected', 'x'.repeat(10_000))
  assert.ok(tallies.troubles()[0]!.reason.length < 1_000)
})

test.run()
