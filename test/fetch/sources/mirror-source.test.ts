import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PacsrvError } from '../../../src/base/error.ts'
import { createLimiter } from '../../../src/base/limiter.ts'
import { createMirrorSource } from '../../../src/fetch/sources/mirror-source.ts'
import type { MirrorHandler, MirrorRequest } from '../../../src/mirror/curl.ts'
import { createClock } from '../../clock.ts'

const CHUNK = 64 * 1024
const MIB = 1024 * 1024

interface Options {
  size?: number
  limit?: number
  wants?(chunk: number): boolean
}

function setUp({ size = 8 * CHUNK, limit, wants = () => true }: Options = {}) {
  const clock = createClock()
  const streams: { request: MirrorRequest; handler: MirrorHandler; state: string }[] = []
  const told: string[] = []
  const source = createMirrorSource(
    {
      clock,
      downloads: createLimiter(clock, limit),
      open(request, handler) {
        const stream = { request, handler, state: 'running' }
        streams.push(stream)
        const become = (state: string) => () => {
          if (stream.state !== 'stopped') stream.state = state
        }
        return { stop: become('stopped'), pause: become('paused'), resume: become('running') }
      },
    },
    {
      url: 'http://user:secret@m/some.pkg',
      size,
      environment: {},
      handler: {
        onReach: (_, chunk) => wants(chunk),
        onChunk: (_, chunk, bytes) => void told.push(`${chunk}: ${bytes.length}`),
        onGone: (_, { message }) => void told.push(`gone: ${message}`),
        onRunEnd: () => void told.push('run over'),
      },
    },
  )
  return {
    clock,
    source,
    streams,
    told,
    give: (bytes: number) => streams.at(-1)!.handler.onBytes(Buffer.alloc(bytes)),
  }
}

test('a run is one request, cut into chunks however the bytes come', () => {
  const { source, streams, told, give } = setUp()
  source.begin({ start: 2, end: 4 })
  const { request, handler } = streams[0]!
  assert.equal([request.start, request.end], [2 * CHUNK, 4 * CHUNK - 1])
  handler.onStart(2 * CHUNK)
  give(10)
  give(CHUNK)
  give(CHUNK - 10)
  assert.equal(told, [`2: ${CHUNK}`, `3: ${CHUNK}`])
  handler.onEnd(undefined)
  assert.is(told.at(-1), 'run over')
  assert.not.ok(source.streaming)
})

test('a run to the end is asked for without one, and the last chunk is as short as it is', () => {
  const { source, streams, told, give } = setUp({ size: CHUNK + 7 })
  source.begin({ start: 1, end: 2 })
  assert.is(streams[0]!.request.end, undefined)
  streams[0]!.handler.onStart(CHUNK)
  give(7)
  assert.equal(told, ['1: 7'])
})

test('it ends before a chunk that isn’t wanted', () => {
  const { source, streams, told, give } = setUp({ wants: (chunk) => chunk < 3 })
  source.begin({ start: 2, end: 8 })
  streams[0]!.handler.onStart(2 * CHUNK)
  give(2 * CHUNK)
  assert.equal(told, [`2: ${CHUNK}`, 'run over'])
  assert.is(streams[0]!.state, 'stopped')
})

test('a mirror without ranges is read from the start, what isn’t wanted passed over', () => {
  const { source, streams, told, give } = setUp({ wants: (chunk) => chunk >= 2 })
  source.begin({ start: 2, end: 3 })
  streams[0]!.handler.onStart(0)
  give(3 * CHUNK)
  assert.equal(told, [`2: ${CHUNK}`])
})

for (const [why, end, bytes] of [
  ['says so', new PacsrvError('mirror', 'no route'), 0],
  ['sends too little', undefined, CHUNK],
  ['sends more than the file', undefined, 8 * CHUNK + 1],
] as const)
  test(`one that ${why} has failed, and is told once`, () => {
    const { source, streams, told, give } = setUp()
    source.begin({ start: 0, end: 8 })
    streams[0]!.handler.onStart(0)
    give(bytes)
    streams[0]!.handler.onEnd(end)
    assert.is(told.filter((line) => line.startsWith('gone')).length, 1)
  })

test('it is held back while more than 8 MiB wait to be written, and that is no silence of its own', () => {
  const { clock, source, streams, give } = setUp({ size: 20 * MIB })
  source.begin({ start: 0, end: 320 })
  streams[0]!.handler.onStart(0)
  give(8 * MIB)
  assert.is(streams[0]!.state, 'running')
  give(CHUNK)
  assert.is(streams[0]!.state, 'paused')
  clock.advance(60_000)
  assert.is(source.heard, 60_000)
  source.settled(CHUNK)
  assert.is(streams[0]!.state, 'running')
})

test('it is held back by the download limit, for as long as it takes', () => {
  const { clock, source, streams, give } = setUp({ limit: 8 * CHUNK })
  source.begin({ start: 0, end: 8 })
  streams[0]!.handler.onStart(0)
  for (let n = 0; n < 8; n++) give(CHUNK)
  assert.is(streams[0]!.state, 'paused')
  clock.advance(2_000)
  assert.is(streams[0]!.state, 'running')
})

test('it has a password in its URL, and none in its label', () => {
  assert.is(setUp().source.label, 'http://m/some.pkg')
})

test.run()
