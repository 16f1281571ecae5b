import type { FileHandle } from 'node:fs/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { SignatureVerdict } from '../../../src/fetch/signatures/gpgv.ts'
import { createVerifier } from '../../../src/fetch/signatures/verifier.ts'
import { createClock } from '../../clock.ts'

const settle = () => new Promise((resolve) => setImmediate(resolve))
const signature = (n: number) => Buffer.from([n])

function setUp({ isHere = true } = {}) {
  const clock = createClock()
  const ends: ((verdict: SignatureVerdict | Error) => void)[] = []
  let open = 0
  const verifier = createVerifier({
    clock,
    async open() {
      if (!isHere) return undefined
      open++
      return { close: async () => void open-- } as unknown as FileHandle
    },
    gpgv: () =>
      new Promise((resolve, reject) => {
        ends.push((end) => (end instanceof Error ? reject(end) : resolve(end)))
      }),
  })
  return { clock, verifier, ends, open: () => open }
}

test('two processes at a time, and the others wait; what is beyond 64 waiting nobody can tell', async () => {
  const { verifier, ends, open } = setUp()
  const all = Array.from({ length: 66 }, (_, n) => verifier.verify('a', signature(n)))
  await settle()
  assert.is(ends.length, 2)
  assert.is(await verifier.verify('a', signature(99)), 'unknown')
  for (let n = 0; n < 66; n++) {
    ends[n]!('good')
    await settle()
    assert.ok(ends.length - n - 1 <= 2)
  }
  assert.equal([...new Set(await Promise.all(all))], ['good'])
  assert.is(open(), 0)
})

test('a verdict holds for five minutes, for that package and that signature', async () => {
  const { verifier, ends, clock } = setUp()
  const ask = async (sha256: string, n: number, verdict: SignatureVerdict) => {
    const answer = verifier.verify(sha256, signature(n))
    await settle()
    ends.pop()?.(verdict)
    return answer
  }
  assert.is(await ask('a', 1, 'good'), 'good')
  assert.is(await ask('a', 1, 'bad'), 'good')
  assert.is(await ask('b', 1, 'bad'), 'bad')
  assert.is(await ask('a', 2, 'unknown'), 'unknown')
  assert.is(await ask('a', 2, 'good'), 'good')
  clock.advance(300_000)
  assert.is(await ask('a', 1, 'bad'), 'bad')
})

test('a package that is not here, or a gpgv that is missing: nobody can tell', async () => {
  const { verifier, ends, open } = setUp()
  const answer = verifier.verify('a', signature(1))
  await settle()
  ends[0]!(new Error('ENOENT'))
  assert.is(await answer, 'unknown')
  assert.is(open(), 0)
  assert.is(await setUp({ isHere: false }).verifier.verify('a', signature(1)), 'unknown')
})

test.run()
