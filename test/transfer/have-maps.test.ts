import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { packMaps, unpackMaps } from '../../src/transfer/have-maps.ts'

const filled = (chunks: number, value = 1) => new Uint8Array(chunks).fill(value)

test('both maps come as they went, whatever the number of chunks', () => {
  for (const chunks of [1, 7, 8, 9, 16_384]) {
    const hand = filled(chunks, 0).map((_, chunk) => Number(chunk % 3 === 0))
    const own = filled(chunks, 0).map((_, chunk) => Number(chunk % 2 === 0))
    const packed = packMaps({ hand, own })
    assert.is(packed.length, 2 * Math.ceil(chunks / 8))
    assert.equal(unpackMaps(packed, chunks), { hand, own })
  }
})

test('the example of docs/protocol.md', () => {
  assert.equal(unpackMaps(Buffer.from('0f80', 'hex'), 8), {
    hand: Uint8Array.from([1, 1, 1, 1, 0, 0, 0, 0]),
    own: Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 1]),
  })
})

test('another length, or a bit past the last chunk, is refused', () => {
  const packed = packMaps({ hand: filled(9), own: filled(9) })
  assert.is(unpackMaps(packed, 17), undefined)
  assert.is(unpackMaps(packed.subarray(1), 9), undefined)
  for (const map of [1, 3]) {
    const spoilt = Buffer.from(packed)
    spoilt[map]! |= 2
    assert.is(unpackMaps(spoilt, 9), undefined)
  }
})

test.run()
