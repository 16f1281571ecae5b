import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { mostCommon } from '../../../src/fetch/signatures/from-peers.ts'

for (const [answers, best] of [
  ['', undefined],
  ['a', 'a'],
  ['ab', 'a'],
  ['abb', 'b'],
  ['abab', 'a'],
] as const) {
  test(`of the answers "${answers}", ${best} counts`, () => {
    assert.is(mostCommon([...answers].map((text) => Buffer.from(text)))?.toString(), best)
  })
}

test.run()
