import { setImmediate as nextTurn } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLimiter } from '../../../src/base/limiter.ts'
import { silentLog } from '../../../src/base/log.ts'
import { sha256 } from '../../../src/base/sha256.ts'
import { createArbiter } from '../../../src/fetch/trust/arbiter.ts'
import type { MirrorHandler, MirrorRequest } from '../../../src/mirror/curl.ts'
import { createClock } from '../../clock.ts'
import { chunkOf, makeContent } from '../job/lab.ts'

const CHUNK = 64 * 1024
const content = makeContent(4 * CHUNK)
const file = { sha256: sha256(content), size: content.length }

function setUp({ mirrors = ['http://m/some.pkg'], contradictions = 1 } = {}) {
  const clock = createClock()
  const opened: { request: MirrorRequest; handler: MirrorHandler; stopped: boolean }[] = []
  const decided: [number, string][] = []
  const over = new AbortController()
  const arbiter = createArbiter(
    {
      clock,
      log: silentLog,
      trust: {
        contradiction: () => (decided.length < contradictions ? 2 : undefined),
        decide: (...what) => decided.push(what) > 0,
      },
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
  )
  return { arbiter, clock, opened, decided, over }
}

test('the mirror is asked for the chunk in which they differ, and for no more', async () => {
  const { arbiter, opened, decided } = setUp()
  const done = arbiter.decide()
  const { request, handler } = opened[0]!
  assert.equal([request.start, request.end], [2 * CHUNK, 3 * CHUNK - 1])
  handler.onStart(2 * CHUNK)
  handler.onBytes(chunkOf(content, 2))
  await done
  assert.equal(decided, [[2, sha256(chunkOf(content, 2))]])
  assert.ok(opened[0]!.stopped)
})

test('while one contradiction is looked into no second is', async () => {
  const { arbiter, opened } = setUp()
  void arbiter.decide()
  await arbiter.decide()
  assert.is(opened.length, 1)
})

test('lists that agree, and a file without a mirror, ask nobody', async () => {
  for (const how of [{ contradictions: 0 }, { mirrors: [] }]) {
    const { arbiter, opened } = setUp(how)
    await arbiter.decide()
    assert.is(opened.length, 0)
  }
})

for (const [why, happens] of [
  ['is silent for 5 s', ({ clock }: ReturnType<typeof setUp>) => clock.advance(5_000)],
  ['ends early', ({ opened }: ReturnType<typeof setUp>) => opened[0]!.handler.onEnd(undefined)],
  ['is asked when the job is over', ({ over }: ReturnType<typeof setUp>) => over.abort()],
] as const)
  test(`a mirror that ${why} decides nothing, and peers are asked again`, async () => {
    const lab = setUp()
    const done = lab.arbiter.decide()
    happens(lab)
    await done
    assert.equal(lab.decided, [])
    assert.ok(lab.opened[0]!.stopped || why === 'ends early')
  })

test('just before 5 s it is still waited for', () => {
  const { arbiter, clock, opened } = setUp()
  void arbiter.decide()
  clock.advance(4_999)
  assert.not.ok(opened[0]!.stopped)
})

test('what still contradicts is looked into after it', async () => {
  const { arbiter, opened, decided } = setUp({ contradictions: 2 })
  const done = arbiter.decide()
  for (const chunk of [2, 2]) {
    const { handler } = opened.at(-1)!
    handler.onStart(chunk * CHUNK)
    handler.onBytes(chunkOf(content, chunk))
    await nextTurn()
  }
  await done
  assert.is(decided.length, 2)
})

test.run()
