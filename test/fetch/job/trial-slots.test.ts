import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createTrialSlots, MOST, TRIAL_MS } from '../../../src/fetch/job/trial-slots.ts'
import type { Holder } from '../../../src/overlay/query/holders.ts'
import { createClock } from '../../clock.ts'

function setUp() {
  const clock = createClock()
  const tried: string[] = []
  const sound = new Set<string>()
  const slots = createTrialSlots(clock, {
    try: ({ id }) => void tried.push(id),
    isSound: ({ id }) => sound.has(id),
  })
  const offer = (id: string, host: string) => slots.offer({ id, address: `${host}:8048` } as Holder)
  return { clock, tried, sound, slots, offer }
}

test('who waits is tried when somebody has had its time; who gives keeps its slot', () => {
  const { clock, tried, sound, offer } = setUp()
  for (let n = 0; n < 2 * MOST; n++) offer(`${n}`, `192.0.2.${n}`)
  assert.is(tried.length, MOST)
  sound.add('3')
  clock.advance(TRIAL_MS)
  assert.is(tried.length, 2 * MOST - 1)
  sound.delete('3')
  clock.advance(TRIAL_MS)
  assert.is(tried.length, 2 * MOST)
})

test('who is of no use makes room at once', () => {
  const { tried, slots, offer } = setUp()
  for (let n = 0; n <= MOST; n++) offer(`${n}`, `192.0.2.${n}`)
  slots.release({ id: '0' } as Holder)
  assert.is(tried.length, MOST + 1)
})

test('of one address eight are tried at once, and 32 in all; an IPv6 /64 is one', () => {
  for (const host of [() => '192.0.2.1', (n: number) => `[2001:db8::${n.toString(16)}]`]) {
    const { clock, tried, offer } = setUp()
    for (let n = 0; n < 100; n++) offer(`${n}`, host(n))
    assert.is(tried.length, 8)
    offer('another', '198.51.100.1')
    assert.is(tried.at(-1), 'another')
    clock.advance(60_000)
    assert.is(tried.length, 33)
  }
})

test('when the job is over no timer is left', () => {
  const { clock, slots, offer } = setUp()
  offer('a', '192.0.2.1')
  slots.clear()
  assert.not.ok(clock.step())
})

test.run()
