import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Giving, isDoubtful, isHopeless, wasInVain } from '../../../src/fetch/job/source-standing.ts'

const CHUNK = 65_536
const SILENT: Giving = { gave: 0, waited: 565, progress: 0, rateThen: 0, doubts: 0, chunkBytes: CHUNK }
const GAVE: Partial<Giving> = { gave: 9, rateThen: CHUNK }

const doubted: [string, Partial<Giving>, boolean][] = [
  ['who has given nothing for half a second and a chunk’s time', { waited: 566 }, true],
  ['… just before', { waited: 565 }, false],
  ['… whose first chunk is on its way, slowly', { waited: 1_000, progress: 32_000 }, false],
  ['… that drips', { waited: 1_000, progress: 31_999 }, true],
  ['… that sends eight chunks’ bytes and no chunk', { waited: 100, progress: 8 * CHUNK + 1 }, true],
  ['… of a file with large chunks', { waited: 1_548, chunkBytes: 1024 * 1024 }, false],
  ['… and later', { waited: 1_549, chunkBytes: 1024 * 1024 }, true],
  ['who took a second for a chunk before, after 2.5', { ...GAVE, waited: 2_500 }, true],
  ['… just before', { ...GAVE, waited: 2_499 }, false],
  ['… once it was doubted', { ...GAVE, waited: 566, doubts: 1 }, true],
  ['who is slow, after four seconds', { ...GAVE, rateThen: 8_000, waited: 4_000 }, true],
  ['who is quick has half a second all the same', { ...GAVE, rateThen: 1e8, waited: 565 }, false],
]
for (const [who, change, expected] of doubted) {
  test(`doubted: ${who}`, () => assert.is(isDoubtful({ ...SILENT, ...change }), expected))
}

const left: [string, Partial<Giving>, boolean][] = [
  ['who has given nothing in 2 s', { waited: 2_000 }, true],
  ['… just before', { waited: 1_999 }, false],
  ['… and is slow', { waited: 2_000, progress: 64_000 }, false],
  ['who gives nothing for 10 s, whatever trickles', { ...GAVE, waited: 10_048, progress: 400_000 }, true],
  ['… just before', { ...GAVE, waited: 10_047, progress: 400_000 }, false],
]
for (const [who, change, expected] of left) {
  test(`left: ${who}`, () => assert.is(isHopeless({ ...SILENT, ...change }), expected))
}

for (const [who, change, expected] of [
  ['who was asked for a quarter of a second', { waited: 250 }, true],
  ['… just before', { waited: 249 }, false],
  ['… whose chunk was on its way', { waited: 250, progress: 8_000 }, false],
  ['who has given something', { waited: 2_000, gave: 1 }, false],
] as [string, Partial<Giving>, boolean][]) {
  test(`asked in vain: ${who}`, () => assert.is(wasInVain({ ...SILENT, ...change }), expected))
}

test.run()
