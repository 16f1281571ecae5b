import { limits } from '../../wire/limits.ts'
import type { HeldFile, Message, NodeId, Sha256 } from '../../wire/messages.ts'
import type { Session } from '../session/session.ts'
import type { Holder, HolderMemory } from './holders.ts'
import type { Searches } from './search.ts'

export interface AnnouncementsDeps {
  holders: Pick<HolderMemory, 'add' | 'remove'>
  searches: Pick<Searches, 'learned'>
  isCompanion(of: Session): boolean
}

export interface AnnouncementsHandler {
  /** A neighbour says that it has a file, or is downloading it. */
  onAnnounced?(holder: Holder): void
  /** A neighbour no longer has it, or has stopped. */
  onWithdrawn?(id: NodeId, sha256: Sha256): void
}

/** What neighbours tell each other of the files that they have. */
export interface Announcements {
  tell(sessions: Session[], added: HeldFile[], removed: Sha256[]): void
  announced(by: Session, files: HeldFile[]): void
  withdrawn(by: Session, files: Sha256[]): void
}

export function createAnnouncements(
  { holders, searches, isCompanion }: AnnouncementsDeps,
  handler: AnnouncementsHandler,
): Announcements {
  function learn(session: Session, file: HeldFile) {
    const { id, dialable } = session
    const holder: Holder = {
      id,
      ...(dialable === undefined ? {} : { address: dialable }),
      reachable: dialable !== undefined,
      file,
      via: 'announced',
      companion: isCompanion(session),
    }
    holders.add(holder)
    searches.learned(holder)
    handler.onAnnounced?.(holder)
  }

  return {
    tell(sessions, added, removed) {
      const count = limits.filesPerAnnounce
      const tellAll = (message: Message) => {
        for (const session of sessions) session.send(message)
      }
      for (let at = 0; at < added.length; at += count) {
        tellAll({ type: 'announce', files: added.slice(at, at + count) })
      }
      for (let at = 0; at < removed.length; at += count) {
        tellAll({ type: 'withdraw', files: removed.slice(at, at + count) })
      }
    },
    announced(by, files) {
      for (const file of files) learn(by, file)
    },
    withdrawn({ id }, files) {
      for (const sha256 of files) {
        holders.remove(id, sha256)
        handler.onWithdrawn?.(id, sha256)
      }
    },
  }
}
