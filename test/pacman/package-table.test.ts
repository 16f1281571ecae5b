import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createPackageTableBuilder } from '../../src/pacman/package-table.ts'
import { hash } from './make.ts'

const dated = { name: 'a.pkg', size: 2 ** 40, sha256: hash('a'), built: 1_700_000_000 }
const undated = { name: 'b.pkg', size: 1, sha256: hash('b') }

test('what was put in comes out, whether or not its build time is known; the last of a name counts', () => {
  const builder = createPackageTableBuilder()
  for (const entry of [{ ...undated, name: 'a.pkg' }, dated, undated]) builder.add(entry)
  const table = builder.take()
  assert.equal([table.get('a.pkg'), table.get('b.pkg'), table.get('c.pkg')], [dated, undated, undefined])
  assert.is(table.size, 2)
})

test('it grows past its first rows, names and places; names need not be ASCII', () => {
  const builder = createPackageTableBuilder()
  const names = Array.from({ length: 500 }, (_, n) => `päckage-${n}-1:${n % 7}.0-1-any.pkg.tar.zst`)
  const entryOf = (name: string, n: number) => ({ name, size: n + 1, sha256: hash(`${n % 10}`) })
  for (const [n, name] of names.entries()) builder.add(entryOf(name, n))
  const table = builder.take()
  for (const [n, name] of names.entries()) assert.equal(table.get(name), entryOf(name, n))
  assert.is(table.get('package-1-1:1.0-1-any.pkg.tar.zst'), undefined)
})

test('the next table begins empty, and the one before stays as it was', () => {
  const builder = createPackageTableBuilder()
  builder.add(dated)
  const first = builder.take()
  builder.add({ ...undated, name: 'c.pkg' })
  const second = builder.take()
  assert.equal([first.get('a.pkg'), first.get('c.pkg'), first.size], [dated, undefined, 1])
  assert.equal([second.get('a.pkg'), second.get('c.pkg')?.size, second.size], [undefined, 1, 1])
  assert.is(builder.take().size, 0)
})

test.run()
