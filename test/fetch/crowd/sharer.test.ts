import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { claimsOf, type Debt, hear, judge, newSharer } from '../../../src/fetch/crowd/sharer.ts'

const CHUNK = 64 * 1024
const CHUNKS = 128

const upTo = (count: number) => Uint8Array.from({ length: CHUNKS }, (_, chunk) => Number(chunk < count))
const says = (had: number) => ({ hand: upTo(had), own: upTo(CHUNKS) })
const sharer = () => newSharer('ann', { maps: says(0), size: CHUNKS * CHUNK, spanChunks: 16, now: 0 })
const debt = (now: number, change: Partial<Debt> = {}): Debt => ({
  now,
  bytes: 100 * CHUNK,
  isProved: true,
  rate: 1_000_000,
  rateBefore: 0,
  ...change,
})

test('a claim is the how manieth of its run', () => {
  const claims = claimsOf(8, (chunk) => [1, 2, 3, 6].includes(chunk))
  assert.equal(
    [...claims].map(([chunk, { place, run }]) => [chunk, place, run]),
    [
      [1, 1, 3],
      [2, 2, 3],
      [3, 3, 3],
      [6, 1, 1],
    ],
  )
})

test('what it has in hand it claims no more', () => {
  const member = sharer()
  hear(member, says(10), 1)
  assert.equal([member.claims.size, member.claims.get(10)], [CHUNKS - 10, { place: 1, run: CHUNKS - 10 }])
})

for (const [who, change, ms] of [
  ['who has given before', {}, 3_262],
  ['who has never given', { isProved: false }, 565],
  ['… while nobody knows how fast the mirror is', { isProved: false, rate: 0 }, 762],
  ['… where the mirror is slow', { isProved: false, rate: 0, rateBefore: 32_768 }, 2_499],
] as [string, Partial<Debt>, number][])
  test(`without progress it is stuck in its time: ${who}`, () => {
    const member = sharer()
    judge(member, debt(0, change))
    judge(member, debt(ms, change))
    assert.not.ok(member.stuck)
    judge(member, debt(ms + 1, change))
    assert.ok(member.stuck)
    hear(member, says(1), ms + 2)
    assert.not.ok(member.stuck)
  })

test('it is not slow for what it brought in its first three seconds, nor for good', () => {
  const member = sharer()
  judge(member, debt(0))
  hear(member, says(1), 1_000)
  hear(member, says(2), 3_900)
  judge(member, debt(3_999))
  assert.not.ok(member.slow)
  judge(member, debt(4_000))
  assert.ok(member.slow)
  hear(member, says(100), 5_000)
  judge(member, debt(5_000))
  assert.not.ok(member.slow)
})

test.run()
