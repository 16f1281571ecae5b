import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { duration, moment, nameOf, shortPlace, size, versionOf } from '../../../src/http/page/words.ts'

for (const [file, version, name] of [
  ['gcc-libs-14.2.1+r32-1-x86_64.pkg.tar.zst', 'gcc-libs-14.2.1+r32-1', 'gcc-libs'],
  ['mesa-1:24.3.0-2-any.pkg.tar', 'mesa-1:24.3.0-2', 'mesa'],
  ['odd', 'odd', 'odd'],
  ['-1-1-any.pkg.tar.xz', '-1-1', '-1-1'],
] as const) {
  test(`${file} is ${version}, of ${name}`, () => {
    assert.is(versionOf(file), version)
    assert.is(nameOf(file), name)
  })
}

for (const [source, place] of [
  ['https://mirror.example:8080/core/x.pkg.tar.zst', 'mirror.example:8080'],
  ['192.0.2.1:8048 (0123abcd)', '192.0.2.1'],
  ['[2001:db8::1]:8048', '2001:db8::1'],
  ['desk-3', 'desk-3'],
  ['pacserve 192.0.2.1:8080', 'pacserve 192.0.2.1'],
  ['javascript:alert(1)', 'javascript:alert(1)'],
  ['', ''],
] as const) {
  test(`${source} is at ${place}`, () => assert.is(shortPlace(source), place))
}

for (const [seconds, words] of [
  [0, '1 s'],
  [89, '89 s'],
  [90, '2 min'],
  [5_399, '90 min'],
  [5_400, '2 h'],
] as const) {
  test(`${seconds} seconds are ${words}`, () => assert.is(duration(seconds), words))
}

for (const [bytes, words] of [
  [99.94 * 1024 ** 2, '99.9 MiB'],
  [1_869.6 * 1024 ** 2, '1870 MiB'],
  [2_000, '2000 B'],
  [0, '–none'],
] as const) {
  test(`${bytes} bytes are ${words}`, () => assert.is(size(bytes).text.replace(/<[^>]+>/g, ''), words))
}

test('of today the time, of before the day', () => {
  const now = new Date(2026, 10, 27, 15)
  const text = (date: Date) => moment(date.toISOString(), now).text.replace(/<[^>]+>/g, '')
  assert.is(text(new Date(2026, 10, 27, 0, 5)), '00:05')
  assert.is(text(new Date(2026, 10, 26, 23, 59)), '26 Nov')
})

test('a millisecond is no news', () => {
  const of = (ms: number) =>
    moment(new Date(2026, 10, 27, 9, 0, 5, ms).toISOString(), new Date(2026, 10, 27)).text
  assert.is(of(1), of(2))
})

test.run()
