import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createCallers } from '../../src/fetch/callers.ts'
import { createClock } from '../clock.ts'

function setUp() {
  const clock = createClock()
  const ended: string[] = []
  let made = 0
  const callers = createCallers<string>(clock, {
    make: () => `${made++}`,
    end: (one) => void ended.push(one),
  })
  const enter = (transaction: string) => callers.enter({ environment: {}, transaction })
  return { clock, callers, ended, enter }
}

test('a caller is known by its environment and its transaction', () => {
  const { callers } = setUp()
  const caller = { environment: { http_proxy: 'p' }, transaction: '1 2' }
  assert.is(callers.get(caller), undefined)
  assert.is(callers.enter(caller), '0')
  assert.is(callers.enter({ ...caller }), '0')
  assert.is(callers.get(caller), '0')
  assert.is(callers.enter({ environment: caller.environment }), '1')
  assert.is(callers.enter({ ...caller, environment: {} }), '2')
  assert.equal(callers.all(), ['1', '0', '2'].sort())
})

test('eight have places; a ninth takes that of one not heard for a minute, and no other', () => {
  const { callers, clock, ended, enter } = setUp()
  for (let n = 0; n < 8; n++) enter(`${n}`)
  assert.is(enter('8'), undefined)
  clock.advance(59_999)
  callers.get({ environment: {}, transaction: '0' })
  assert.is(enter('8'), undefined)
  clock.advance(1)
  assert.is(enter('8'), '8')
  assert.equal(ended, ['1'])
})

test.run()
