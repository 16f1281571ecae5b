/**
 * Bounds of everything that comes from another node. Bytes are bounded before decoding, counts after.
 */
const KIB = 1024
const MIB = 1024 * KIB

export const PROTOCOL_VERSION = 1

export const limits = {
  /** msgpack part of a frame. Room for a query of `files` names or an announcement, with some to spare. */
  headerBytes: 256 * KIB,
  /** Raw part of a frame: one chunk, or the chunk hashes of the largest file. */
  payloadBytes: MIB,
  /** Messages without payload waiting for a peer that doesn't read; more than that and it is dropped. */
  queuedBytes: 4 * MIB,
  /** A name is a file name: what ext4, btrfs and xfs allow. */
  nameBytes: 255,
  /** Largest file offered or asked for; its 16,384 chunk hashes are half a payload. */
  fileBytes: 16 * 1024 * MIB,
  /** Names in one query: an upgrade of everything on a large machine goes in four. */
  filesPerQuery: 500,
  filesPerAnnounce: 500,
  /** Nodes on a path; no TTL of ours is longer, and a longer list is a forgery. */
  hops: 16,
  ttl: 16,
  nodes: 50,
  /** Neighbours that a query says have had it; who has more says so of some. */
  told: 64,
  capabilities: 16,
  capabilityBytes: 32,
  /** Requests (`get`, `manifestWanted`, `signatureWanted`) under way on a link, each way; one more is refused as busy. */
  requests: 64,
  /** Files in one `haves`. */
  haves: 64,
  /** A detached signature; one of Arch Linux's has a few hundred. pacman itself takes no more than this. */
  signatureBytes: 16 * KIB,
  agentBytes: 64,
  reasonBytes: 200,
} as const
