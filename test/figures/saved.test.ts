import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { noCounts } from '../../src/figures/counts.ts'
import { savedSentence } from '../../src/figures/saved.ts'

const MIB = 1024 ** 2

for (const [counts, sentence] of [
  [{}, 'Today nothing was downloaded.'],
  [{ toWorld: 5 * MIB }, 'Today nothing was downloaded; 5.0 MiB were given to others.'],
  [{ fromMirror: 3 * MIB }, 'Today all of 3.0 MiB came from mirrors.'],
  [
    { fromMirror: 3 * MIB, toSite: MIB, toWorld: 5 * MIB },
    'Today all of 3.0 MiB came from mirrors, and 6.0 MiB were given to others.',
  ],
  [
    { fromSite: 3 * MIB, fromMirror: MIB * 1 },
    'Today 75 % of 4.0 MiB came from other machines instead of a mirror (3.0 MiB from this site).',
  ],
  [
    { fromSite: 3 * MIB, fromWorld: 4 * MIB, toSite: 9 * MIB },
    'Today 100 % of 7.0 MiB came from other machines instead of a mirror (3.0 MiB from this site, 4.0 MiB from the world), and 9.0 MiB were given to others.',
  ],
] as const) {
  test(sentence, () => assert.is(savedSentence({ ...noCounts(), ...counts }, 'Today'), sentence))
}

test('a little is not none, and nearly all not all', () => {
  const of = (fromSite: number, fromMirror: number) =>
    savedSentence({ ...noCounts(), fromSite, fromMirror }, 'Ever')
  assert.match(of(1, 10 * MIB), /^Ever 1 % of/)
  assert.match(of(10 * MIB, 1), /^Ever 99 % of/)
})

test.run()
