import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createAnnouncements } from '../../../src/overlay/query/announcements.ts'
import { createHolders, type Holder } from '../../../src/overlay/query/holders.ts'
import type { Session } from '../../../src/overlay/session/session.ts'
import { limits } from '../../../src/wire/limits.ts'
import type { Message } from '../../../src/wire/messages.ts'
import { createClock } from '../../clock.ts'
import { held } from '../network.ts'

function lab() {
  const holders = createHolders(createClock())
  const sent: Message[] = []
  const heard: Holder[] = []
  const gone: string[] = []
  const session = { id: 'a', dialable: '192.0.2.1:8048', send: (message: Message) => sent.push(message) > 0 }
  const announcements = createAnnouncements(
    { holders, searches: { learned: () => {} }, isCompanion: () => true },
    { onAnnounced: (holder) => void heard.push(holder), onWithdrawn: (id) => void gone.push(id) },
  )
  return { holders, sent, heard, gone, session: session as unknown as Session, announcements }
}

test('what is told takes as many messages as it needs, and none for nothing', () => {
  const { announcements, session, sent } = lab()
  const files = Array.from({ length: limits.filesPerAnnounce + 1 }, (_, n) => held(`${n}`))
  announcements.tell([session], files, [])
  assert.equal(
    sent.map((message) => message.type === 'announce' && message.files.length),
    [limits.filesPerAnnounce, 1],
  )
  announcements.tell([session], [], [])
  assert.is(sent.length, 2)
})

test('who announces a file is a holder, until it withdraws it', () => {
  const { announcements, holders, heard, gone, session } = lab()
  const file = held('some')
  announcements.announced(session, [file])
  assert.equal(
    holders.find(file.sha256).map(({ id, address, companion }) => ({ id, address, companion })),
    [{ id: 'a', address: '192.0.2.1:8048', companion: true }],
  )
  assert.is(heard.length, 1)
  announcements.withdrawn(session, [file.sha256])
  assert.equal(holders.find(file.sha256), [])
  assert.equal(gone, ['a'])
})

test.run()
