import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PacsrvError } from '../../../src/base/error.ts'
import { silentLog } from '../../../src/base/log.ts'
import type { MirrorScope } from '../../../src/fetch/crowd/mirror-shares.ts'
import { createChunkMap } from '../../../src/fetch/file/chunk-map.ts'
import { createMirrorStreams } from '../../../src/fetch/job/mirror-streams.ts'
import { createRequestPlan } from '../../../src/fetch/job/request-plan.ts'
import type { ChunkRun, FileSource, StreamHandler, StreamSource } from '../../../src/fetch/sources/source.ts'
import { createClock } from '../../clock.ts'

const CHUNK = 64 * 1024
const EVERYTHING: MirrorScope = { window: Number.POSITIVE_INFINITY }
const may = (...chunks: number[]): MirrorScope => ({ window: 100, may: (chunk) => chunks.includes(chunk) })

/** The mirrors of a file of so many chunks, which note what they are to stream; `scopes` counts how often it was asked for. */
function setUp(chunks: number, urls: string[]) {
  const clock = createClock()
  const map = createChunkMap(chunks * CHUNK)
  const plan = createRequestPlan<FileSource>(map, chunks * CHUNK)
  const mirrors = new Map<string, ReturnType<typeof mirror>>()
  const told = { failed: 0, idle: 0 }
  const counted = { scopes: 0, scope: EVERYTHING }

  function mirror(url: string, handler: StreamHandler) {
    const runs: ChunkRun[] = []
    const state = { streaming: false, closed: false, heard: undefined as number | undefined }
    const source: StreamSource = {
      kind: 'mirror',
      label: url,
      url,
      get streaming() {
        return state.streaming
      },
      get heard() {
        return state.heard
      },
      rate: () => 0,
      has: () => true,
      settled() {},
      begin(run) {
        runs.push(run)
        state.streaming = true
      },
      close() {
        state.closed = true
        state.streaming = false
      },
    }
    const ends = () => {
      state.streaming = false
      handler.onRunEnd(source)
    }
    return { source, runs, state, ends, handler, goes: (error: PacsrvError) => handler.onGone(source, error) }
  }

  const streams = createMirrorStreams(
    {
      clock,
      log: silentLog,
      map,
      plan,
      scope() {
        counted.scopes++
        return counted.scope
      },
      make(url, handler) {
        const made = mirror(url, handler)
        mirrors.set(url, made)
        return made.source
      },
    },
    urls,
    { onChunk() {}, onAsked() {}, onFailed: () => told.failed++, onIdle: () => told.idle++ },
  )
  const scopesDuring = (action: () => void) => {
    const before = counted.scopes
    action()
    return counted.scopes - before
  }
  return { clock, map, plan, streams, mirrors, told, counted, scopesDuring }
}

test('a mirror streams what nobody was asked for', () => {
  const { streams, mirrors } = setUp(4, ['a'])
  streams.ask(false)
  assert.is(mirrors.size, 0)
  streams.join('')
  streams.ask(false)
  assert.equal(mirrors.get('a')?.runs, [{ start: 0, end: 4 }])
})

test('of what members share it streams its own', () => {
  const { streams, mirrors, counted } = setUp(8, ['a'])
  counted.scope = may(2, 3, 6)
  streams.join('')
  streams.ask(false)
  assert.equal(mirrors.get('a')?.runs, [{ start: 2, end: 4 }])
  mirrors.get('a')?.handler.onReach(mirrors.get('a')!.source, 4)
  assert.is(mirrors.get('a')?.handler.onReach(mirrors.get('a')!.source, 4), false, 'it is somebody else’s')
})

test('one that had nothing to do is asked again when that may be otherwise, and not before', () => {
  const { streams, mirrors, map, plan, counted, scopesDuring } = setUp(4, ['a', 'b'])
  counted.scope = may()
  streams.join('')
  assert.is(
    scopesDuring(() => streams.ask(false)),
    1,
  )
  assert.is(
    scopesDuring(() => streams.ask(false)),
    0,
  )
  counted.scope = may(1)
  streams.ask(false)
  assert.equal(mirrors.get('a')?.runs, [], 'nobody said so')
  streams.ask(true)
  assert.equal(mirrors.get('a')?.runs, [{ start: 1, end: 2 }], 'time has passed')

  counted.scope = may()
  map.here(1)
  plan.arrived(1)
  mirrors.get('a')?.ends()
  streams.ask(false)
  const again: [string, () => void][] = [
    ['what may be asked for has changed', () => streams.trim()],
    ['a chunk is free again', () => map.missing(1)],
    ['another has joined', () => streams.join('')],
    ['one has gone', () => mirrors.get('b')?.goes(new PacsrvError('mirror', 'gone'))],
  ]
  for (const [why, happens] of again) {
    happens()
    assert.ok(scopesDuring(() => streams.ask(false)) > 0, why)
    assert.is(
      scopesDuring(() => streams.ask(false)),
      0,
      `${why}, once`,
    )
  }
})

test('it no longer owes what has become others’', () => {
  const { streams, mirrors, plan, counted } = setUp(8, ['a'])
  counted.scope = may(0, 1, 2, 3)
  streams.join('')
  streams.ask(false)
  const { source, state } = mirrors.get('a')!
  counted.scope = may(0, 1)
  streams.trim()
  assert.equal([plan.owes(source), state.closed], [[0, 1], false])
  counted.scope = may()
  streams.trim()
  assert.equal([plan.owes(source), state.closed], [[], true])
})

test('the next takes over from one that fails or stalls; the only one has longer', () => {
  const { clock, streams, mirrors, told } = setUp(4, ['a', 'b'])
  streams.join('')
  mirrors.get('a')!.state.heard = clock.now()
  clock.advance(4_000)
  streams.tick()
  assert.is(mirrors.has('b'), false)
  clock.advance(1)
  streams.tick()
  assert.equal([[...mirrors.keys()], told.failed], [['a', 'b'], 1])
  mirrors.get('b')!.state.heard = clock.now()
  clock.advance(10_000)
  streams.tick()
  assert.is(streams.active.size, 1)
  clock.advance(1)
  streams.tick()
  assert.equal([streams.active.size, told.failed], [0, 2])
})

test.run()
