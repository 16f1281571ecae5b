import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createRateMeter } from '../../../src/fetch/sources/rate-meter.ts'
import { createClock } from '../../clock.ts'

function meter() {
  const clock = createClock()
  return { clock, meter: createRateMeter(clock) }
}

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < expected * 0.02, `${actual} is not about ${expected}`)

test('unknown until 20 ms of work have passed', () => {
  const { clock, meter: m } = meter()
  m.started()
  clock.advance(19)
  m.received(1_000_000)
  assert.is(m.rate(), 0)
  clock.advance(1)
  assert.ok(m.rate() > 0)
})

test('a steady source is measured as it is', () => {
  const { clock, meter: m } = meter()
  m.started()
  for (let i = 0; i < 100; i++) {
    clock.advance(50)
    m.received(50_000)
  }
  near(m.rate(), 1_000_000)
})

test('rest does not count as slowness', () => {
  const { clock, meter: m } = meter()
  m.started()
  clock.advance(100)
  m.received(100_000)
  m.idle()
  clock.advance(60_000)
  near(m.rate(), 1_000_000)
  m.started()
  clock.advance(100)
  m.received(100_000)
  near(m.rate(), 1_000_000)
})

test('silence while at work does', () => {
  const { clock, meter: m } = meter()
  m.started()
  clock.advance(100)
  m.received(100_000)
  clock.advance(900)
  near(m.rate(), 100_000)
})

test('what was long ago counts less: a source that slows down is known for it soon', () => {
  const { clock, meter: m } = meter()
  m.started()
  for (let i = 0; i < 100; i++) {
    clock.advance(50)
    m.received(500_000)
  }
  for (let i = 0; i < 100; i++) {
    clock.advance(50)
    m.received(5_000)
  }
  assert.ok(m.rate() < 1_500_000, `still ${m.rate()}`)
})

test('to be asked twice is to be asked once', () => {
  const { clock, meter: m } = meter()
  m.started()
  clock.advance(50)
  m.started()
  clock.advance(50)
  m.received(100_000)
  near(m.rate(), 1_000_000)
})

test.run()
