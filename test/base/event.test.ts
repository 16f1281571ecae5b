import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createEvent } from '../../src/base/event.ts'

test('who listens is told from then on, in the order of coming', () => {
  const heard: string[] = []
  const event = createEvent<[string]>()
  event.tell('lost')
  event.on((what) => heard.push(`first ${what}`))
  event.on((what) => heard.push(`second ${what}`))
  event.tell('said')
  assert.equal(heard, ['first said', 'second said'])
})

test.run()
