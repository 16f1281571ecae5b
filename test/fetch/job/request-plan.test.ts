import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createChunkMap } from '../../../src/fetch/file/chunk-map.ts'
import { createRequestPlan, type PlannedSource } from '../../../src/fetch/job/request-plan.ts'

const CHUNK = 64 * 1024
const source = (rate = 0, has: (chunk: number) => boolean = () => true): PlannedSource => ({
  rate: () => rate,
  has,
})

/** A plan over the map of a file, as the scheduler and the partial file use them together. */
function setUp(size: number) {
  const map = createChunkMap(size)
  const plan = createRequestPlan<PlannedSource>(map, size)
  const got = (chunk: number) => {
    map.here(chunk)
    plan.arrived(chunk)
  }
  return Object.assign(plan, { map, got })
}

/** Asks for all that `from` is offered, at most `most`. */
function askAll(plan: ReturnType<typeof setUp>, from: PlannedSource, most = 1_000): number[] {
  const asked: number[] = []
  for (let chunk = plan.pick(from); chunk !== undefined && asked.length < most; chunk = plan.pick(from)) {
    plan.ask(from, chunk)
    asked.push(chunk)
  }
  return asked
}

test('chunks are asked for in order, each once, of whoever has them', () => {
  const plan = setUp(4 * CHUNK)
  const even = source(0, (chunk) => chunk % 2 === 0)
  assert.equal(askAll(plan, even), [0, 2])
  assert.equal(askAll(plan, source(), 2), [1, 3])
})

test('a chunk that is being written is asked of nobody, nor is one that is here', () => {
  const plan = setUp(3 * CHUNK)
  plan.map.writing(0)
  plan.got(1)
  assert.equal(askAll(plan, source()), [2])
  plan.map.missing(0)
  assert.is(plan.pick(source()), 0)
})

test('what is here is owed by nobody: the end is not asked for again and again', () => {
  const plan = setUp(3 * CHUNK)
  const slow = source(1_000)
  askAll(plan, slow)
  assert.is(plan.owed(slow), 3 * CHUNK)
  plan.got(2)
  assert.is(plan.owed(slow), 2 * CHUNK)
  assert.equal([...plan.askedOf(2)], [])
  assert.is(plan.pick(source(1_000_000)), 1)
})

test('at the end the last chunks of the slow are asked of the quick too, of two at most', () => {
  const plan = setUp(2 * CHUNK)
  const slow = source(10_000)
  askAll(plan, slow)
  const quick = source(1_000_000)
  assert.equal(askAll(plan, quick), [1, 0])
  assert.equal([...plan.askedOf(1)], [slow, quick])
  assert.is(plan.pick(source(9_000_000)), undefined)
})

test('a second source that would bring it hardly sooner is not asked', () => {
  for (const [rate, asked] of [
    [100_000, undefined],
    [124_000, undefined],
    [126_000, 0],
  ] as const) {
    const plan = setUp(CHUNK)
    plan.ask(source(100_000), 0)
    assert.is(plan.pick(source(rate)), asked, `${rate}`)
  }
})

test('what one owes that has given nothing is asked of who gives and is idle, however fast the other may be', () => {
  const plan = setUp(4 * CHUNK)
  const silent = source(0)
  const slow = source(100_000)
  askAll(plan, silent)
  assert.is(plan.pick(slow), 3)
  plan.ask(slow, 3)
  assert.is(plan.pick(slow), undefined, 'it has something to do')
  plan.got(3)
  assert.is(plan.pick(slow), 2)
})

test('one that left owes nothing, and what it owed is anybody’s', () => {
  const plan = setUp(3 * CHUNK)
  const gone = source()
  askAll(plan, gone)
  plan.leave(gone)
  assert.is(plan.owed(gone), 0)
  assert.ok(plan.isIdle)
  assert.equal(askAll(plan, source(), 3), [0, 1, 2])
})

test('a refused chunk can be asked for again; asking twice counts once', () => {
  const plan = setUp(2 * CHUNK)
  const one = source()
  plan.ask(one, 0)
  plan.ask(one, 0)
  assert.is(plan.owed(one), CHUNK)
  plan.unask(one, 0)
  plan.unask(one, 0)
  assert.is(plan.owed(one), 0)
  assert.is(plan.pick(one), 0)
})

test('a stream begins where the others will not be in time', () => {
  const plan = setUp(10 * CHUNK)
  const mirror = source(1_000_000)
  assert.equal(plan.pickRun(mirror), { start: 0, end: 10 })
  plan.ask(source(1_000_000), 0)
  plan.ask(source(1_000_000), 1)
  assert.equal(plan.pickRun(mirror), { start: 7, end: 10 })
})

test('a stream takes the widest gap', () => {
  const plan = setUp(10 * CHUNK)
  for (const chunk of [2, 6]) plan.got(chunk)
  assert.equal(plan.pickRun(source()), { start: 3, end: 6 })
  plan.got(4)
  plan.map.writing(9)
  assert.equal(plan.pickRun(source()), { start: 0, end: 2 })
})

test('where no gap is left a stream takes the last chunk of the slow, or nothing', () => {
  const plan = setUp(2 * CHUNK)
  askAll(plan, source(1_000))
  assert.equal(plan.pickRun(source(1_000_000)), { start: 1, end: 2 })
  plan.got(0)
  plan.got(1)
  assert.is(plan.pickRun(source(1_000_000)), undefined)
})

test('a second stream takes its share of what the first has before it, to the chunk', () => {
  const plan = setUp(100 * CHUNK)
  const first = source(CHUNK)
  for (let chunk = 0; chunk < 100; chunk++) plan.ask(first, chunk)
  for (let chunk = 0; chunk < 20; chunk++) plan.got(chunk)
  const second = source(3 * CHUNK)
  assert.equal(plan.pickRun(second, { streams: [first] }), { start: 40, end: 100 })
  assert.is(plan.owed(first), 20 * CHUNK)
  assert.equal([...plan.askedOf(40)], [], 'the first no longer owes it')
  assert.equal([...plan.askedOf(39)], [first])
})

test('a stream that has no more than a second before it is left alone', () => {
  const plan = setUp(100 * CHUNK)
  const first = source(10 * CHUNK)
  for (let chunk = 0; chunk < 100; chunk++) plan.ask(first, chunk)
  for (let chunk = 0; chunk < 89; chunk++) plan.got(chunk)
  assert.equal(plan.pickRun(source(10 * CHUNK), { streams: [first] }), { start: 95, end: 100 })
  const later = setUp(100 * CHUNK)
  for (let chunk = 0; chunk < 100; chunk++) later.ask(first, chunk)
  for (let chunk = 0; chunk < 90; chunk++) later.got(chunk)
  assert.equal(
    later.pickRun(source(10 * CHUNK), { streams: [first] }),
    { start: 99, end: 100 },
    'but for its last chunk',
  )
})

test.run()
