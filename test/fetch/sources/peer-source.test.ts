import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createPeerSource } from '../../../src/fetch/sources/peer-source.ts'
import type { Asker, ChunkAnswer } from '../../../src/transfer/asker.ts'
import { createClock } from '../../clock.ts'

const CHUNK = 64 * 1024

function setUp({ has = undefined as Set<number> | undefined } = {}) {
  const clock = createClock()
  const requests: { chunk: number; answer(answer: ChunkAnswer): void }[] = []
  const told: string[] = []
  const link = { received: 0 }
  let close = (_: Error | undefined) => {}
  let isOver = false
  const asker = {
    session: { id: 'a'.repeat(64), remote: '10.0.0.1:8048', link },
    chunk(_: string, chunk: number, answer: (answer: ChunkAnswer) => void) {
      requests.push({ chunk, answer })
      return requests.length - 1
    },
    cancel: (request: number) => void told.push(`cancel ${requests[request]!.chunk}`),
    onClose(listener: typeof close) {
      close = listener
      return () => {
        close = () => {}
      }
    },
  } as unknown as Asker
  const source = createPeerSource(
    { asker, clock },
    {
      sha256: 'f'.repeat(64),
      chunkBytes: CHUNK,
      handler: {
        onChunk: (_, chunk) => void told.push(`chunk ${chunk}`),
        onRefused: (_, chunk) => void told.push(`refused ${chunk}`),
        onGone: (_, { message }) => void told.push(`gone: ${message}`),
      },
      ...(has && { partial: { has: (chunk) => has.has(chunk), news: () => has.size, isOver: () => isOver } }),
    },
  )
  return {
    clock,
    source,
    requests,
    told,
    link,
    close: () => close(undefined),
    becomesWhole() {
      isOver = true
    },
    give: (at: number) => requests[at]!.answer({ bytes: Buffer.alloc(CHUNK) }),
    refuse: (at: number, refused: 'busy' | 'absent') => requests[at]!.answer({ refused }),
  }
}

test('what it gives is handed on, and says how fast and how near it is', () => {
  const { clock, source, told, give } = setUp()
  source.ask(3)
  clock.advance(100)
  give(0)
  assert.equal(told, ['chunk 3'])
  assert.is(source.latency, 100)
  assert.ok(Math.abs(source.rate() - CHUNK * 10) < CHUNK)
  assert.ok(source.near)
  assert.is(source.heard, undefined, 'nothing is waited for')
})

test('busy it keeps its place; without the file it goes', () => {
  const { source, told, refuse } = setUp()
  source.ask(0)
  refuse(0, 'busy')
  assert.equal(told.splice(0), ['refused 0'])
  assert.is.not(source.heard, undefined, 'its next answer is waited for')
  source.ask(1)
  refuse(1, 'absent')
  assert.match(told[0]!, /^gone: .*no longer has the file/)
})

test('a member is believed until it has refused 8 chunks that it said it had; then it goes', () => {
  const { source, told, refuse } = setUp({ has: new Set(Array.from({ length: 20 }, (_, n) => n)) })
  assert.ok(source.partial)
  for (let chunk = 0; chunk < 7; chunk++) {
    source.ask(chunk)
    refuse(chunk, 'absent')
    assert.is(told.at(-1), `refused ${chunk}`)
    assert.not.ok(source.has(chunk), 'it isn’t asked for that again')
  }
  source.ask(7)
  refuse(7, 'absent')
  assert.match(told.at(-1)!, /^gone/)
})

test('a member that gives may refuse as many more, and what it says anew counts again', () => {
  const has = new Set(Array.from({ length: 20 }, (_, n) => n))
  const { source, told, give, refuse } = setUp({ has })
  source.ask(0)
  give(0)
  for (let chunk = 1; chunk < 9; chunk++) {
    source.ask(chunk)
    refuse(chunk, 'absent')
    assert.is(told.at(-1), `refused ${chunk}`)
  }
  assert.not.ok(source.has(8))
  has.add(20)
  assert.ok(source.has(8), 'it has told again')
  source.ask(9)
  refuse(9, 'absent')
  assert.match(told.at(-1)!, /^gone/)
})

test('a member has what it says, and its news is told; when it has the whole, all', () => {
  const has = new Set([1])
  const { source, becomesWhole } = setUp({ has })
  assert.equal([source.has(0), source.has(1)], [false, true])
  const before = source.news
  has.add(0)
  assert.is.not(source.news, before)
  becomesWhole()
  assert.equal([source.partial, source.has(5)], [false, true])
})

test('part of a chunk on its way is heard; a sign of life isn’t', () => {
  const { clock, source, link } = setUp()
  source.ask(0)
  clock.advance(500)
  link.received += 4095
  assert.is(source.heard, 0)
  link.received += 1
  assert.is(source.heard, 500)
})

test('until a chunk has come its bytes tell how fast it comes; who sends none stays unknown', () => {
  const { clock, source, link } = setUp()
  source.ask(0)
  clock.advance(200)
  link.received += 10_000
  assert.is(source.rate(), 0, 'that says nothing yet')
  clock.advance(800)
  assert.is(source.rate(), 10_000)
  link.received += 10 * CHUNK
  assert.is(source.rate(), CHUNK, 'a chunk has no more bytes')
  const silent = setUp()
  silent.source.ask(0)
  silent.clock.advance(5_000)
  assert.is(silent.source.rate(), 0)
})

test('what is called off is told to it; what is closed is called off and not told to us', () => {
  const { source, told, close } = setUp()
  source.ask(0)
  source.ask(1)
  source.cancel(0)
  source.cancel(0)
  source.close()
  close()
  assert.equal(told, ['cancel 0', 'cancel 1'])
})

test('a connection that ends is told once', () => {
  const { told, close } = setUp()
  close()
  assert.is(told.length, 1)
  assert.match(told[0]!, /^gone: 10.0.0.1:8048 is gone/)
})

test.run()
