import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type JobStanding,
  mirrorDelay,
  mirrorHelps,
  secondMirrorHelps,
  whyMirrorIsDue,
} from '../../../src/fetch/job/mirror-rule.ts'

const KIB = 1024
const MB = 1_000_000

for (const [why, setting, size, rate, ms] of [
  ['a set time holds whatever the file', 700, 1, undefined, 700],
  ['a set time of none', 0, 100 * MB, undefined, 0],
  ['auto: nothing just below 256 KiB', 'auto', 256 * KIB - 1, undefined, 0],
  ['auto: at least 50 ms from 256 KiB on', 'auto', 256 * KIB, undefined, 50],
  ['auto: a tenth of what 10 MB/s takes', 'auto', 10 * MB, undefined, 100],
  ['auto: just 2 s', 'auto', 200 * MB, undefined, 2_000],
  ['auto: at most 2 s', 'auto', 300 * MB, undefined, 2_000],
  ['auto: by the rate measured before', 'auto', 10 * MB, 10 * MB, 100],
] as const) {
  test(`delay: ${why}`, () => assert.is(mirrorDelay(setting, size, rate), ms))
}

for (const [why, left, peers, mirror, helps] of [
  ['peers that need just 2 s are left alone', 2 * MB, MB, MB, false],
  ['peers that need more than 2 s are helped', 2 * MB + 1, MB, MB, true],
  ['a mirror that shortens by 15 % is worth it', 85 * MB, 0.85 * MB, 0.1501 * MB, true],
  ['one that shortens by less is not', 85 * MB, 0.85 * MB, 0.1499 * MB, false],
  ['an unknown mirror is taken for 1 MB/s', 85 * MB, 6 * MB, undefined, false],
  ['an unknown mirror beside slow peers', 85 * MB, 5 * MB, undefined, true],
] as const) {
  test(`helps: ${why}`, () => assert.is(mirrorHelps(left, peers, mirror), helps))
}

const standing: JobStanding = {
  elapsed: 100,
  delay: 500,
  hasNeighbours: true,
  searching: true,
  memberAwaited: false,
  inCrowd: false,
  holderFor: undefined,
  liveHolder: false,
  holderAtWork: false,
  deliveringFor: undefined,
  bytesLeft: 100 * MB,
  peersRate: 0,
  mirrorRate: undefined,
}

for (const [why, change, rule] of [
  ['not while the search is young', {}, undefined],
  ['at once for a small file', { elapsed: 0, delay: 0 }, 'small file, or no delay set'],
  ['not while a member may yet say how far it is', { memberAwaited: true, hasNeighbours: false }, undefined],
  [
    '… for a second and a half in all',
    { memberAwaited: true, hasNeighbours: false, elapsed: 1_500 },
    'no neighbours',
  ],
  ['… and no shorter', { memberAwaited: true, hasNeighbours: false, elapsed: 1_499 }, undefined],
  ['with members at 150 ms at the latest', { elapsed: 150, inCrowd: true }, 'no holder within the delay'],
  ['not just before the delay', { elapsed: 499 }, undefined],
  ['when the delay is over', { elapsed: 500 }, 'no holder within the delay'],
  ['at once without neighbours', { hasNeighbours: false }, 'no neighbours'],
  ['when the search is over', { searching: false }, 'the search is over'],
  ['not while a fresh holder is at work', { elapsed: 900, holderFor: 499, holderAtWork: true }, undefined],
  [
    'when a holder has given nothing for the delay',
    { holderFor: 500, holderAtWork: true },
    'no holder gave anything in its time',
  ],
  [
    'when all holders proved useless',
    { elapsed: 500, holderFor: 10, holderAtWork: false },
    'no holder within the delay',
  ],
  [
    'a neighbour has 200 ms even for a tiny file',
    { delay: 0, holderFor: 199, holderAtWork: true, liveHolder: true },
    undefined,
  ],
  [
    'and no more',
    { delay: 0, holderFor: 200, holderAtWork: true, liveHolder: true },
    'no holder gave anything in its time',
  ],
  [
    'a stranger has not',
    { delay: 0, holderFor: 0, holderAtWork: true },
    'no holder gave anything in its time',
  ],
  ['delivering, and quick enough', { elapsed: 9_000, deliveringFor: 300, peersRate: 60 * MB }, undefined],
  ['delivering, but too short a time to tell how fast', { deliveringFor: 299, peersRate: 2 * MB }, undefined],
  [
    'delivering, but slow',
    { deliveringFor: 300, peersRate: 2 * MB },
    'peers would take over 2 s and the mirror shortens it by 15 %',
  ],
  [
    'without neighbours, yet delivering quickly',
    { hasNeighbours: false, deliveringFor: 300, peersRate: 60 * MB },
    undefined,
  ],
] as const) {
  test(`due: ${why}`, () => assert.is(whyMirrorIsDue({ ...standing, ...change }), rule))
}

for (const [why, ms, rate, peers, left, next, helps] of [
  ['not before a second has shown its rate', 999, 100_000, 0, 50 * MB, undefined, false],
  ['it gives a tenth of what is expected', 1_000, 100_000, 0, 50 * MB, undefined, true],
  ['it gives half', 5_000, 500_000, 0, 50 * MB, undefined, false],
  ['it gives just less than half', 5_000, 499_999, 0, 50 * MB, undefined, true],
  ['the next is no better', 5_000, 100_000, 0, 50 * MB, 150_000, false],
  ['the next is better', 5_000, 100_000, 0, 50 * MB, 250_000, true],
  ['it gives nothing', 1_000, 0, 0, 50 * MB, undefined, true],
  ['the rest takes no more than 2 s', 5_000, 100_000, 0, 0.2 * MB, undefined, false],
  ['peers give enough', 5_000, 100_000, 6 * MB, 50 * MB, undefined, false],
] as const) {
  test(`a second mirror: ${why}`, () => {
    const job = { mirrorFor: ms, mirrorRate: rate, peersRate: peers, bytesLeft: left, nextRate: next }
    assert.is(secondMirrorHelps(job), helps)
  })
}

test.run()
