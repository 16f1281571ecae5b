import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { fileInMemory } from '../../src/base/readable-file.ts'

test('bytes are read as a file is: by offset, and no further than its end', async () => {
  const since = new Date(1_000)
  const file = fileInMemory(Buffer.from('abcdef'), since)
  const buffer = Buffer.from('......')
  assert.equal(await file.read(buffer, 1, 3, 2), { bytesRead: 3 })
  assert.is(buffer.toString(), '.cde..')
  assert.equal(await file.read(buffer, 0, 6, 4), { bytesRead: 2 })
  assert.equal(await file.read(buffer, 0, 6, 6), { bytesRead: 0 })
  assert.is((await file.stat()).mtime, since)
  await file.close()
})

test.run()
