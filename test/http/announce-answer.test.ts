import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { summaryLine } from '../../src/http/announce-answer.ts'

const MIB = 1024 ** 2
const handed = (bytes: number, fromPeers: number, fromMirror: number) => ({
  packages: 12,
  bytes,
  fromPeers,
  fromMirror,
  peers: 3,
  ms: 5_230,
})

for (const [what, line] of [
  [
    handed(54 * MIB, 48.6 * MIB, 5.4 * MIB),
    '12 packages, 54.0 MiB: 90 % from 3 peers, 10 % from the mirror, in 5.2 s.',
  ],
  [{ ...handed(10, 10, 0), packages: 1, peers: 1 }, '1 package, 10 B: all from 1 peer, in 5.2 s.'],
  [handed(10, 0, 10), '12 packages, 10 B: all from the mirror, in 5.2 s.'],
  [handed(10, 0, 0), '12 packages, 10 B: all from this machine, in 5.2 s.'],
  [handed(1000, 999, 0), '12 packages, 1000 B: 99 % from 3 peers, 1 % from this machine, in 5.2 s.'],
  [
    handed(100, 50, 25),
    '12 packages, 100 B: 50 % from 3 peers, 25 % from the mirror, 25 % from this machine, in 5.2 s.',
  ],
] as const) {
  test(line, () => {
    assert.is(summaryLine(what), `pacsrv: ${line}`)
  })
}

test.run()
