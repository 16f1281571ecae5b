import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isJournal } from '../../src/base/journal.ts'

const stat = () => ({ dev: 9, ino: 77 })

test('the journal is where systemd says, and nowhere else', () => {
  assert.ok(isJournal(1, { JOURNAL_STREAM: '9:77' }, stat))
  assert.not.ok(isJournal(1, { JOURNAL_STREAM: '9:78' }, stat), 'its output was sent elsewhere')
  assert.not.ok(isJournal(1, {}, stat))
  const closed = () => {
    throw new Error('EBADF')
  }
  assert.not.ok(isJournal(1, { JOURNAL_STREAM: '9:77' }, closed))
})

test.run()
