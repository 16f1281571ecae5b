import { noCounts } from '../../src/figures/counts.ts'
import type { Peer, Status, Transfer } from '../../src/http/status.ts'

/** A status of a node to which nothing has happened. */
export const sampleStatus = (more: Partial<Status> = {}): Status => ({
  node: { id: 'i', pid: 1, version: '1.2', listen: null, reachable: 'unknown' },
  peers: [],
  files: { count: 0, bytes: 0 },
  asked: { count: 0, bytes: 0, given: 0, most: [] },
  transfers: [],
  transactions: [],
  dht: null,
  ways: [],
  totals: { fromPeers: 0, fromMirror: 0, uploaded: 0, rejected: 0, banned: 0 },
  troubles: [],
  problems: [],
  figures: { today: noCounts(), days30: noCounts(), ever: noCounts() },
  days: [],
  ...more,
})

export const samplePeer = (more: Partial<Peer> = {}): Peer => ({
  id: 'a'.repeat(64),
  address: '192.0.2.1:8048',
  direction: 'out',
  since: '2026-11-27T08:00:00.000Z',
  companion: true,
  name: null,
  distance: 'world',
  gave: 0,
  took: 0,
  ...more,
})

export const sampleTransfer = (more: Partial<Transfer> = {}): Transfer => ({
  file: 'firefox-133.0-1-x86_64.pkg.tar.zst',
  size: 64 * 1024 ** 2,
  done: 16 * 1024 ** 2,
  sources: 1,
  rate: 8 * 1024 ** 2,
  from: [],
  ...more,
})
