import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createClock } from '../clock.ts'

test('what falls due runs in order of time, and of asking at the same time', () => {
  const clock = createClock()
  const seen: string[] = []
  clock.after(20, () => seen.push('c'))
  clock.after(10, () => seen.push('a'))
  clock.after(10, () => seen.push('b'))
  clock.advance(19)
  assert.equal(seen, ['a', 'b'])
  clock.advance(1)
  assert.equal(seen, ['a', 'b', 'c'])
  assert.is(clock.now(), 20)
})

test('what was called off does not run, and calling it off later is harmless', () => {
  const clock = createClock()
  let runs = 0
  const cancel = clock.after(5, () => runs++)
  const late = clock.after(5, () => runs++)
  cancel()
  clock.advance(10)
  late()
  assert.is(runs, 1)
  assert.not(clock.step())
})

test('an action may arrange the next one within the same advance', () => {
  const clock = createClock()
  let ticks = 0
  const tick = () => {
    ticks++
    clock.after(10, tick)
  }
  clock.after(10, tick)
  clock.advance(100)
  assert.is(ticks, 10)
})

test.run()
