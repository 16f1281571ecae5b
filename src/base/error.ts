/**
 * What went wrong, for code to branch on:
 * - `usage`     the command line
 * - `config`    /etc/pacsrv.conf (message names file, line and key)
 * - `database`  a sync database that can't be read or is cut short
 * - `absent`    a package file that isn't held, or no longer as it was
 * - `wire`      a frame or message outside the protocol's bounds
 * - `peer`      a node that can't be reached, refused, went silent or lied
 * - `key`       a node that is in a closed network, or in another one
 * - `mirror`    curl couldn't get it
 * - `mismatch`  bytes that aren't what the sync database promises
 * - `spool`     no place or no permission to keep files on their way
 * - `daemon`    the daemon can't be started, reached or asked
 */
export type ErrorCode =
  | 'usage'
  | 'config'
  | 'database'
  | 'absent'
  | 'wire'
  | 'peer'
  | 'key'
  | 'mirror'
  | 'mismatch'
  | 'spool'
  | 'daemon'

/** The one error type. `message` is a sentence for the user; `cause` has the rest, for the log. */
export class PacsrvError extends Error {
  override readonly name = 'PacsrvError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** Anything thrown, as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

/** The system's own code of a failed call (`ENOENT`, `ECONNREFUSED`), if it has one. */
export function systemCode(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
