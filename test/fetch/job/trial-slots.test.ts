import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createTrialSlots, MOST, TRIAL_MS } from '../../../src/fetch/job/trial-slots.ts'
import type { Holder } from '../../../src/overlay/query/holders.ts'
import { createClock } from '../../clock.ts'

function setUp() {
  const clock = createClock()
  const tried: string[] = []
  const sound = new Set<string>()
  const late: string[] = []
  const slots = createTrialSlots(clock, {
    try: ({ id }) => void tried.push(id),
    isSound: ({ id }) => sound.has(id),
    onLate: ({ id }) => void late.push(id),
  })
  const offer = (id: string, host: string) => slots.offer({ id, address: `${host}:8048` } as Holder)
  return { clock, tried, sound, late, slots, offer }
}

test('who waits is tried when somebody has had its time; who gives keeps its slot', () => {
  const { clock, tried, sound, late, offer } = setUp()
  for (let n = 0; n < 2 * MOST; n++) offer(`${n}`, `192.0.2.${n}`)
  assert.is(tried.length, MOST)
  sound.add('3')
  clock.advance(TRIAL_MS)
  assert.is(tried.length, 2 * MOST - 1)
  assert.equal([late.length, late.includes('3')], [MOST - 1, false])
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

test('of whom little is hoped is tried after all the others, beside them where there is room', () => {
  const { clock, tried, slots } = setUp()
  const offer = (id: string, last: boolean) =>
    slots.offer({ id, address: `192.0.2.${tried.length + slots.size}:8048` } as Holder, last)
  offer('silent', true)
  assert.equal([tried, slots.size], [['silent'], 0])
  for (let n = 1; n < MOST; n++) offer(`${n}`, false)
  offer('other silent', true)
  offer('late comer', false)
  assert.is(tried.length, MOST)
  clock.advance(TRIAL_MS)
  assert.equal(tried.slice(MOST), ['late comer', 'other silent'])
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
