import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { coalesce } from '../../src/pacman/coalesce.ts'

/** A run that ends when told to. */
function makeRun() {
  const ends: ((error?: Error) => void)[] = []
  const run = coalesce(
    () =>
      new Promise<number>((resolve, reject) => {
        const count = ends.length + 1
        ends.push((error) => (error ? reject(error) : resolve(count)))
      }),
  )
  return { run, ends }
}

test('calls during a run share the one after it', async () => {
  const { run, ends } = makeRun()
  const first = run()
  const second = run()
  const third = run()
  assert.is(ends.length, 1)
  ends[0]!()
  assert.is(await first, 1)
  ends[1]!()
  assert.equal([await second, await third], [2, 2])
  assert.is(ends.length, 2)
})

test('a call during the second run gets a third', async () => {
  const { run, ends } = makeRun()
  const first = run()
  const second = run()
  ends[0]!()
  await first
  const third = run()
  ends[1]!()
  await second
  ends[2]!()
  assert.is(await third, 3)
})

test('a call after the end runs at once', async () => {
  const { run, ends } = makeRun()
  const first = run()
  ends[0]!()
  await first
  const second = run()
  ends[1]!()
  assert.is(await second, 2)
})

test('a failed run fails its callers only', async () => {
  const { run, ends } = makeRun()
  const first = run()
  const second = run()
  ends[0]!(new Error('no'))
  await first.then(
    () => assert.unreachable(),
    (error) => assert.is(error.message, 'no'),
  )
  ends[1]!()
  assert.is(await second, 2)
})

test.run()
