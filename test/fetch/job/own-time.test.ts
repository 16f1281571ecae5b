import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Clock } from '../../../src/base/clock.ts'
import { createOwnTime } from '../../../src/fetch/job/own-time.ts'
import { createClock } from '../../clock.ts'

const TICK = 100

/** A clock whose timers come only when `run` is called, as those of a process that has no turn. */
function createStalled() {
  const world = createClock(5_000)
  let due: (() => void)[] = []
  const clock: Clock = {
    now: world.now,
    after(ms, action) {
      let off = false
      const stop = world.after(ms, () => void due.push(() => void (off || action())))
      return () => {
        off = true
        stop()
      }
    },
  }
  return {
    clock,
    wait: world.advance,
    run() {
      const now = due
      due = []
      for (const action of now) action()
    },
  }
}

for (const [what, gaps, own] of [
  ['with ticks in time it is the clock’s', [100, 100, 100], 300],
  ['a tick that comes late is one tick all the same', [100, 4_000, 100], 300],
  ['ticks that all come late are that many ticks', [330, 110, 330], 300],
] as const)
  test(what, () => {
    const { clock, wait, run } = createStalled()
    const time = createOwnTime(clock, TICK)
    time.begin(() => {})
    for (const gap of gaps) {
      wait(gap)
      run()
      wait(0)
      run()
    }
    assert.is(time.now() - 5_000, own)
  })

test('between two ticks it goes on, for one tick', () => {
  const clock = createClock()
  const time = createOwnTime(clock, TICK)
  clock.advance(60)
  assert.is(time.now(), 60)
  clock.advance(1_000)
  assert.is(time.now(), TICK)
})

test('after a long wait what lies in the sockets is read before anybody is looked at', () => {
  const { clock, wait, run } = createStalled()
  const seen: string[] = []
  createOwnTime(clock, TICK).begin(() => void seen.push('look'))
  wait(2_000)
  run()
  seen.push('sockets')
  wait(0)
  run()
  assert.equal(seen, ['look', 'sockets', 'look'])
})

test('it begins anew when it is told to, and stops', () => {
  const clock = createClock()
  const time = createOwnTime(clock, TICK)
  let looks = 0
  time.begin(() => void looks++)
  clock.advance(50)
  time.begin(() => void looks++)
  clock.advance(TICK)
  assert.is(looks, 3)
  time.stop()
  clock.advance(1_000)
  assert.is(looks, 3)
  assert.not.ok(clock.step())
})

test.run()
