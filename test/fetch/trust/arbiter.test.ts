import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLimiter } from '../../../src/base/limiter.ts'
import { silentLog } from '../../../src/base/log.ts'
import { sha256 } from '../../../src/base/sha256.ts'
import { createArbiter } from '../../../src/fetch/trust/arbiter.ts'
import { createChunkLists } from '../../../src/fetch/trust/chunk-lists.ts'
import type { MirrorHandler, MirrorRequest } from '../../../src/mirror/curl.ts'
import { createClock } from '../../clock.ts'
import { chunkOf, listOf, makeContent, spoilt } from '../job/lab.ts'

const CHUNK = 64 * 1024
const content = makeContent(4 * CHUNK)
const file = { sha256: sha256(content), size: content.length }

function setUp({ mirrors = ['http://m/some.pkg'], differs = true } = {}) {
  const clock = createClock()
  const opened: { request: MirrorRequest; handler: MirrorHandler; stopped: boolean }[] = []
  const decided: [number, string][] = []
  const held: boolean[] = []
  const over = new AbortController()
  const arbiter = createArbiter(
    {
      clock,
      log: silentLog,
      trust: { contradiction: () => (differs ? 2 : undefined), decide: (...what) => void decided.push(what) },
      downloads: createLimiter(clock, undefined),
      openMirror(request, handler) {
        const stream = { request, handler, stopped: false }
        opened.push(stream)
        return {
          stop() {
            stream.stopped = true
          },
          pause() {},
          resume() {},
        }
      },
    },
    { size: file.size, mirrors, environment: {}, signal: over.signal },
    (now) => void held.push(now),
  )
  const lists = createChunkLists(file)
  const list = lists.add(listOf(spoilt(content, 2)), { id: 'somebody' })!
  return { arbiter, list, clock, opened, decided, held, over }
}

test('the mirror is asked for the chunk in which they differ, and for no more', async () => {
  const { arbiter, list, opened, decided, held } = setUp()
  const done = arbiter.decide(list)
  assert.equal(held, [true])
  const { request, handler } = opened[0]!
  assert.equal([request.start, request.end], [2 * CHUNK, 3 * CHUNK - 1])
  handler.onStart(2 * CHUNK)
  handler.onBytes(chunkOf(content, 2))
  await done
  assert.equal(decided, [[2, sha256(chunkOf(content, 2))]])
  assert.equal(held, [true, false])
  assert.ok(opened[0]!.stopped)
})

test('while one contradiction is looked into no second is', async () => {
  const { arbiter, list, opened } = setUp()
  void arbiter.decide(list)
  await arbiter.decide(list)
  assert.is(opened.length, 1)
})

test('lists that agree, and a file without a mirror, ask nobody and hold nobody up', async () => {
  for (const how of [{ differs: false }, { mirrors: [] }]) {
    const { arbiter, list, opened, held } = setUp(how)
    await arbiter.decide(list)
    assert.equal([opened.length, held.length], [0, 0])
  }
})

for (const [why, happens] of [
  ['is silent for 5 s', ({ clock }: ReturnType<typeof setUp>) => clock.advance(5_000)],
  ['ends early', ({ opened }: ReturnType<typeof setUp>) => opened[0]!.handler.onEnd(undefined)],
  ['is asked when the job is over', ({ over }: ReturnType<typeof setUp>) => over.abort()],
] as const)
  test(`a mirror that ${why} decides nothing, and peers are asked again`, async () => {
    const lab = setUp()
    const done = lab.arbiter.decide(lab.list)
    happens(lab)
    await done
    assert.equal(lab.decided, [])
    assert.equal(lab.held, [true, false])
    assert.ok(lab.opened[0]!.stopped || why === 'ends early')
  })

test('just before 5 s it is still waited for', () => {
  const { arbiter, list, clock, held } = setUp()
  void arbiter.decide(list)
  clock.advance(4_999)
  assert.equal(held, [true])
})

test.run()
