import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseDesc } from '../../src/pacman/desc.ts'
import { desc, hash } from './make.ts'

const parse = (text: string) => parseDesc(Buffer.from(text))
const NAME = 'foo-1:2.3+a~b-1-x86_64.pkg.tar.zst'

test('name, size and hash, the hash in lower case', () => {
  assert.equal(parse(desc(NAME, 17, hash('A'))), { name: NAME, size: 17, sha256: hash('a') })
})

test('when it was built, if that is a time', () => {
  const built = (value: string) => parse(`${desc(NAME, 17, hash('a'))}%BUILDDATE%\n${value}\n\n`)
  assert.is(built('1700000000')?.built, 1_700_000_000)
  for (const value of ['0', '-1', 'x', '']) assert.not.ok('built' in built(value)!, value)
})

test('no newline at the end, fields in another order', () => {
  const text = `%SHA256SUM%\n${hash('1')}\n\n%CSIZE%\n5\n\n%FILENAME%\na.pkg.tar`
  assert.equal(parse(text), { name: 'a.pkg.tar', size: 5, sha256: hash('1') })
})

test('an entry that lacks a field is no entry', () => {
  const whole = desc(NAME, 17, hash('a'))
  for (const field of ['FILENAME', 'CSIZE', 'SHA256SUM'])
    assert.is(parse(whole.replace(`%${field}%`, '%OTHER%')), undefined, field)
  assert.is(parse(''), undefined)
})

test('sizes that are none', () => {
  for (const size of ['0', '-1', '1.5', '1e3', '', 'x', '9'.repeat(16)])
    assert.is(parse(desc(NAME, size, hash('a'))), undefined, size)
  assert.is(parse(desc(NAME, '9'.repeat(15), hash('a')))?.size, 999_999_999_999_999)
})

test('hashes that are none', () => {
  for (const sha256 of ['', 'a'.repeat(63), 'a'.repeat(65), 'g'.repeat(64)])
    assert.is(parse(desc(NAME, 1, sha256)), undefined, sha256)
})

test('file names that would leave the folder', () => {
  for (const name of ['../a', '/etc/passwd', 'a/b', '.', '..', '', 'a\u0001b', 'a\0b', 'é'.repeat(128)])
    assert.is(parse(desc(name, 1, hash('a'))), undefined, name)
  assert.ok(parse(desc('n'.repeat(255), 1, hash('a'))))
})

test('a value that looks like a field is a value', () => {
  const text = desc(NAME, 17, hash('a')).replace('%NAME%\nx', '%DESC%\n%CSIZE%\n5')
  assert.is(parse(text)?.size, 17)
})

test.run()
