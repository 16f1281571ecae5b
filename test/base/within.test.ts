import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { within } from '../../src/base/within.ts'
import { createClock } from '../clock.ts'

const flush = () => new Promise((resolve) => setImmediate(resolve))

test('what comes in time is given, what comes later is not waited for', async () => {
  const clock = createClock()
  assert.is(await within(clock, 10, Promise.resolve('here')), 'here')
  let given: unknown = 'nothing yet'
  void within(clock, 10, new Promise(() => {})).then((value) => {
    given = value
  })
  clock.advance(9)
  await flush()
  assert.is(given, 'nothing yet')
  clock.advance(1)
  await flush()
  assert.is(given, undefined)
})

test.run()
