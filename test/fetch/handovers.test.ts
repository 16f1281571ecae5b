import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createHandovers } from '../../src/fetch/handovers.ts'
import { createClock } from '../clock.ts'

const file = (name: string, size = 100) => ({ name, size, sha256: name })
const from = (fromPeers: number, fromMirror: number, ...peers: string[]) => ({
  fromPeers,
  fromSite: 0,
  fromMirror,
  peers,
})

function start() {
  const clock = createClock(1_000)
  const handovers = createHandovers(clock)
  return {
    clock,
    handovers,
    /** Asked now; it comes in 10 ms. */
    give(name: string, transaction?: string, origin?: ReturnType<typeof from>) {
      const askedAt = clock.now()
      clock.advance(10)
      if (origin) handovers.came(name, origin)
      handovers.gave(file(name), { askedAt, transaction })
    },
  }
}

test('all of a transaction together: each peer once, from the first question to the last file', () => {
  const { handovers, give, clock } = start()
  give('a', 'mine', from(100, 0, 'p', 'q'))
  clock.advance(30)
  give('b', 'mine', from(40, 60, 'q'))
  clock.advance(5_000)
  assert.equal(handovers.to('mine', 6_000), {
    packages: 2,
    bytes: 200,
    fromPeers: 140,
    fromMirror: 60,
    peers: 2,
    ms: 50,
  })
})

test('what another transaction had is not its, nor is nothing something', () => {
  const { handovers, give } = start()
  give('a', 'other', from(100, 0, 'p'))
  assert.is(handovers.to('mine', 6_000), undefined)
})

test('what was asked for by nobody known is its since it began', () => {
  const { handovers, give, clock } = start()
  give('before')
  clock.advance(100)
  give('meanwhile', undefined, from(100, 0, 'p'))
  clock.advance(100)
  assert.is(handovers.to('mine', 110)?.packages, 1)
  assert.is(handovers.to('mine', 109), undefined)
  assert.is(handovers.to('mine', 220)?.packages, 2)
})

test('what had come before the transaction is from this machine', () => {
  const { handovers, give, clock } = start()
  handovers.came('a', from(100, 0, 'p'))
  clock.advance(100)
  give('a', 'mine')
  const { bytes, fromPeers, peers } = handovers.to('mine', 50)!
  assert.equal([bytes, fromPeers, peers], [100, 0, 0])
})

test('a file that was asked for twice counts once', () => {
  const { handovers, give } = start()
  give('a', 'mine')
  give('a', 'mine')
  assert.is(handovers.to('mine', 1_000)?.packages, 1)
})

test('it remembers 2,000 files for a day', () => {
  const { handovers, give, clock } = start()
  for (let n = 0; n < 2_001; n++) give(`f${n}`, 'mine')
  assert.is(handovers.to('mine', 10 ** 9)?.packages, 2_000)
  clock.advance(24 * 60 * 60_000)
  assert.is(handovers.to('mine', 10 ** 9), undefined)
})

test.run()
