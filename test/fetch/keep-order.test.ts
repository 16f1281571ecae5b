import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { hasRoom, whatGoes } from '../../src/fetch/keep-order.ts'

const file = (name: string, bytes: number, keptAt: number, usedAt = keptAt) => ({
  name,
  bytes,
  keptAt,
  usedAt,
})
const named = (files: { name: string }[]) => files.map(({ name }) => name)

test('up to the limit nothing goes; one byte more, and what was used longest ago does', () => {
  const files = [
    file('a-1-1-any.pkg.tar.zst', 40, 1, 9),
    file('b-1-1-any.pkg.tar.zst', 30, 2),
    file('c-1-1-any.pkg.tar.zst', 30, 3),
  ]
  assert.equal(whatGoes(files, 100), [])
  assert.equal(named(whatGoes(files, 99)), ['b-1-1-any.pkg.tar.zst'])
  assert.equal(named(whatGoes(files, 69)), ['b-1-1-any.pkg.tar.zst', 'c-1-1-any.pkg.tar.zst'])
  assert.is(whatGoes(files, 0).length, 3)
})

test('older versions go first, however lately they were used', () => {
  const files = [
    file('linux-6.1-1-x86_64.pkg.tar.zst', 50, 1, 100),
    file('linux-6.2-1-x86_64.pkg.tar.zst', 50, 2, 2),
    file('linux-headers-6.1-1-x86_64.pkg.tar.zst', 50, 1, 1),
    file('linux-6.1-1-aarch64.pkg.tar.zst', 50, 1, 3),
  ]
  assert.equal(named(whatGoes(files, 150)), ['linux-6.1-1-x86_64.pkg.tar.zst'])
  assert.equal(named(whatGoes(files, 100)), [
    'linux-6.1-1-x86_64.pkg.tar.zst',
    'linux-headers-6.1-1-x86_64.pkg.tar.zst',
  ])
})

test('a name of another form is a package of its own', () => {
  const files = [file('odd.pkg.tar', 10, 1), file('odd.pkg.tar.xz', 10, 2)]
  assert.equal(named(whatGoes(files, 10)), ['odd.pkg.tar'])
})

test('there is room where only older versions, of itself or of others, are in the way', () => {
  const files = [
    file('linux-6.1-1-x86_64.pkg.tar.zst', 50, 1),
    file('linux-6.2-1-x86_64.pkg.tar.zst', 50, 2),
    file('zsh-5-1-x86_64.pkg.tar.zst', 30, 3),
  ]
  const fits = (name: string, size: number) => hasRoom(files, 100, { name, size })
  assert.equal([fits('vim-1-1-any.pkg.tar.zst', 20), fits('vim-1-1-any.pkg.tar.zst', 21)], [true, false])
  const linux = 'linux-6.3-1-x86_64.pkg.tar.zst'
  assert.equal([fits(linux, 70), fits(linux, 71)], [true, false])
})

test.run()
