import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createGossip, TELL_MS } from '../../../src/fetch/crowd/gossip.ts'
import type { Asker } from '../../../src/transfer/asker.ts'
import { unpackMaps } from '../../../src/transfer/have-maps.ts'
import { createClock } from '../../clock.ts'

const CHUNKS = 4

function setUp() {
  const clock = createClock()
  const over = new AbortController()
  const now = { hand: new Uint8Array(CHUNKS), own: new Uint8Array(CHUNKS) }
  const gossip = createGossip({ clock, signal: over.signal }, 'f'.repeat(64), () => now)
  function listener(id: string, keepsUp = () => true) {
    const heard: (number[] | undefined)[] = []
    const have = (_: string, payload: Uint8Array) => {
      const maps = unpackMaps(payload, CHUNKS)
      heard.push(maps && [...maps.hand])
      return keepsUp()
    }
    gossip.add({ session: { id }, have } as unknown as Asker)
    return heard
  }
  const got = (chunk: number) => {
    now.hand[chunk] = 1
  }
  return { clock, gossip, listener, got, over }
}

for (const [what, ms] of Object.entries(TELL_MS))
  test(`news of the kind "${what}" is told within ${ms} ms, all of it at once`, () => {
    const { clock, gossip, listener, got } = setUp()
    const heard = listener('ann')
    got(0)
    gossip.changed(TELL_MS.other)
    got(1)
    gossip.changed(ms)
    clock.advance(ms)
    clock.advance(1)
    assert.equal(heard, [[1, 1, 0, 0]])
    clock.advance(2_000)
    assert.is(heard.length, 1, 'nothing is told twice')
  })

test('what is as it was isn’t told again, but after 10 s', () => {
  const { clock, gossip, listener } = setUp()
  const heard = listener('ann')
  gossip.changed(0)
  clock.advance(1)
  assert.is(heard.length, 1)
  gossip.changed(0)
  clock.advance(9_000)
  gossip.tick()
  assert.is(heard.length, 1)
  clock.advance(10_000)
  gossip.tick()
  assert.is(heard.length, 2)
})

test('one that doesn’t read is told again when it has had a while, and then all', () => {
  const { clock, gossip, listener, got } = setUp()
  let keepsUp = false
  const slow = listener('slow', () => keepsUp)
  const quick = listener('quick')
  gossip.changed(0)
  clock.advance(1)
  keepsUp = true
  got(0)
  gossip.changed(0)
  clock.advance(1)
  assert.equal([slow.length, quick.length], [1, 2])
  clock.advance(300)
  assert.equal(slow.at(-1), [1, 0, 0, 0])
  assert.is(quick.length, 2)
})

test('at the end all are told the last, and nothing after it', () => {
  const { clock, gossip, listener, over } = setUp()
  const heard = listener('ann')
  gossip.changed(50)
  over.abort()
  gossip.close({ hand: new Uint8Array(CHUNKS).fill(1), own: new Uint8Array(CHUNKS) })
  clock.advance(20_000)
  assert.equal(heard, [[1, 1, 1, 1]])
})

test('who has left is told nothing', () => {
  const { clock, gossip, listener } = setUp()
  const heard = listener('ann')
  gossip.remove('ann')
  gossip.changed(0)
  gossip.tell('ann')
  clock.advance(20_000)
  gossip.tick()
  assert.equal(heard, [])
})

test.run()
