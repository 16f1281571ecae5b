import { setImmediate as settled } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PacsrvError } from '../../src/base/error.ts'
import { SMALL_BYTES } from '../../src/base/sizes.ts'
import type { MirrorHandler, MirrorRequest } from '../../src/mirror/curl.ts'
import type { FetchManyOptions } from '../../src/mirror/curl-batch.ts'
import { createSmallFiles } from '../../src/mirror/small-batches.ts'
import { createClock } from '../clock.ts'

function setUp() {
  const clock = createClock()
  /** Curls for one file each, and those for many. */
  const single: { url: string; handler: MirrorHandler; stopped: boolean }[] = []
  const many: { urls: string[]; options: FetchManyOptions; end(): void }[] = []
  const open = createSmallFiles({
    clock,
    open({ url }, handler) {
      const one = { url, handler, stopped: false }
      single.push(one)
      return {
        stop() {
          one.stopped = true
        },
        pause() {},
        resume() {},
      }
    },
    fetchMany: (urls, options) => new Promise((resolve) => many.push({ urls, options, end: resolve })),
  })
  const said: string[] = []
  const get = (url: string, change: Partial<MirrorRequest> = {}) =>
    open(
      { url, start: 0, size: 3, environment: {}, ...change },
      {
        onStart: (offset) => void said.push(`${url} ${offset}`),
        onBytes: (bytes) => void said.push(`${url} ${Buffer.from(bytes)}`),
        onEnd: (error) => void said.push(`${url} ${error ? error.message : 'end'}`),
      },
    )
  return { clock, single, many, get, said, urls: () => single.map(({ url }) => url) }
}

const three = { bytes: Buffer.from('abc') }

test('the first goes at once by itself; what comes meanwhile goes together when it is over', async () => {
  const { single, many, get, said, urls } = setUp()
  for (const url of ['a', 'b', 'c']) get(url)
  assert.equal([urls(), many.length], [['a'], 0])
  single[0]!.handler.onEnd(undefined)
  await settled()
  assert.equal(
    many.map(({ urls }) => urls),
    [['b', 'c']],
  )
  many[0]!.options.onOutcome(1, three)
  many[0]!.options.onOutcome(0, three)
  many[0]!.end()
  await settled()
  assert.equal(said, ['a end', 'c 0', 'c abc', 'c end', 'b 0', 'b abc', 'b end'])
  assert.is(single.length, 1)
  get('d')
  assert.equal(urls(), ['a', 'd'], 'nobody is at work any more')
})

test('nothing waits longer than 200 ms for one that hangs', () => {
  const { clock, many, get, urls } = setUp()
  get('hung')
  get('b')
  clock.advance(100)
  get('c')
  clock.advance(99)
  assert.equal([urls(), many.length], [['hung'], 0])
  clock.advance(1)
  assert.equal(many[0]!.urls, ['b', 'c'])
  get('d')
  clock.advance(200)
  assert.equal(urls(), ['hung', 'd'])
})

test('forty go together, and no more', async () => {
  const { clock, many, get, urls } = setUp()
  for (let n = 0; n < 42; n++) get(`${n}`)
  clock.advance(200)
  assert.is(many[0]!.urls.length, 40)
  clock.advance(200)
  assert.equal(urls(), ['0', '41'])
})

test('the next curl starts when the last five of one are on their way, if five or more wait, and one at a time', async () => {
  const { single, many, get } = setUp()
  for (let n = 0; n < 9; n++) get(`${n}`)
  single[0]!.handler.onEnd(undefined)
  await settled()
  assert.is(many[0]!.urls.length, 8)
  for (let n = 9; n < 13; n++) get(`${n}`)
  for (const index of [0, 1, 2, 3]) many[0]!.options.onOutcome(index, three)
  assert.is(many.length, 1, 'too few wait')
  get('13')
  many[0]!.options.onOutcome(4, three)
  assert.equal(many[1]?.urls, ['9', '10', '11', '12', '13'])
  for (let n = 14; n < 20; n++) get(`${n}`)
  many[0]!.options.onOutcome(5, three)
  assert.is(many.length, 2, 'two are at work')
})

test('what is absent, silent, of another length or not told of is asked for by itself, and its fault is told', async () => {
  const { clock, single, many, get, said, urls } = setUp()
  for (const url of ['a', 'absent', 'silent', 'long', 'untold', 'fine']) get(url)
  clock.advance(200)
  const { onOutcome } = many[0]!.options
  onOutcome(0, 'absent')
  onOutcome(1, 'silent')
  onOutcome(2, { bytes: Buffer.from('abcd') })
  onOutcome(4, three)
  many[0]!.end()
  await settled()
  assert.equal(urls(), ['a', 'absent', 'silent', 'long', 'untold'])
  single[1]!.handler.onEnd(new PacsrvError('mirror', 'the mirror answered 404'))
  assert.equal(said, ['fine 0', 'fine abc', 'fine end', 'absent the mirror answered 404'])
})

test('ranges, and files of more than 256 KiB, are none of its business', () => {
  const { get, urls } = setUp()
  get('small', { size: SMALL_BYTES })
  get('waits', { size: SMALL_BYTES })
  get('large', { size: SMALL_BYTES + 1 })
  get('from', { start: 1 })
  get('to', { end: 1 })
  assert.equal(urls(), ['small', 'large', 'from', 'to'])
})

test('callers with other proxies wait for none but each other', () => {
  const { get, urls } = setUp()
  get('a')
  get('b', { environment: { http_proxy: 'http://proxy' } })
  assert.equal(urls(), ['a', 'b'])
})

test('who is stopped is told nothing more; when all are, their curl is ended, and the next goes', async () => {
  const { clock, single, many, get, said, urls } = setUp()
  const streams = ['a', 'b', 'c', 'd'].map((url) => get(url))
  streams[1]!.stop()
  clock.advance(200)
  assert.equal(many[0]!.urls, ['c', 'd'])
  streams[2]!.stop()
  many[0]!.options.onOutcome(0, three)
  assert.not(many[0]!.options.signal.aborted)
  streams[3]!.stop()
  assert.ok(many[0]!.options.signal.aborted)
  many[0]!.end()
  streams[0]!.stop()
  assert.ok(single[0]!.stopped)
  await settled()
  get('e')
  assert.equal([urls(), said], [['a', 'e'], []])
})

test.run()
