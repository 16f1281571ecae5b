/**
 * The body of the daemon's answer to POST /v1/file: frames of one type byte, a length (u32, big endian) and that many
 * bytes. An old daemon and a new front must work together, so types are only ever added, and the front passes over those
 * that it doesn't know (client/answer.h has them too). 1, 3 and 5 were those of clients before the native front.
 */
export const FrameType = {
  /** The file's next bytes, in order. */
  data: 2,
  /** No bytes: what was sent as data was wrong; the file starts over. */
  rewind: 4,
  /** No bytes: the daemon would like to know what else this transaction will ask for (POST /v1/ahead). */
  aheadWanted: 6,
  /** The file's size in bytes (u64, big endian); before any data. */
  size: 7,
  /**
   * A line for the terminal, as text, with no end of line: how a transaction went (POST /v1/announce), and what daemons sent
   * that drew the bar themselves.
   */
  line: 8,
  /**
   * Last: all data was sent and the whole matches the sync database. Where it came from, as text: the line that remains
   * where there is no terminal.
   */
  done: 9,
  /** Last: ask the mirror yourself. Why, as text. */
  mirror: 10,
  /** Last: what the mirrors have is not what the sync database promises. A sentence, as text. */
  mismatch: 11,
  /**
   * How far it is: bytes that have come and milliseconds since the request (u64 each, big endian); at least every
   * `HEARTBEAT_MS`, so that silence means a hung daemon.
   */
  progress: 12,
} as const

export const FRAME_HEADER_BYTES = 5
export const HEARTBEAT_MS = 200

/** What POST /v1/ahead tells, as JSON: URLs in the order in which pacman will ask. */
export interface AheadRequest {
  urls: string[]
  environment: Record<string, string>
  /** Which pacman: its pid and start time. */
  transaction?: string
}

/** The variables that a caller's curl would obey (curl(1), ENVIRONMENT) and that pacman sets. */
export const CURL_ENVIRONMENT = [
  'http_proxy',
  'https_proxy',
  'HTTPS_PROXY',
  'ftp_proxy',
  'FTP_PROXY',
  'all_proxy',
  'ALL_PROXY',
  'no_proxy',
  'NO_PROXY',
  'HTTP_USER_AGENT',
]

/** Those of them that are set. */
export function curlEnvironment(from: Record<string, string | undefined>): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const key of CURL_ENVIRONMENT) if (from[key]) environment[key] = from[key]
  return environment
}

/** What the front says in a request: `name=value`, each ended by a NUL, so that C needs no JSON. The last of a name counts. */
export function fieldsIn(body: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const field of body.split('\0')) {
    const equals = field.indexOf('=')
    if (equals > 0) fields.set(field.slice(0, equals), field.slice(equals + 1))
  }
  return fields
}
