import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createRates, type MessageRates } from '../../../src/overlay/neighbours/message-rates.ts'
import type { Message } from '../../../src/wire/messages.ts'
import { messageBytes } from '../../../src/wire/size.ts'
import { createClock } from '../../clock.ts'
import { held, wanted } from '../network.ts'

const query: Message = { type: 'file', query: '00'.repeat(16), ttl: 1, path: [], files: [wanted('vim')] }
const allowed = (rates: MessageRates, message: Message, of: number) =>
  Array.from({ length: of }, () => rates.allow(message.type, messageBytes(message))).filter(Boolean).length

test('a neighbour has 100 queries at once and 20 a second, each kind of message by itself', () => {
  const clock = createClock()
  const rates = createRates(clock).of('192.0.2.1')
  assert.is(allowed(rates, query, 101), 100)
  assert.is(allowed(rates, { type: 'withdraw', files: [wanted('vim').sha256] }, 1), 1)
  clock.advance(1_000)
  assert.is(allowed(rates, query, 21), 20)
})

test('what belongs to a transfer has no place among neighbours', () => {
  const rates = createRates(createClock()).of('192.0.2.1')
  assert.is(rates.allow('ping', 28), false)
})

test('the bytes are counted by address, whatever ids it goes by, and in all', () => {
  const MIB = 1024 * 1024
  const rates = createRates(createClock())
  const fits = (block: string, message: Message) => {
    const bytes = messageBytes(message)
    let count = 0
    while (rates.of(block).allow(message.type, bytes)) count++
    return count * bytes
  }
  const within = (bytes: number, most: number) => bytes <= most && bytes > most - 100_000
  const news: Message = { type: 'announce', files: Array.from({ length: 500 }, (_, i) => held(`${i}`)) }
  const talk: Message = { ...query, files: Array.from({ length: 500 }, (_, i) => wanted(`${i}`)) }
  assert.ok(within(fits('192.0.2.1', news), 8 * MIB))
  assert.is(fits('192.0.2.2', news), 0, 'announcements of all together')
  assert.ok(within(fits('192.0.2.1', talk), 8 * MIB), 'questions by themselves')
  assert.ok(within(fits('192.0.2.2', talk), 8 * MIB), 'another address has its own')
  assert.ok(fits('192.0.2.3', talk) < 100_000, 'within what all may have')
})

test.run()
