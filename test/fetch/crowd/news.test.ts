import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isOfUse, newsOf } from '../../../src/fetch/crowd/news.ts'
import type { HaveMaps } from '../../../src/transfer/have-maps.ts'

const SPAN = 4

/** One letter a chunk: `.` nothing, `c` claimed, `m` had from the mirror, `o` had from others. */
function maps(text: string): HaveMaps {
  const of = (letters: string) => Uint8Array.from(text, (letter) => (letters.includes(letter) ? 1 : 0))
  return { hand: of('mo'), own: of('cm') }
}

const cases: [what: string, told: string, now: string, news: ReturnType<typeof newsOf>][] = [
  ['nothing', 'mc..oo..', 'mc..oo..', undefined],
  ['a span is begun', '........', 'cccc....', 'turn'],
  ['a span is begun behind another', 'mccc....', 'mccccccc', 'turn'],
  ['more of a span has come', 'mccc....', 'mmmc....', 'mirror'],
  ['more of it is asked for, one by one', 'mc......', 'mmc.....', 'mirror'],
  ['the last of a span has come', 'mmmc....', 'mmmm....', 'turn'],
  ['all that was asked for has come', 'mmc.....', 'mmm.....', 'turn'],
  ['all of a short span at once', '........', 'm.......', 'turn'],
  ['a claim is given up', 'cccc....', '........', 'turn'],
  ['a chunk of others', 'mccc....', 'mccco...', 'other'],
  ['a chunk of others was wrong', 'o.......', '........', 'turn'],
]
for (const [what, told, now, news] of cases)
  test(`what is new: ${what}`, () => assert.is(newsOf(maps(told), maps(now), SPAN), news))

const uses: [what: string, told: string, now: string, has: string, anyChunk: boolean, use: boolean][] = [
  ['nothing new', 'mc..', 'mc..', '....', true, false],
  ['what the mirror gave', 'mc..', 'mm..', '....', false, true],
  ['what it has itself', 'mc..', 'mm..', 'oo..', true, false],
  ['a claim', '....', 'c...', '....', false, true],
  ['a claim of what it has', '....', 'c...', 'o...', false, false],
  ['a chunk of others, without a list', '....', 'o...', '....', false, false],
  ['a chunk that was wrong, to one that said it has it', 'o...', '....', 'o...', false, true],
  ['a chunk of others, by a list', '....', 'o...', '....', true, true],
]
for (const [what, told, now, has, anyChunk, use] of uses)
  test(`of use to one: ${what}: ${use}`, () => {
    const its = { told: maps(told), has: maps(has).hand }
    assert.is(isOfUse({ now: maps(now), anyChunk }, its), use)
  })

test.run()
