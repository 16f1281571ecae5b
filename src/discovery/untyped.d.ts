/** The part of bittorrent-dht 11 that pacsrv uses; what it passes on to k-rpc and k-rpc-socket included. */
declare module 'bittorrent-dht' {
  import type { EventEmitter } from 'node:events'

  interface Contact {
    host: string
    port: number
  }

  interface Options {
    /** Stands in for node:dgram's. */
    socket?: object
    nodeId?: Buffer
    /** Asked at the start, and whenever fewer nodes are known than these. */
    bootstrap?: Contact[]
    /** Milliseconds that a peer is remembered for others, on average. */
    maxAge?: number
    maxPeers?: number
    maxTables?: number
    maxValues?: number
    /** k-rpc's: queries under way at once, and nodes in a bucket and in an answer. */
    concurrency?: number
    k?: number
    /** k-rpc-socket's: milliseconds until a query counts as lost. */
    timeout?: number
  }

  export class Client extends EventEmitter {
    constructor(options: Options)
    listen(port: number, address: string): void
    address(): { address: string; port: number }
    /** Pings it first where the id is unknown. */
    addNode(node: Contact): void
    /** Returns how to stop it. */
    lookup(key: string, done: (error: Error | null, count: number) => void): () => void
    announce(key: string, port: number, done: (error: Error | null, count?: number) => void): void
    toJSON(): { nodes: Contact[] }
    destroy(done: () => void): void
  }
}
