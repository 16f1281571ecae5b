import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createGossip, GATHER_MS } from '../../../src/fetch/crowd/gossip.ts'
import type { Asker } from '../../../src/transfer/asker.ts'
import { unpackMaps } from '../../../src/transfer/have-maps.ts'
import { createClock } from '../../clock.ts'

/** Two spans. */
const CHUNKS = 8
const SPAN = 4

function setUp({ hasList = false } = {}) {
  const clock = createClock(1_000_000)
  const over = new AbortController()
  const maps = () => ({ hand: new Uint8Array(CHUNKS), own: new Uint8Array(CHUNKS) })
  const now = maps()
  const gossip = createGossip(
    { clock, signal: over.signal },
    { sha256: 'f'.repeat(64), chunks: CHUNKS, spanChunks: SPAN },
    { maps: () => ({ hand: now.hand.slice(), own: now.own.slice() }), hasList: () => hasList },
  )
  /** What it is told it has, chunk by chunk. */
  function listener(id: string, keepsUp = () => true, which: 'hand' | 'own' = 'hand') {
    const heard: string[] = []
    const have = (_: string, payload: Uint8Array) => {
      heard.push(unpackMaps(payload, CHUNKS)![which].join(''))
      return keepsUp()
    }
    gossip.add({ session: { id }, have } as unknown as Asker)
    return heard
  }
  const set = (map: Uint8Array, chunks: number[], to = 1) => {
    for (const chunk of chunks) map[chunk] = to
    gossip.changed()
    clock.advance(0)
  }
  return {
    clock,
    gossip,
    listener,
    over,
    maps,
    claims: (...chunks: number[]) => set(now.own, chunks),
    givesUp: (...chunks: number[]) => set(now.own, chunks, 0),
    hasFromMirror(...chunks: number[]) {
      for (const chunk of chunks) now.own[chunk] = 1
      set(now.hand, chunks)
    },
    hasFromOthers: (...chunks: number[]) => set(now.hand, chunks),
  }
}

test('that a span is begun is told at once, what comes of it is gathered, its last at once', () => {
  const { clock, listener, claims, hasFromMirror } = setUp()
  const heard = listener('ann')
  claims(0, 1, 2, 3)
  assert.equal(heard, ['00000000'])
  hasFromMirror(0)
  hasFromMirror(1)
  clock.advance(GATHER_MS.mirror - 1)
  assert.is(heard.length, 1)
  clock.advance(1)
  assert.equal(heard.slice(1), ['11000000'])
  hasFromMirror(2)
  hasFromMirror(3)
  assert.equal(heard.slice(2), ['11110000'])
  clock.advance(5_000)
  assert.is(heard.length, 3, 'nothing is told twice')
})

test('what others gave is gathered longer where a list makes it of use, and isn’t told where none does', () => {
  for (const hasList of [true, false]) {
    const { clock, listener, claims, hasFromOthers } = setUp({ hasList })
    const heard = listener('ann')
    claims(0)
    hasFromOthers(5)
    clock.advance(GATHER_MS.other)
    assert.equal(heard.slice(1), hasList ? ['00000100'] : [])
  }
})

test('the larger the crowd, the longer news is gathered', () => {
  const { clock, listener, claims, hasFromMirror } = setUp()
  const [first] = Array.from({ length: 16 }, (_, n) => listener(`${n}`))
  claims(0, 1, 2, 3)
  hasFromMirror(0)
  clock.advance(GATHER_MS.mirror)
  assert.is(first!.length, 1)
  clock.advance(GATHER_MS.mirror)
  assert.is(first!.length, 2)
})

test('who has what is new is not told of it', () => {
  const { clock, gossip, listener, maps, claims, hasFromMirror } = setUp()
  const [ann, bob] = [listener('ann'), listener('bob')]
  const its = maps()
  its.hand.fill(1)
  gossip.heard('ann', its)
  for (const id of ['ann', 'bob']) gossip.tell(id)
  claims(0, 1)
  hasFromMirror(0)
  hasFromMirror(1)
  clock.advance(1_000)
  assert.is(ann.length, 1)
  assert.equal(bob.slice(2), ['11000000'])
})

test('one is told how far this node is, but not what it knows', () => {
  const { gossip, listener, claims } = setUp()
  const ann = listener('ann')
  gossip.tell('ann')
  gossip.tell('ann')
  assert.is(ann.length, 1, 'that nothing is here yet it must hear too')
  claims(0)
  gossip.tell('ann')
  assert.is(ann.length, 2)
})

test('what one alone was told is taken back at once', () => {
  const { gossip, listener, claims, givesUp } = setUp()
  const heard = listener('ann', undefined, 'own')
  claims(0)
  const late = listener('bob', undefined, 'own')
  gossip.tell('bob')
  givesUp(0)
  assert.equal([heard.at(-1), late], ['00000000', ['10000000', '00000000']])
})

test('what is as it was is told again after 10 s', () => {
  const { clock, gossip, listener, claims } = setUp()
  const heard = listener('ann')
  claims(0)
  clock.advance(9_999)
  gossip.tick()
  assert.is(heard.length, 1)
  clock.advance(1)
  gossip.tick()
  assert.is(heard.length, 2)
})

test('one that doesn’t read is told again when it has had a while, and then all', () => {
  const { clock, listener, claims, hasFromMirror } = setUp()
  let keepsUp = false
  const slow = listener('slow', () => keepsUp)
  const quick = listener('quick')
  claims(0)
  keepsUp = true
  hasFromMirror(0)
  assert.equal([slow.length, quick.length], [1, 2])
  clock.advance(300)
  assert.is(slow.at(-1), '10000000')
  assert.is(quick.length, 2)
})

test('at the end all are told the last, and nothing after it', () => {
  const { clock, gossip, listener, claims, maps, over } = setUp()
  const heard = listener('ann')
  claims(0)
  over.abort()
  gossip.close({ ...maps(), hand: new Uint8Array(CHUNKS).fill(1) }, () => false)
  clock.advance(20_000)
  assert.equal(heard, ['00000000', '11111111'])
})

test('who hears of the end otherwise is told only what it must know to go on', () => {
  for (const had of [false, true]) {
    const { gossip, listener, claims, hasFromMirror } = setUp()
    const heard = listener('ann')
    claims(0)
    if (had) hasFromMirror(0)
    const last = { hand: new Uint8Array(CHUNKS).fill(1), own: Uint8Array.from([1, 0, 0, 0, 0, 0, 0, 0]) }
    gossip.close(last, () => true)
    assert.is(heard.at(-1), had ? '10000000' : '11111111')
  }
})

test('who has left is told nothing', () => {
  const { clock, gossip, listener, claims } = setUp()
  const heard = listener('ann')
  gossip.remove('ann')
  claims(0)
  gossip.tell('ann')
  clock.advance(20_000)
  gossip.tick()
  assert.equal(heard, [])
})

test.run()
