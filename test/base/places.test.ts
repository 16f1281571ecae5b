import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { countBy, whoGivesUp } from '../../src/base/places.ts'

for (const [what, taken, newcomer, gives] of [
  ['the one with the most', { a: 2, b: 3 }, 'n', 'b'],
  ['the first of two with the same', { a: 2, b: 2 }, 'n', 'a'],
  ['nobody where each has one', { a: 1, b: 1 }, 'n', undefined],
  ['nobody where the newcomer has as many', { a: 2, n: 2 }, 'n', undefined],
  ['nobody with only one more', { a: 3, n: 2 }, 'n', undefined],
  ['who has two more', { a: 4, n: 2 }, 'n', 'a'],
  ['nobody where there is nobody', {}, 'n', undefined],
] as const) {
  test(`a place is given up by ${what}`, () => {
    assert.is(whoGivesUp(new Map(Object.entries(taken)), newcomer), gives)
  })
}

test('places are counted by their key', () => {
  assert.equal(
    [...countBy(['ab', 'cd', 'ae'], (text) => text[0]!)],
    [
      ['a', 2],
      ['c', 1],
    ],
  )
})

test.run()
