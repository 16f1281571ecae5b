import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PacsrvError } from '../../../src/base/error.ts'
import { createLimiter } from '../../../src/base/limiter.ts'
import { type Log, silentLog } from '../../../src/base/log.ts'
import { createChunkMap } from '../../../src/fetch/file/chunk-map.ts'
import { createScheduler, TICK_MS } from '../../../src/fetch/job/scheduler.ts'
import type { ChunkSource, ChunkSourceHandler, SourceOwner } from '../../../src/fetch/sources/source.ts'
import { createClock } from '../../clock.ts'

const KIB = 1024
const CHUNK = 64 * KIB

/** A scheduler over a file of so many chunks, whose peers note what they are asked for and never answer. */
function setUp({ chunks, downloadLimit }: { chunks: number; downloadLimit?: number }) {
  const clock = createClock()
  const size = chunks * CHUNK
  const map = createChunkMap(size)
  const lines: { message: string; fields: object }[] = []
  const log: Log = { ...silentLog, debug: (fields, message) => void lines.push({ message, fields }) }
  const scheduler = createScheduler(
    {
      map,
      mirrorScope: () => ({ window: Number.POSITIVE_INFINITY }),
      clock,
      log,
      downloads: createLimiter(clock, downloadLimit),
      makeMirror: () => assert.unreachable('no mirror here') as never,
    },
    { size, mirrors: [] },
    { onChunk() {}, onPeerGone() {}, onMirrorFailed() {}, onMirrorAsked() {} },
  )
  function peer({ near, rate, heard }: { near: boolean; rate: number; heard?: number }) {
    const asked: number[] = []
    const cancelled: number[] = []
    const told: string[] = []
    let handler: ChunkSourceHandler | undefined
    const source: ChunkSource = {
      kind: 'peer',
      label: near ? 'near' : 'far',
      near,
      partial: false,
      news: 0,
      latency: 0,
      heard,
      waitingSince: heard,
      progress: 0,
      rate: () => rate,
      has: () => true,
      ask: (chunk) => void asked.push(chunk),
      cancel: (chunk) => void cancelled.push(chunk),
      close() {},
    }
    const owner: SourceOwner = {
      role: 'holder',
      gone: () => void told.push('gone'),
      rejected: () => void told.push('rejected'),
      vouchesFor: () => undefined,
    }
    scheduler.join((given) => {
      handler = given
      return source
    }, owner)
    return {
      source,
      asked,
      cancelled,
      told,
      gives: (chunk: number) => handler?.onChunk(source, chunk, new Uint8Array(CHUNK)),
      goes: () => handler?.onGone(source, new PacsrvError('peer', 'gone')),
    }
  }
  return { clock, map, scheduler, lines, peer }
}

test('who is far is not asked while the near have the rest within two seconds', () => {
  const { peer } = setUp({ chunks: 100 })
  const near = peer({ near: true, rate: 50 * CHUNK })
  const far = peer({ near: false, rate: 50 * CHUNK })
  assert.ok(near.asked.length > 0)
  assert.is(far.asked.length, 0)
})

test('who is far is asked too where the near would take longer', () => {
  const { peer } = setUp({ chunks: 101 })
  peer({ near: true, rate: 50 * CHUNK })
  const far = peer({ near: false, rate: 50 * CHUNK })
  assert.ok(far.asked.length > 0)
})

test('and where there is nobody near, or nobody knows how fast the near are', () => {
  const alone = setUp({ chunks: 4 })
  assert.ok(alone.peer({ near: false, rate: 0 }).asked.length > 0)
  const unknown = setUp({ chunks: 100 })
  unknown.peer({ near: true, rate: 0 })
  assert.ok(unknown.peer({ near: false, rate: CHUNK }).asked.length > 0)
})

test('a download limit is kept by what peers are asked for', () => {
  const limit = 10 * CHUNK
  const { clock, map, scheduler, peer } = setUp({ chunks: 1_000, downloadLimit: limit })
  const { asked } = peer({ near: true, rate: 100 * CHUNK })
  for (let ms = 0; ms < 10_000; ms += TICK_MS) {
    for (const chunk of asked) {
      map.here(chunk)
      scheduler.arrived(chunk)
    }
    clock.advance(TICK_MS)
    scheduler.tick()
  }
  const share = (asked.length * CHUNK) / (10 * limit)
  assert.ok(Math.abs(share - 1) < 0.05, `${share} of the limit`)
})

test('what has come is called off where it was asked for a second time', () => {
  const { clock, map, scheduler, peer } = setUp({ chunks: 1 })
  const slow = peer({ near: true, rate: 1 })
  const quick = peer({ near: true, rate: 100 * CHUNK })
  assert.equal([slow.asked, quick.asked], [[0], []], 'it has given nothing yet')
  quick.gives(0)
  scheduler.pump()
  clock.advance(0)
  assert.equal([slow.asked, quick.asked], [[0], [0]])
  assert.is(scheduler.askedTwice, 1)
  map.here(0)
  scheduler.arrived(0)
  assert.equal(slow.cancelled, [0])
})

test('a source that goes is told to its owner, once; one that is dropped is not', () => {
  const { scheduler, peer } = setUp({ chunks: 4 })
  const one = peer({ near: true, rate: CHUNK })
  one.goes()
  one.goes()
  assert.equal(one.told, ['gone'])
  const other = peer({ near: true, rate: CHUNK })
  scheduler.drop(other.source)
  assert.equal(other.told, [])
  assert.is(scheduler.ownerOf(other.source), undefined)
})

test('a source that is handed over is the new owner’s to hear of', () => {
  const { scheduler, peer } = setUp({ chunks: 4 })
  const { source, told, goes } = peer({ near: true, rate: CHUNK })
  const heard: string[] = []
  scheduler.handOver(source, {
    role: 'member',
    gone: () => void heard.push('gone'),
    rejected() {},
    vouchesFor: () => undefined,
  })
  goes()
  assert.equal([told, heard], [[], ['gone']])
})

test('one that stalls is left at its limit, and the log says after how long', () => {
  const { clock, scheduler, lines, peer } = setUp({ chunks: 100 })
  const { told, gives } = peer({ near: true, rate: CHUNK, heard: 0 })
  gives(0)
  scheduler.tick()
  clock.advance(3_999)
  scheduler.tick()
  assert.equal(told, [])
  clock.advance(1)
  scheduler.tick()
  assert.equal(told, ['gone'])
  const line = lines.find(({ message }) => message.includes('stalled'))
  assert.equal(line?.fields, { source: 'near', role: 'holder', ms: 4_000, limit: 4_000, owed: 2 * CHUNK })
})

test('who gives nothing keeps its chunks for half a second: then they are asked of others, and it is left after two', () => {
  const { clock, scheduler, peer } = setUp({ chunks: 2 })
  const silent = peer({ near: true, rate: 0, heard: 0 })
  const other = peer({ near: true, rate: 0 })
  assert.equal([silent.asked, other.asked], [[0, 1], []])
  clock.advance(560)
  scheduler.tick()
  assert.equal(other.asked, [], 'not yet')
  clock.advance(10)
  scheduler.tick()
  assert.equal(other.asked, [0, 1])
  clock.advance(1_430)
  scheduler.tick()
  assert.equal(silent.told, ['gone'])
})

test('what one has kept too long goes to those who have given something, if there are any', () => {
  const { clock, scheduler, peer } = setUp({ chunks: 6 })
  const silent = peer({ near: true, rate: 0, heard: 0 })
  const sound = peer({ near: true, rate: CHUNK })
  sound.gives(2)
  const unknown = peer({ near: true, rate: 0 })
  clock.advance(570)
  scheduler.tick()
  assert.equal(silent.asked, [0, 1])
  assert.not.ok(unknown.asked.includes(0) || unknown.asked.includes(1))
})

test('a doubted one that gives something is asked again, for one chunk at a time', () => {
  const { clock, map, scheduler, peer } = setUp({ chunks: 10 })
  const late = peer({ near: true, rate: CHUNK, heard: 0 })
  clock.advance(570)
  scheduler.tick()
  assert.equal(late.asked, [0, 1])
  for (const chunk of [0, 1]) {
    map.here(chunk)
    late.gives(chunk)
    scheduler.arrived(chunk)
  }
  scheduler.pump()
  clock.advance(0)
  assert.equal(late.asked, [0, 1, 2])
})

test.run()
