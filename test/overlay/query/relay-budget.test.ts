import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLimiter } from '../../../src/base/limiter.ts'
import { createRelayBudget, type RelayBudget } from '../../../src/overlay/query/relay-budget.ts'
import { createClock } from '../../clock.ts'

const A = '192.0.2.1'
const KIB = 1024
const MIB = 1024 * KIB
/** Somebody at this address, who has sent nothing yet. */
const sender = (block: string) => ({ block, link: { received: 0 } })
/** How many of 30 copies leave when so many bytes more have come, all of them to be passed on. */
function passedOn(budget: RelayBudget, from: ReturnType<typeof sender>, bytes: number) {
  from.link.received += bytes
  return budget.copies(from, bytes, 30)
}

test('for each byte that came four leave, from the first on, and not one more', () => {
  const budget = createRelayBudget(createClock())
  const first = sender(A)
  assert.is(budget.copies(first, 1, 30), 0, 'nothing for nothing')
  first.link.received = 249
  assert.is(budget.copies(first, 1_000, 30), 0, 'one byte past it')
  first.link.received = 250
  assert.is(budget.copies(first, 1_000, 30), 1, 'at the limit')
  assert.is(budget.copies(first, 1_000, 30), 0, 'and once')
  assert.is(passedOn(budget, first, 150), 4)
  assert.is(passedOn(budget, sender('192.0.2.2'), 64 * KIB), 4, 'another address has its own')
})

test('what greetings, announcements and other messages brought pays too', () => {
  const budget = createRelayBudget(createClock())
  const from = sender(A)
  from.link.received = 2_000
  assert.is(passedOn(budget, from, 200), 30)
})

test('all identities of an address have one budget, and a new connection brings none of its own', () => {
  const budget = createRelayBudget(createClock())
  const [one, other] = [sender(A), sender(A)]
  one.link.received = 1_000
  assert.is(budget.copies(one, 4_000, 1), 1)
  assert.is(budget.copies(other, 1, 1), 0)
  other.link.received = 1
  assert.is(budget.copies(one, 4, 1), 0, 'what came over the other is seen when that one asks')
  assert.is(budget.copies(other, 4, 2), 1)
})

test('what is left unspent has an end, and is forgotten an hour after the last message', () => {
  const clock = createClock()
  const budget = createRelayBudget(clock)
  const from = sender(A)
  from.link.received = 10 * MIB
  assert.is(budget.copies(from, 1, 0), 0)
  assert.is(budget.copies(from, 64 * KIB, 30), 16, '1 MiB')
  from.link.received += MIB
  assert.is(budget.copies(from, 1, 0), 0)
  clock.advance(60 * 60_000 + 1)
  assert.is(budget.copies(from, 1, 30), 0)
})

test('all strangers together have a quarter of the limit of uploads, which pays for them', () => {
  const clock = createClock()
  const uploads = createLimiter(clock, 4_000_000)
  const budget = createRelayBudget(clock, uploads)
  const left = Array.from({ length: 100 }, (_, i) => passedOn(budget, sender(`192.0.2.${i}`), 10_000))
  const sent = left.reduce((sum, copies) => sum + copies * 10_000, 0)
  assert.is(sent, 1_000_000)
  assert.is(
    Math.round(uploads.wait()),
    250 - 200,
    'a quarter of a second of the line, less what may be made up for',
  )
})

test.run()
