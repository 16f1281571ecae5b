import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { houseFaults } from '../../scripts/house.ts'

const faults = (...files: [string, string][]) => houseFaults(files.map(([path, text]) => ({ path, text })))
const lines = (count: number, line = 'x\n') => line.repeat(count)
const membered = (count: number) => Array.from({ length: count }, (_, n) => `  m${n}: number\n`).join('')

test('a file has 300 lines at most, a test as many as it likes', () => {
  assert.equal(faults(['a.sh', lines(300)], ['test/a.ts', lines(301)]), [])
  assert.equal(faults(['a.sh', lines(301)]), ['a.sh: 301 lines (300 at most)'])
})

test('a function has 150 lines at most, those within it counted', () => {
  const body = (count: number) => `export function f() {\n  const g = () => {\n${lines(count)}  }\n  g()\n}\n`
  assert.equal(faults(['src/base/a.ts', body(145)]), [])
  assert.equal(faults(['src/base/a.ts', body(146)]), [
    'src/base/a.ts:1: a function of 151 lines (150 at most)',
  ])
})

test('a function of C or sh likewise', () => {
  const body = (count: number) => `static int f(void)\n{\n${lines(count, '\tx();\n')}}\n`
  assert.equal(faults(['a.c', body(148)]), [])
  assert.equal(faults(['a.c', body(149)]), ['a.c:2: a function of 151 lines (150 at most)'])
  const sh = (count: number) => `set -eu\nfetch() {\n${lines(count, '\t:\n')}}\n`
  assert.equal(faults(['a.sh', sh(148)]), [])
  assert.equal(faults(['a.sh', sh(149)]), ['a.sh:2: a function of 151 lines (150 at most)'])
})

test('what a part is given has ten members at most', () => {
  const named = (count: number) => `export interface ADeps {\n${membered(count)}}\n`
  const inline = (count: number) =>
    `export function createA({ m0 }: {\n${membered(count)}}) {\n  return m0\n}\n`
  assert.equal(faults(['src/base/a.ts', named(10)], ['src/base/b.ts', inline(10)]), [])
  assert.equal(faults(['src/base/a.ts', named(11)]), ['src/base/a.ts: ADeps has 11 members (10 at most)'])
  assert.equal(faults(['src/base/b.ts', inline(11)]), [
    'src/base/b.ts: what line 1 takes has 11 members (10 at most)',
  ])
})

test('what it takes over from other types counts', () => {
  const small = (count: number) => `export interface Small {\n${membered(count)}}\n`
  for (const bag of [
    'interface AOptions extends Small {\n  n: 1\n}\n',
    'type AOptions = Small & { n: 1 }\n',
  ]) {
    assert.equal(faults(['src/base/a.ts', bag], ['src/base/b.ts', small(9)]), [])
    assert.equal(faults(['src/base/a.ts', bag], ['src/base/b.ts', small(10)]), [
      'src/base/a.ts: AOptions has 11 members (10 at most)',
    ])
  }
})

test('a type is exported once', () => {
  const one = 'export interface A {\n  a: 1\n}\n'
  const other = 'export type A = 1\n'
  assert.equal(faults(['src/base/a.ts', one], ['src/wire/b.ts', 'type A = 1\nexport const a: A = 1\n']), [])
  assert.equal(faults(['src/base/a.ts', one], ['src/wire/b.ts', other]), [
    'the type A is exported by src/base/a.ts and src/wire/b.ts',
  ])
})

test('a part of a job is neither cast nor taken for there', () => {
  const fine = 'export const a = (b: number[]) => b[0]! + [1 as const].length\n'
  assert.equal(
    faults(['src/fetch/job/a.ts', fine], ['src/fetch/b.ts', 'export const a = (b?: 1) => b!\n']),
    [],
  )
  assert.equal(faults(['src/fetch/job/a.ts', 'export const a = (b?: 1) => b!\n']), [
    'src/fetch/job/a.ts:1: a cast on a part of a job',
  ])
  assert.equal(faults(['src/fetch/job/a.ts', '\nexport const a = (b: unknown) => b as string\n']), [
    'src/fetch/job/a.ts:2: a cast on a part of a job',
  ])
})

test('imports point down', () => {
  assert.equal(faults(['src/fetch/a.ts', "import '../wire/b.ts'\n"]), [])
  assert.equal(faults(['src/wire/b.ts', "import '../fetch/a.ts'\n"]), [
    'src/wire/b.ts imports src/fetch/a.ts, which lies above it',
  ])
  assert.equal(faults(['src/other/b.ts', '']), ['src/other/b.ts: its folder is none of the rooms'])
})

test('imports point down the rooms of a layer; what stands beside them is bound by no order', () => {
  assert.equal(
    faults(
      ['src/fetch/job/a.ts', "import '../file/b.ts'\nimport '../network.ts'\n"],
      ['src/fetch/network.ts', "import './trust/c.ts'\n"],
      ['src/fetch/trust/c.ts', ''],
      ['src/fetch/file/b.ts', ''],
    ),
    [],
  )
  assert.equal(faults(['src/fetch/file/b.ts', "import '../job/a.ts'\n"], ['src/fetch/job/a.ts', '']), [
    'src/fetch/file/b.ts imports src/fetch/job/a.ts, which lies above it',
  ])
})

test('imports make no cycle', () => {
  assert.equal(
    faults(['src/base/a.ts', "import './b.ts'\n"], ['src/base/b.ts', "export * from './a.ts'\n"]),
    ['a cycle of imports: src/base/a.ts → src/base/b.ts → src/base/a.ts'],
  )
})

test.run()
