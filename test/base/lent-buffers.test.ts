import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLender } from '../../src/base/lent-buffers.ts'

function lab(most: number) {
  const gone: string[] = []
  const recent = createLender<number, { bytes: Buffer }>(
    (bytes) => void gone.push(Buffer.from(bytes).toString()),
    most,
  )
  return {
    recent,
    gone,
    add: (chunk: number, text: string) => recent.add(chunk, { bytes: Buffer.from(text) }),
  }
}

test('it keeps so many bytes, and lets the oldest go', () => {
  const { recent, gone, add } = lab(4)
  add(5, 'aa')
  add(3, 'bb')
  assert.equal(gone, [])
  add(9, 'c')
  assert.equal(gone, ['aa'])
  assert.is(recent.lend(5), undefined)
  assert.is(recent.lend(3)?.bytes.toString(), 'bb')
})

test('what is lent stays until the last has given it back', () => {
  const { recent, gone, add } = lab(2)
  add(0, 'aa')
  const [one, two] = [recent.lend(0)!, recent.lend(0)!]
  add(1, 'bb')
  one.release()
  assert.equal(gone, [])
  two.release()
  assert.equal(gone, ['aa'])
})

test('what is larger than all of it goes at once; a chunk that comes again replaces the first', () => {
  const { gone, add } = lab(2)
  add(0, 'aaa')
  assert.equal(gone, ['aaa'])
  add(1, 'b')
  add(1, 'c')
  assert.equal(gone, ['aaa', 'b'])
})

test('cleared, all is gone but what is lent', () => {
  const { recent, gone, add } = lab(10)
  add(0, 'a')
  add(1, 'b')
  const lent = recent.lend(1)!
  recent.clear()
  assert.equal(gone, ['a'])
  lent.release()
  assert.equal(gone, ['a', 'b'])
})

test.run()
