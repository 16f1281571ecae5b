import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../src/base/log.ts'
import { createStrangerLog } from '../../src/base/stranger-log.ts'
import { createClock } from '../clock.ts'

test('an address has 20 lines at once and one in 30 s; the next line says how many were left out', () => {
  const clock = createClock()
  const lines: object[] = []
  const log = { ...silentLog, info: (fields: object) => void lines.push(fields) }
  const news = createStrangerLog(clock, log as typeof silentLog)
  for (let i = 0; i < 23; i++) news.info('192.0.2.1', { i }, 'neighbour came')
  assert.is(lines.length, 20)
  news.info('192.0.2.2', { other: true }, 'neighbour came')
  assert.equal(lines[20], { other: true, leftOut: 3 })
  clock.advance(30_000)
  news.info('192.0.2.1', { later: true }, 'neighbour came')
  assert.equal(lines[21], { later: true })
})

test.run()
