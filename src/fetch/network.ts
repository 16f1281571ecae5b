/** The network as fetching needs it; the overlay and the transfers on top of it are one. */
import type { Holder } from '../overlay/query/holders.ts'
import type { Asker } from '../transfer/asker.ts'
import type { HeldFile, NodeId, WantedFile } from '../wire/messages.ts'
import type { PeerRecord } from './sources/peer-record.ts'
import type { Voucher } from './trust/chunk-lists.ts'

/** What those who download the same file need of it. */
export interface CrowdNetwork {
  /** This node. */
  readonly id: NodeId
  /** A connection to ask a node on. Rejects with a PacsrvError. */
  connect(holder: Holder): Promise<Asker>
  /** The connection to a node that there is already. */
  existing(id: NodeId): Asker | undefined
  /** Whether the word of the other end counts (overlay.isCompanion). */
  isCompanion(asker: Asker): boolean
  /** Whether this node is a neighbour now, and so surely alive, and hears announcements. */
  isNeighbour(id: NodeId): boolean
  /** Whether a companion is a neighbour, which might come to want the same file. */
  hasCompanions(): boolean
  /** How nodes did when they were asked for other files. */
  readonly record: PeerRecord
}

export interface FindFileOptions {
  signal: AbortSignal
  onHolder(holder: Holder): void
  /** All are asked, whoever claims to have the file: what was claimed so far has not been proved. */
  beyond?: boolean
}

/** What a job needs of it. */
export interface FileNetwork extends CrowdNetwork {
  /** Resolves when nobody more will come. Never rejects. */
  find(files: WantedFile[], options: FindFileOptions): Promise<void>
  forget(holder: Pick<Holder, 'id' | 'file'>): void
  ban(who: Voucher, reason: string): void
  isBanned(id: NodeId): boolean
  /** Whether there is anybody to ask, now or within a moment. */
  hasNeighbours(): boolean
  /** Takes this node's place among those who download the file. */
  join(held: () => HeldFile, handler: PresenceHandler): Place
}

/** What a job hears of those who have, or download, the same file. */
export interface PresenceHandler {
  /** Somebody is downloading it too, or has come to have it whole. */
  onAnnounced(holder: Holder): void
  /** Somebody no longer has it, or has stopped. */
  onWithdrawn(id: NodeId): void
  /** HAVE, from the other end of a transfer session. */
  onHave(asker: Asker, payload: Uint8Array): void
}

/** A job's place among those who download the same file. */
export interface Place {
  /** The job is over: `held` is the file if it came whole. */
  leave(held: HeldFile | undefined): void
}
