import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Located } from '../../src/fetch/locator.ts'
import type { FoundSignature } from '../../src/fetch/signatures/signatures.ts'
import { createSignaturePledges } from '../../src/http/signature-pledges.ts'
import { createClock } from '../clock.ts'

const SIGNATURE = Buffer.from('signed')

const located = (name: string, signature?: Located['signature']): Located => ({
  file: { sha256: name, size: 1, name },
  mirrors: [],
  ...(signature ? { signature } : {}),
})

/** `outcomes`: what becomes of a search, by package. */
function setUp(outcomes: Record<string, FoundSignature | 'forever'> = {}) {
  const clock = createClock()
  const held = new Set<string>()
  const looked: string[] = []
  const pledges = createSignaturePledges({
    clock,
    heldSignature: async (sha256) => (held.has(sha256) ? SIGNATURE : undefined),
    signatures: {
      look({ file }) {
        looked.push(file.name)
        const outcome = outcomes[file.name]
        return outcome === 'forever' ? new Promise(() => {}) : Promise.resolve(outcome)
      },
    },
  })
  return { clock, pledges, looked, held, outcomes }
}
const turns = async () => {
  for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve))
}

test('where pacman wants none, or nothing is known, packages are given without', async () => {
  const { pledges, looked } = setUp()
  assert.ok(await pledges.may(located('a', 'never')))
  assert.ok(await pledges.may(located('b')))
  assert.equal(looked, [])
})

test('one that is found is looked for once, and given when it is asked for', async () => {
  const { pledges, looked } = setUp({ a: SIGNATURE })
  assert.ok(await pledges.may(located('a', 'required')))
  assert.is(await pledges.find(located('a', 'required')), SIGNATURE)
  assert.equal(looked, ['a'])
})

test('where every mirror says that there is none: well if it is optional', async () => {
  const { pledges } = setUp({ a: 'absent', b: 'absent', c: SIGNATURE })
  assert.ok(await pledges.may(located('a', 'optional')))
  assert.is(await pledges.find(located('a', 'optional')), undefined)
  assert.not(await pledges.may(located('b', 'required')))
  assert.ok(await pledges.may(located('c', 'required')), 'that was no failure')
})

test('where none is to be had the first is waited for, the others not; what lies here is given', async () => {
  const { clock, pledges, looked, held } = setUp({ a: 'forever', b: SIGNATURE })
  let may: boolean | undefined
  void pledges.may(located('a', 'optional')).then((answer) => {
    may = answer
  })
  await turns()
  clock.advance(2_499)
  await turns()
  assert.is(may, undefined)
  clock.advance(1)
  await turns()
  assert.is(may, false)
  assert.not(await pledges.may(located('b', 'required')))
  assert.equal(looked, ['a'])
  held.add('c')
  assert.ok(await pledges.may(located('c', 'required')))
})

test('meanwhile one is tried now and then without a wait, and once one comes all are given again', async () => {
  const { clock, pledges, outcomes, looked } = setUp({ a: undefined, b: SIGNATURE })
  assert.not(await pledges.may(located('a', 'required')))
  clock.advance(9_999)
  assert.not(await pledges.may(located('b', 'required')))
  assert.equal(looked, ['a'])
  clock.advance(1)
  assert.not(await pledges.may(located('b', 'required')))
  await turns()
  assert.equal(looked, ['a', 'b'])
  assert.ok(await pledges.may(located('b', 'required')))
  outcomes.a = SIGNATURE
  assert.ok(await pledges.may(located('a', 'required')), 'a failure is forgotten')
})

test('where they come they are waited for longer', async () => {
  const { clock, pledges } = setUp({ a: SIGNATURE, b: 'forever' })
  await pledges.may(located('a', 'required'))
  let may: boolean | undefined
  void pledges.may(located('b', 'required')).then((answer) => {
    may = answer
  })
  await turns()
  clock.advance(4_999)
  await turns()
  assert.is(may, undefined)
  clock.advance(1)
  await turns()
  assert.is(may, false)
})

test.run()
