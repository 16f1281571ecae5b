import type { Message } from '../wire/messages.ts'
import type { Dialling } from './neighbours/dialling.ts'
import type { Introductions } from './neighbours/introductions.ts'
import type { ReachTest } from './neighbours/reach.ts'
import type { Announcements } from './query/announcements.ts'
import type { Relay } from './query/relay.ts'
import type { Session } from './session/session.ts'

/** Whose a message of a neighbour is. */
export function dispatch(
  session: Session,
  message: Message,
  to: {
    relay: Relay
    announcements: Announcements
    introductions: Introductions
    dialling: Dialling
    reach: ReachTest
  },
): void {
  switch (message.type) {
    case 'file':
      to.relay.onFile(message, session)
      return
    case 'fileAck':
      to.relay.onFileAck(message, session)
      return
    case 'call':
      to.relay.onCall(message, session)
      return
    case 'announce':
      to.announcements.announced(session, message.files)
      return
    case 'withdraw':
      to.announcements.withdrawn(session, message.files)
      return
    case 'nodesWanted':
      to.introductions.tell(session)
      return
    case 'nodes':
      to.dialling.told(message.nodes, session)
      return
    case 'dialBack':
      to.reach.dialBack(session)
  }
}
