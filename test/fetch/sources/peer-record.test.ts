import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Endpoint } from '../../../src/base/endpoint.ts'
import { type Conduct, createPeerRecord } from '../../../src/fetch/sources/peer-record.ts'
import { createClock } from '../../clock.ts'

const MINUTE = 60_000

for (const [what, conduct, gave, silent] of [
  ['nobody is anything before it was asked', [], false, false],
  ['who gave is known to give', ['gave'], true, false],
  ['who was late with the first it was asked for is silent', ['late'], false, true],
  ['… until it gives', ['late', 'gave'], true, false],
  ['who gave before and is late is busy', ['gave', 'late'], true, false],
  ['… until it had to be left', ['gave', 'late', 'silent'], false, true],
] as [string, Conduct[], boolean, boolean][])
  test(what, () => {
    const record = createPeerRecord(createClock())
    for (const one of conduct) record.note('ann', one)
    assert.equal([record.hasGiven('ann'), record.isSilent('ann')], [gave, silent])
  })

test('another name at the address of a silent one is silent too, unless it has given', () => {
  const record = createPeerRecord(createClock())
  const [here, there] = ['10.0.0.1:8048', '10.0.0.2:8048'] as Endpoint[]
  record.note('bob', 'gave', here)
  record.note('ann', 'silent', here)
  assert.ok(record.isSilent('new', '10.0.0.1:9999' as Endpoint))
  assert.not.ok(record.isSilent('bob', here))
  assert.not.ok(record.isSilent('new', there))
  assert.not.ok(record.hasGiven('new'))
})

test('it is remembered for five minutes, of a thousand', () => {
  const clock = createClock()
  const record = createPeerRecord(clock)
  record.note('ann', 'silent')
  clock.advance(5 * MINUTE - 1)
  assert.ok(record.isSilent('ann'))
  clock.advance(1)
  assert.not.ok(record.isSilent('ann'))
  for (let n = 0; n <= 1_000; n++) record.note(`${n}`, 'silent')
  assert.equal([record.isSilent('0'), record.isSilent('1')], [false, true])
})

test.run()
