import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createChunkMap } from '../../../src/fetch/file/chunk-map.ts'

const CHUNK = 64 * 1024

test('counts what is here, and how far it reaches without a gap', () => {
  const map = createChunkMap(3 * CHUNK + 1)
  assert.is(map.chunks, 4)
  map.here(1)
  map.here(1)
  assert.equal([map.count, map.prefix, map.bytesLeft], [1, 0, 2 * CHUNK + 1])
  map.here(0)
  map.here(3)
  assert.equal([map.count, map.prefix, map.bytesLeft], [3, 2, CHUNK])
  map.missing(0)
  map.missing(0)
  assert.equal([map.count, map.prefix, map.bytesLeft], [2, 0, 2 * CHUNK])
  map.here(0)
  map.here(2)
  assert.equal([map.count, map.prefix, map.bytesLeft], [4, 4, 0])
})

test('what is being written is neither missing nor here', () => {
  const map = createChunkMap(2 * CHUNK)
  map.writing(0)
  assert.equal([map.has(0), map.isMissing(0), map.beingWritten], [false, false, 1])
  assert.is(map.bytesLeft, 2 * CHUNK)
  map.here(0)
  assert.equal([map.has(0), map.isMissing(0), map.beingWritten], [true, false, 0])
})

test('losses grow when something is missing again, and only then', () => {
  const map = createChunkMap(2 * CHUNK)
  map.writing(0)
  map.here(0)
  assert.is(map.losses, 0)
  map.missing(0)
  map.writing(1)
  map.missing(1)
  assert.is(map.losses, 2)
  assert.ok(map.isMissing(0) && map.isMissing(1))
  assert.is(map.beingWritten, 0)
})

test.run()
