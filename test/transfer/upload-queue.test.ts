import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLimiter } from '../../src/base/limiter.ts'
import { createTurns } from '../../src/transfer/upload-queue.ts'
import { createClock } from '../clock.ts'

/** Lets promises settle: turns end in them. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

test('a limit is kept within 5 % over time', async () => {
  const clock = createClock()
  const rate = 500_000
  const turns = createTurns({ clock, limiter: createLimiter(clock, rate) }, 1)
  let sent = 0
  const again = () =>
    turns.take('a', async () => {
      sent += 65_536
      again()
      return 65_536
    })
  again()
  for (let ms = 0; ms < 20_000; ms += 10) {
    await settle()
    clock.advance(10)
  }
  assert.ok(Math.abs(sent / (20 * rate) - 1) < 0.05, `${sent / 20} bytes a second`)
})

test('time that was not used is made up for only a little', () => {
  const clock = createClock()
  const limiter = createLimiter(clock, 1_000)
  clock.advance(60_000)
  limiter.charge(200)
  assert.is(limiter.wait(), 0)
  limiter.charge(100)
  assert.is(limiter.wait(), 100)
})

test('without a limit nobody waits', () => {
  const limiter = createLimiter(createClock(), undefined)
  limiter.charge(1e12)
  assert.is(limiter.wait(), 0)
})

test('no more turns run at once than there are slots, and one that fails frees its slot', async () => {
  const clock = createClock()
  const turns = createTurns({ clock, limiter: createLimiter(clock, undefined) }, 2)
  const ends: ((bytes: number) => void)[] = []
  let running = 0
  for (let n = 0; n < 3; n++) {
    turns.take('a', () => {
      running++
      return new Promise((resolve) => ends.push(resolve))
    })
  }
  turns.take('a', () => Promise.reject(new Error('torn')))
  turns.take('a', async () => ++running)
  await settle()
  assert.is(running, 2)
  ends[0]!(1)
  await settle()
  assert.is(running, 3)
  ends[1]!(1)
  await settle()
  assert.is(running, 4)
})

test('one who asks for much does not starve another', async () => {
  const clock = createClock()
  const turns = createTurns({ clock, limiter: createLimiter(clock, undefined) }, 1)
  const order: string[] = []
  const peer = (name: string, left: number) => {
    if (left === 0) return
    turns.take(name, async () => {
      order.push(name)
      peer(name, left - 1)
      return 1
    })
  }
  peer('a', 4)
  peer('b', 2)
  for (let n = 0; n < 10; n++) await settle()
  assert.equal(order, ['a', 'a', 'b', 'a', 'b', 'a'])
})

test('addresses take turns, however many ask from one of them', async () => {
  const clock = createClock()
  const turns = createTurns({ clock, limiter: createLimiter(clock, undefined) }, 1)
  const order: string[] = []
  const ask = (address: string) =>
    turns.take(address, async () => {
      order.push(address)
      return 1
    })
  for (let n = 0; n < 100; n++) ask('a')
  ask('b')
  await settle()
  assert.ok(order.indexOf('b') <= 2, `after ${order.indexOf('b')} others`)
  assert.is(order.length, 101)
})

const MIB = 1024 * 1024

test('what waits to be sent is bounded, with room kept for addresses of which nothing waits', async () => {
  const clock = createClock()
  const turns = createTurns({ clock, limiter: createLimiter(clock, undefined) })
  const sent: (() => void)[] = []
  const given = new Map<string, number>()
  const ask = (address: string) =>
    turns.take(address, async (hold) => {
      given.set(address, (given.get(address) ?? 0) + 1)
      sent.push(hold(MIB))
      return MIB
    })
  for (let n = 0; n < 60; n++) ask('a')
  await settle()
  assert.is(given.get('a'), 24)
  for (let n = 0; n < 60; n++) ask(`b${n % 30}`)
  await settle()
  assert.is(given.get('a'), 24)
  assert.equal([...given.keys()].length - 1, 16, 'each of the others has one, until there are 40')
  assert.ok([...given].every(([address, count]) => address === 'a' || count === 1))
  while (sent.length > 0) {
    assert.ok(sent.length <= 40, `${sent.length} MiB`)
    const first = sent.shift()!
    first()
    first()
    await settle()
  }
  assert.is(
    [...given.values()].reduce((sum, count) => sum + count),
    120,
    'all have had all in the end',
  )
})

test('who does not read a chunk in a minute is told of where room is short, who does is not', async () => {
  const clock = createClock()
  const turns = createTurns({ clock, limiter: createLimiter(clock, undefined) })
  const stuck: string[] = []
  const sent: (() => void)[] = []
  const ask = (address: string) => {
    const turn = async (hold: (bytes: number) => () => void) => {
      sent.push(hold(MIB))
      return MIB
    }
    turns.take(address, turn, () => stuck.push(address))
  }
  ask('a')
  await settle()
  clock.advance(600_000)
  assert.equal(stuck, [], 'a slow line is nobody’s fault')
  clock.advance(30_000)
  for (let n = 0; n < 23; n++) ask(`b${n}`)
  await settle()
  clock.advance(29_999)
  assert.equal(stuck, [])
  clock.advance(1)
  assert.equal(stuck, ['a'])
  sent[0]!()
  clock.advance(600_000)
  assert.equal(stuck, ['a'], 'there is room again')
  for (const one of sent) one()
  clock.advance(600_000)
  assert.equal(stuck, ['a'])
})

test.run()
