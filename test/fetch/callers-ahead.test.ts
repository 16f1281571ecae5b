import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createCallersAhead } from '../../src/fetch/callers-ahead.ts'
import { createClock } from '../clock.ts'

const NOTHING = {
  find() {},
  fetch() {
    throw new Error('nothing is fetched')
  },
  isUnderWay: () => true,
  jobs: () => [],
  received: () => 0,
}
const callerOf = (transaction: string, environment = {}) => ({ environment, transaction })

test('each transaction is asked for its list once', () => {
  const ahead = createCallersAhead({ clock: createClock(), ...NOTHING })
  assert.ok(ahead.isNew(callerOf('7 100')))
  assert.not(ahead.isNew(callerOf('7 100')))
  assert.ok(ahead.isNew(callerOf('7 101')))
  assert.ok(ahead.isNew(callerOf('7 100', { http_proxy: 'http://p' })))
  for (let n = 0; n < 100; n++) ahead.isNew(callerOf(`${n}`))
  assert.ok(ahead.isNew(callerOf('7 100')), 'remembered without end')
})

test('who isn’t called by pacman is asked for none', () => {
  const ahead = createCallersAhead({ clock: createClock(), ...NOTHING })
  assert.not(ahead.isNew({ environment: {} }))
})

test.run()
