import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createFinder } from '../../src/http/find.ts'

const FILE = { name: 'zlib-1:1.3-1-x86_64.pkg.tar.zst', size: 5, sha256: 'a'.repeat(64), repository: 'core' }
const orders: string[][] = []
const find = createFinder({
  databases: {
    find: async (name) => (name === FILE.name ? FILE : undefined),
    async findPackage(name, order) {
      orders.push(order)
      return name === 'zlib' ? FILE : undefined
    },
  },
  repositories: async () => ['core', 'extra'],
  network: { find: async () => {} },
  catalogue: { find: () => undefined },
})

for (const words of [
  'zlib',
  FILE.name,
  `https://mirror.example/core/os/x86_64/${FILE.name}`,
  `https://mirror.example/core/os/x86_64/zlib-1%3A1.3-1-x86_64.pkg.tar.zst`,
  `https://mirror.example/core/os/x86_64/${FILE.name}.sig`,
]) {
  test(`found by ${words}`, async () => {
    assert.is((await find(words))?.file, FILE.name)
  })
}

test('a name goes by the order of pacman.conf; what nothing names is not found', async () => {
  orders.length = 0
  for (const words of ['zlib-n', '', 'https://mirror.example/', '../zlib'])
    assert.is(await find(words), undefined)
  assert.equal(orders[0], ['core', 'extra'])
})

test.run()
