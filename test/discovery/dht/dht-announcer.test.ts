import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createAnnouncer, MOST, RENEWAL } from '../../../src/discovery/dht/dht-announcer.ts'
import { createMeeting } from '../../../src/discovery/dht/dht-meeting.ts'
import { createClock } from '../../clock.ts'
import { seeded } from '../../seeded.ts'

const MINUTE = 60_000
const flush = () => new Promise((resolve) => setImmediate(resolve))
const keys = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `key ${from + i}`)

function start({ dialled = true, taken = true } = {}) {
  const clock = createClock()
  const state = { dialled, taken }
  const told: { key: string; at: number }[] = []
  const announcer = createAnnouncer({
    clock,
    random: seeded(1),
    mayAnnounce: () => state.dialled,
    async announce(key) {
      told.push({ key, at: clock.now() })
      return state.taken
    },
  })
  async function run(ms: number) {
    for (const end = clock.now() + ms; clock.now() < end; ) {
      clock.advance(Math.min(1_000, end - clock.now()))
      await flush()
    }
  }
  return { clock, announcer, told, state, run }
}

test('about 30 a minute, the newest first, each once', async () => {
  const { announcer, told, run } = start()
  for (const key of keys(100)) announcer.put(key)
  announcer.start()
  await run(MINUTE)
  assert.ok(told.length >= 25 && told.length <= 36, `${told.length}`)
  assert.is(told[0]!.key, 'key 99')
  await run(4 * MINUTE)
  assert.equal(
    told.map(({ key }) => key),
    keys(100).reverse(),
  )
  assert.is(announcer.announced, 100)
})

test('each is renewed before it is forgotten', async () => {
  const { announcer, told, run } = start()
  for (const key of keys(MOST * 0.8)) announcer.put(key)
  announcer.start()
  await run(2.2 * RENEWAL)
  const times = told.filter(({ key }) => key === 'key 300').map(({ at }) => at)
  assert.is(times.length, 2)
  assert.ok(times[1]! - times[0]! < 30 * MINUTE, `${times}`)
})

test('of more than can be kept alive the newest are, and what is wanted counts as new', async () => {
  const { announcer, told, run } = start()
  for (const key of keys(MOST + 10)) announcer.put(key)
  announcer.put('key 3')
  announcer.start()
  await run(1.2 * RENEWAL)
  const announced = new Set(told.map(({ key }) => key))
  assert.ok(announced.has('key 3'))
  assert.not.ok(announced.has('key 5'))
  assert.ok(announced.size <= MOST)
})

test('nothing while this node cannot be dialled; what is gone is not renewed; what nobody took is tried sooner', async () => {
  const { announcer, told, state, run } = start({ dialled: false, taken: false })
  announcer.put('one')
  announcer.put('two')
  announcer.start()
  await run(MINUTE)
  assert.is(told.length, 0)
  state.dialled = true
  await run(MINUTE)
  announcer.drop('two')
  assert.is(told.length, 2)
  state.taken = true
  await run(6 * MINUTE)
  assert.equal(
    told.map(({ key }) => key),
    ['two', 'one', 'one'],
  )
  announcer.stop()
  await run(60 * MINUTE)
  assert.is(told.length, 3)
})

function meet(present: string[], { dialled = true } = {}) {
  const clock = createClock()
  const counts = { lookups: 0, announced: 0 }
  const met: string[] = []
  const meeting = createMeeting({
    clock,
    random: seeded(1),
    async lookup({ onPeer }) {
      counts.lookups++
      present.forEach(onPeer)
    },
    async announce() {
      counts.announced++
      return true
    },
    mayAnnounce: () => dialled,
    onNodes: (addresses) => void met.push(...addresses),
  })
  return { clock, counts, met, meeting }
}

test('a node looks others up, is listed, and again within 30 minutes', async () => {
  const { clock, counts, met, meeting } = meet(['203.0.113.1:8048'])
  meeting.start()
  await flush()
  assert.equal(met, ['203.0.113.1:8048'])
  assert.equal(counts, { lookups: 1, announced: 1 })
  clock.advance(30 * MINUTE)
  await flush()
  assert.ok(counts.announced >= 2)
  meeting.stop()
  const before = counts.lookups
  clock.advance(90 * MINUTE)
  meeting.wanted()
  await flush()
  assert.is(counts.lookups, before)
})

test('short of neighbours it looks again, with pauses that grow to five minutes', async () => {
  const { clock, counts, meeting } = meet([])
  meeting.start()
  await flush()
  const sample = async (ms: number) => {
    const before = counts.lookups
    for (let at = 0; at < ms; at += 5_000) {
      clock.advance(5_000)
      meeting.wanted()
      await flush()
    }
    return counts.lookups - before
  }
  const first = await sample(MINUTE)
  assert.ok(first >= 2 && first <= 6, `${first}`)
  await sample(20 * MINUTE)
  const later = await sample(30 * MINUTE)
  assert.ok(later <= 13, `${later}`)
})

test('who cannot be dialled is not listed, nor is anybody where 50 are', async () => {
  const hidden = meet([], { dialled: false })
  hidden.meeting.start()
  await flush()
  assert.is(hidden.counts.announced, 0)
  const many = (count: number) => Array.from({ length: count }, (_, i) => `203.0.113.${i}:8048`)
  for (const [count, announced] of [
    [49, 1],
    [50, 0],
  ] as const) {
    const { counts, meeting } = meet(many(count))
    meeting.start()
    await flush()
    assert.is(counts.announced, announced)
  }
})

test.run()
