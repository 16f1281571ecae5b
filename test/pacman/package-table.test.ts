import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createPackageTable } from '../../src/pacman/package-table.ts'
import { hash } from './make.ts'

test('what was put in comes out, whether or not its build time is known; the last of a name counts', () => {
  const table = createPackageTable()
  const dated = { name: 'a.pkg', size: 2 ** 40, sha256: hash('a'), built: 1_700_000_000 }
  const undated = { name: 'b.pkg', size: 1, sha256: hash('b') }
  table.add({ ...undated, name: 'a.pkg' })
  table.add(dated)
  table.add(undated)
  assert.equal([table.get('a.pkg'), table.get('b.pkg'), table.get('c.pkg')], [dated, undated, undefined])
  assert.is(table.size, 2)
})

for (const expected of [0, 10, 500])
  test(`it takes 500 where ${expected} were expected; names need not be ASCII`, () => {
    const table = createPackageTable(expected)
    const names = Array.from({ length: 500 }, (_, n) => `päckage-${n}-1:${n % 7}.0-1-any.pkg.tar.zst`)
    const entryOf = (name: string, n: number) => ({ name, size: n + 1, sha256: hash(`${n % 10}`) })
    for (const [n, name] of names.entries()) table.add(entryOf(name, n))
    for (const [n, name] of names.entries()) assert.equal(table.get(name), entryOf(name, n))
    assert.is(table.get('package-1-1:1.0-1-any.pkg.tar.zst'), undefined)
    assert.is(table.size, 500)
  })

test('by SHA-256: all of those that are named, under whatever names', () => {
  const table = createPackageTable()
  const entryOf = (name: string, content: string) => ({ name, size: 1, sha256: hash(content) })
  const entries = [entryOf('a.pkg', 'a'), entryOf('b.pkg', 'b'), entryOf('c.pkg', 'a')]
  for (const entry of entries) table.add(entry)
  assert.equal(table.ofHashes(new Set([hash('a'), hash('c')])), [entries[0], entries[2]])
  assert.equal(table.ofHashes(new Set()), [])
})

test.run()
