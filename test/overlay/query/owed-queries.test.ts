import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createOwedQueries } from '../../../src/overlay/query/owed-queries.ts'
import type { FileQuery } from '../../../src/wire/messages.ts'
import { messageBytes } from '../../../src/wire/size.ts'
import { wanted } from '../network.ts'

const file = wanted('x')
const query = (n: number): FileQuery => ({
  type: 'file',
  query: String(n).padStart(32, '0'),
  ttl: 7,
  path: [{ id: 'a'.repeat(64) }],
  files: Array.from({ length: 500 }, () => file),
})

test('what is owed is kept until it is taken off', () => {
  const owed = createOwedQueries()
  owed.set(query(1))
  owed.set({ ...query(1), ttl: 8 })
  assert.is(owed.get(query(1).query)?.ttl, 8)
  owed.delete(query(1).query)
  assert.is(owed.get(query(1).query), undefined)
})

test('256 KiB of queries are kept, and with one more the oldest goes', () => {
  const owed = createOwedQueries()
  const most = Math.floor((256 * 1024) / messageBytes(query(0)))
  for (let n = 0; n < most; n++) owed.set(query(n))
  assert.ok(owed.get(query(0).query), 'at the limit')
  owed.set(query(most))
  assert.is(owed.get(query(0).query), undefined)
  for (let n = 1; n <= most; n++) assert.ok(owed.get(query(n).query), `${n}`)
})

test.run()
