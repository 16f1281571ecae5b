/**
 * Every message two nodes exchange. docs/protocol.md is the specification; this is its TypeScript.
 * The numbers are on the wire: only append to this list, and append fields only at a message's end.
 */
import type { Endpoint } from '../base/endpoint.ts'

export const MessageType = {
  hello: 0,
  proof: 1,
  ping: 2,
  pong: 3,
  bye: 4,
  file: 5,
  fileAck: 6,
  call: 7,
  announce: 8,
  withdraw: 9,
  nodesWanted: 10,
  nodes: 11,
  manifestWanted: 12,
  manifest: 13,
  get: 14,
  chunk: 15,
  refuse: 16,
  cancel: 17,
  have: 18,
  dialBack: 19,
  signatureWanted: 20,
  signature: 21,
  haves: 22,
} as const

export type MessageName = keyof typeof MessageType

/** A SHA-256 as 64 hex digits. */
export type Sha256 = string
/** A node: the SHA-256 of its raw Ed25519 public key, as 64 hex digits. */
export type NodeId = string
/** A query: 16 random bytes as 32 hex digits. */
export type QueryId = string

/** What HELLO says that an end can do beyond the version's base: `many` is GET for several chunks, and HAVES. */
export const CAPABILITIES = ['many'] as const

/** What a connection is for. A transfer doesn't count against max-connections and carries no flood. */
export type Purpose = 'neighbour' | 'transfer'

/** One node on a message's way: its id, and the address its neighbour saw (none when it doesn't listen). */
export interface Hop {
  id: NodeId
  address?: Endpoint
}

/** A file as the wire knows it. The hash and the size are the file; the name is a label for people. */
export interface WantedFile {
  sha256: Sha256
  /** Bytes. */
  size: number
  name: string
}

/** A file that a holder vouches for: `root` is the SHA-256 of its chunk hashes, one behind the other. */
export interface HeldFile {
  sha256: Sha256
  size: number
  root: Sha256
  /** False while the holder is itself still downloading it: `have` says which chunks; `root` may then be zeros. */
  whole: boolean
}

/** First message of both ends. */
export interface Hello {
  type: 'hello'
  /** Protocol version; ends that differ say `bye` and part. */
  version: number
  /** What this end can do beyond the version's base, in words of our own. */
  capabilities: string[]
  /** Raw Ed25519 public key, 32 bytes in hex. */
  key: string
  /** 32 fresh random bytes in hex, for the other end to sign. */
  nonce: string
  purpose: Purpose
  /** Port this end takes connections at; 0 when it takes none. */
  port: number
  /** The address this end asks to be known by (`advertise`), if any. */
  advertise?: Endpoint
  /** The other end's address as seen from here. */
  seen: Endpoint
  /** Program and version, for people. */
  agent: string
}

/** Second message of both ends: shows that the key in HELLO is one's own. See overlay/session/identity.ts. */
export interface Proof {
  type: 'proof'
  /** Ed25519 signature, 64 bytes in hex. */
  signature: string
}

export interface Ping {
  type: 'ping'
  /** Comes back in the pong. */
  token: number
}
export interface Pong {
  type: 'pong'
  token: number
}

/** The last message before a close, with the reason in words. */
export interface Bye {
  type: 'bye'
  reason: string
}

/** Who has these? */
export interface FileQuery {
  type: 'file'
  query: QueryId
  /** Hops that it may still travel. */
  ttl: number
  /** The asker first, then each node that passed it on: the way back. */
  path: Hop[]
  files: WantedFile[]
  /** To whom else of its companions the sender sends this copy: the first 8 bytes of each id, as 16 hex digits. */
  told?: string[]
}

/** I have these. Travels the query's path backwards. */
export interface FileAck {
  type: 'fileAck'
  query: QueryId
  /** Full at the holder; lowered only while it strays off the path. */
  ttl: number
  /** What is left of the way back: the asker first, the next node to receive it last. */
  path: Hop[]
  /** The way it came: the holder first, then each node that passed it on. A CALL goes back along it. */
  way: Hop[]
  /** False: nobody can dial the holder; ask it to dial by CALL. */
  reachable: boolean
  files: HeldFile[]
}

/** Asks an unreachable holder to dial the asker; sent back along the way its FILE-ACK came. */
export interface Call {
  type: 'call'
  query: QueryId
  ttl: number
  /** The way to the holder: the holder first, the next node to receive it last. */
  path: Hop[]
  asker: Hop
}

/** The sender holds these itself. */
export interface Announce {
  type: 'announce'
  files: HeldFile[]
}
/** The sender no longer holds these. */
export interface Withdraw {
  type: 'withdraw'
  files: Sha256[]
}

/** Tell me of other nodes. */
export interface NodesWanted {
  type: 'nodesWanted'
}
export interface Nodes {
  type: 'nodes'
  nodes: Hop[]
}

/** Dial me at the port in my HELLO, greet and part: so a node learns whether it can be reached. */
export interface DialBack {
  type: 'dialBack'
}

/** Send the list of this file's chunk hashes. */
export interface ManifestWanted {
  type: 'manifestWanted'
  request: number
  sha256: Sha256
}
/** The chunk hashes, raw and one behind the other, 32 bytes each. */
export interface ManifestMessage {
  type: 'manifest'
  request: number
  payload: Uint8Array
}

/** Send one chunk. Many may be under way at once; they are answered in order. */
export interface Get {
  type: 'get'
  request: number
  sha256: Sha256
  /** Index of the chunk; its offset is chunk × the size that follows from the file's (base/chunks.ts). */
  chunk: number
  /** Further chunks, each a request of its own, with the numbers that follow; only to who can do `many`. */
  more?: number[]
}
export interface Chunk {
  type: 'chunk'
  request: number
  payload: Uint8Array
}
/** Send the detached signature that lies beside this file. */
export interface SignatureWanted {
  type: 'signatureWanted'
  request: number
  sha256: Sha256
}
/** `NAME.sig`, raw. Nothing vouches for it but the key that pacman checks it with. */
export interface SignatureMessage {
  type: 'signature'
  request: number
  payload: Uint8Array
}
/** Answer to `get`, `manifestWanted` and `signatureWanted` that can't be served. */
export interface Refuse {
  type: 'refuse'
  request: number
  reason: RefuseReason
}
export type RefuseReason = 'absent' | 'busy' | 'broken'

/** The asker no longer wants an answer that hasn't left yet. */
export interface CancelRequest {
  type: 'cancel'
  request: number
}

/**
 * How far the sender's download of a file is: two bitmaps of the same length, one behind the other (bit i of byte
 * i/8, lowest first, is chunk i). The first: what it can give. The second: what it had from the mirror over its own
 * connection, or has asked the mirror for.
 */
export interface Have {
  type: 'have'
  sha256: Sha256
  payload: Uint8Array
}

/** Several HAVE in one message; only to who can do `many`. */
export interface Haves {
  type: 'haves'
  /** Whose maps the payload has, one file's behind the other's, each so many bytes long. */
  files: { sha256: Sha256; bytes: number }[]
  payload: Uint8Array
}

export type Message =
  | Hello
  | Proof
  | Ping
  | Pong
  | Bye
  | FileQuery
  | FileAck
  | Call
  | Announce
  | Withdraw
  | NodesWanted
  | Nodes
  | DialBack
  | ManifestWanted
  | ManifestMessage
  | Get
  | Chunk
  | Refuse
  | CancelRequest
  | Have
  | Haves
  | SignatureWanted
  | SignatureMessage
