import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createDialBacks } from '../../../src/discovery/webhost/webhost-dialback.ts'
import { createClock } from '../../clock.ts'

const BOUNDS = { atOnce: 2, waiting: 2, perBlock: 3, window: 1000, blocks: 10, timeout: 100 }

function setUp(bounds: Partial<typeof BOUNDS> = {}) {
  const clock = createClock()
  const under: { endpoint: string; answer: (reachable: boolean) => void; fail: (why: Error) => void }[] = []
  const results: [string, boolean][] = []
  const dialBack = (endpoint: string) =>
    new Promise<boolean>((answer, fail) => under.push({ endpoint, answer, fail }))
  const dials = createDialBacks({ clock, dialBack }, { ...BOUNDS, ...bounds })
  return {
    clock,
    under,
    results,
    dial: (endpoint: string) => dials.dial(endpoint, (reachable) => results.push([endpoint, reachable])),
  }
}

/** Lets promises that are settled tell so. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

test('no port below 1024 is dialled', () => {
  const { dial, under } = setUp()
  for (const port of [0, 25, 1023]) assert.not(dial(`192.0.2.1:${port}`))
  assert.ok(dial('192.0.2.1:1024'))
  assert.equal(
    under.map(({ endpoint }) => endpoint),
    ['192.0.2.1:1024'],
  )
})

test('few at a time, few waiting, and the next starts as one ends', async () => {
  const { dial, under, results } = setUp()
  for (const host of [1, 2, 3, 4]) assert.ok(dial(`192.0.2.${host}:8048`))
  assert.not(dial('192.0.2.5:8048'))
  assert.is(under.length, 2)
  under[0]!.answer(true)
  under[1]!.fail(new Error('refused'))
  await settled()
  assert.equal(results, [
    ['192.0.2.1:8048', true],
    ['192.0.2.2:8048', false],
  ])
  assert.is(under.length, 4)
  assert.ok(dial('192.0.2.5:8048'))
})

test('a dial that hangs is over at its timeout, and what it says later is not heard', async () => {
  const { clock, dial, under, results } = setUp({ atOnce: 1 })
  dial('192.0.2.1:8048')
  dial('192.0.2.2:8048')
  clock.advance(99)
  assert.equal(results, [])
  clock.advance(1)
  assert.equal(results, [['192.0.2.1:8048', false]])
  assert.is(under.length, 2)
  under[0]!.answer(true)
  await settled()
  assert.is(results.length, 1)
})

test('one address or /64 is dialled so often in a window', () => {
  const { clock, dial } = setUp({ atOnce: 100 })
  for (const port of [2001, 2002, 2003]) assert.ok(dial(`[2001:db8::1]:${port}`))
  assert.not(dial('[2001:db8::2]:2004'))
  assert.ok(dial('[2001:db8:0:1::2]:2004'))
  clock.advance(999)
  assert.not(dial('[2001:db8::1]:2001'))
  clock.advance(1)
  assert.ok(dial('[2001:db8::1]:2001'))
})

test('so many addresses are remembered, and no other is dialled while the memory is full', () => {
  const { clock, dial } = setUp({ atOnce: 100, blocks: 2 })
  assert.ok(dial('192.0.2.1:8048'))
  assert.ok(dial('192.0.2.2:8048'))
  assert.not(dial('192.0.2.3:8048'))
  assert.ok(dial('192.0.2.2:8048'))
  clock.advance(1000)
  assert.ok(dial('192.0.2.3:8048'))
})

test.run()
