import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type CatalogueFile, createHoldings } from '../../src/pacman/holdings.ts'
import { hash } from './make.ts'

function file(path: string, digit: string, size = 10): CatalogueFile {
  const chunkHashes = Buffer.alloc(32)
  return { path, name: path.slice(1), size, mtimeMs: 1, inode: 1, sha256: hash(digit), root: '', chunkHashes }
}
const names = (files: CatalogueFile[]) => files.map(({ name }) => name)

function changes(holdings: ReturnType<typeof createHoldings>) {
  const { added, removed } = holdings.takeChanges()
  return { added: names(added), removed: names(removed) }
}

test('what is put is offered, counted and told once', () => {
  const holdings = createHoldings()
  const a = file('/a', '1')
  holdings.put(a)
  holdings.put(file('/b', '2', 5))
  assert.is(holdings.at('/a'), a)
  assert.equal([holdings.count, holdings.bytes], [2, 15])
  assert.equal(changes(holdings), { added: ['a', 'b'], removed: [] })
  assert.equal(changes(holdings), { added: [], removed: [] })
})

test('two copies: one offered; the other takes its place without a word', () => {
  const holdings = createHoldings()
  const [a, b] = [file('/a', '1'), file('/b', '1')]
  holdings.put(a)
  holdings.put(b)
  assert.equal([holdings.count, holdings.bytes], [1, 10])
  assert.equal(names(holdings.offered()), ['a'])
  assert.equal(changes(holdings), { added: ['a'], removed: [] })
  holdings.drop(a)
  assert.equal(names(holdings.offered()), ['b'])
  assert.equal(changes(holdings), { added: [], removed: [] })
  holdings.drop(b)
  assert.equal([holdings.count, holdings.bytes], [0, 0])
  assert.equal(changes(holdings), { added: [], removed: ['b'] })
})

test('new content under an old path', () => {
  const holdings = createHoldings()
  const old = file('/a', '1')
  holdings.put(old)
  changes(holdings)
  holdings.put(file('/a', '2', 7))
  assert.equal(changes(holdings), { added: ['a'], removed: ['a'] })
  assert.equal([holdings.count, holdings.bytes, holdings.all().length], [1, 7, 1])
  holdings.drop(old)
  assert.is(holdings.count, 1)
})

test('come and gone between two calls is no change', () => {
  const holdings = createHoldings()
  const a = file('/a', '1')
  holdings.put(a)
  holdings.drop(a)
  assert.equal(changes(holdings), { added: [], removed: [] })
})

test.run()
