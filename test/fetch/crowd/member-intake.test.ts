import { setImmediate as nextTurn } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PacsrvError } from '../../../src/base/error.ts'
import { silentLog } from '../../../src/base/log.ts'
import { createMemberIntake } from '../../../src/fetch/crowd/member-intake.ts'
import type { CrowdNetwork } from '../../../src/fetch/network.ts'
import { createPeerRecord } from '../../../src/fetch/sources/peer-record.ts'
import type { Holder } from '../../../src/overlay/query/holders.ts'
import type { Asker } from '../../../src/transfer/asker.ts'
import { createClock } from '../../clock.ts'

function setUp({ size = 10_000_000, rateBefore = 0 } = {}) {
  const clock = createClock()
  const dialled: string[] = []
  const told: string[] = []
  const unreachable = new Set<string>()
  const over = new AbortController()
  const record = createPeerRecord(clock)
  const network = {
    id: 'm',
    record,
    existing: () => undefined,
    async connect({ id }: Holder) {
      dialled.push(id)
      if (unreachable.has(id)) throw new PacsrvError('peer', 'refused')
      return { session: { id } } as Asker
    },
  } as unknown as CrowdNetwork
  const intake = createMemberIntake(
    { clock, log: silentLog, network },
    { size, signal: over.signal },
    {
      rateBefore: () => rateBefore,
      onAwaited: (id) => void told.push(`awaited ${id}`),
      onReached: ({ session }) => void told.push(`reached ${session.id}`),
      onUnreachable: (id) => void told.push(`unreachable ${id}`),
      onLate: () => void told.push('late'),
    },
  )
  const learn = (id: string, companion = true) => intake.learn({ id, companion, via: 'announced' } as Holder)
  return { clock, record, intake, dialled, told, unreachable, over, learn }
}

test('of two companions the lower id dials at once, the other after 250 ms', () => {
  const { clock, dialled, learn } = setUp()
  learn('z')
  learn('a')
  assert.equal(dialled, ['z'])
  clock.advance(249)
  assert.is(dialled.length, 1)
  clock.advance(1)
  assert.equal(dialled, ['z', 'a'])
})

test('one that has said meanwhile how far it is, or has gone, isn’t dialled', () => {
  const { clock, intake, dialled, learn } = setUp()
  learn('a')
  assert.ok(intake.settled('a'))
  assert.not.ok(intake.settled('a'))
  clock.advance(250)
  assert.equal(dialled, [])
})

test('a stranger is dialled at once and not waited for', () => {
  const { intake, dialled, told, learn } = setUp()
  learn('a', false)
  assert.equal(dialled, ['a'])
  assert.equal([intake.awaits, told], [false, []])
})

for (const [why, size, rateBefore, ms] of [
  ['a large file: no more than a second', 10_000_000, 0, 1_000],
  ['a small one: no less than 150 ms', 1_000, 0, 150],
  ['what the mirror would take at its rate of before', 1_000_000, 2_000_000, 500],
] as const)
  test(`a companion is waited for: ${why}`, () => {
    const { clock, intake, told, learn } = setUp({ size, rateBefore })
    learn('z')
    clock.advance(ms - 1)
    assert.ok(intake.awaits)
    clock.advance(1)
    assert.not.ok(intake.awaits)
    assert.is(told.at(-1), 'late')
  })

test('who is reached or not is told; nothing once the job is over', async () => {
  const { told, unreachable, over, learn } = setUp()
  unreachable.add('y')
  learn('x', false)
  learn('y', false)
  await nextTurn()
  assert.equal(told, ['reached x', 'unreachable y'])
  learn('z', false)
  over.abort()
  await nextTurn()
  assert.is(told.length, 2)
})

test('when it is closed no timer is left', () => {
  const { clock, intake, dialled, told, learn } = setUp()
  learn('a')
  intake.close()
  clock.advance(10_000)
  assert.equal([dialled, told], [[], ['awaited a']])
})

test('nobody waits for what one says that kept silent in other files; it is reached all the same', async () => {
  const { intake, record, dialled, told, learn } = setUp()
  record.note('z', 'silent')
  learn('z')
  assert.equal([intake.awaits, told, dialled], [false, [], ['z']])
})

test.run()
