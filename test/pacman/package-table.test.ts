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

test('it grows past its first rows', () => {
  const table = createPackageTable()
  for (let n = 0; n < 200; n++) table.add({ name: `${n}.pkg`, size: n + 1, sha256: hash(`${n % 10}`) })
  for (let n = 0; n < 200; n++)
    assert.equal(table.get(`${n}.pkg`), { name: `${n}.pkg`, size: n + 1, sha256: hash(`${n % 10}`) })
})

test.run()
