import { isFileName } from './file-name.ts'
import type { Repository } from './pacman-conf.ts'

/** Where a URL of pacman's comes from. */
export interface UrlOrigin {
  repository: string
  /** The `Server` that the URL is under, as configured. */
  server: string
  /** This file's URL at each server of the repository; the URL asked about first. */
  mirrors: string[]
}

/**
 * The repository one of whose servers is all of `url` before its last slash. Trailing slashes don't matter,
 * nor do a user's name and password, yet a server that has the same ones goes first.
 */
export function repositoryOfUrl(
  url: string,
  { repositories }: { repositories: Pick<Repository, 'name' | 'servers'>[] },
): UrlOrigin | undefined {
  const cut = url.lastIndexOf('/')
  const base = url.slice(0, Math.max(0, cut))
  for (const same of [sameServer, sameServerWithoutUser]) {
    for (const { name, servers } of repositories) {
      const server = servers.find((server) => same(server, base))
      if (server === undefined) continue
      const others = servers.filter((other) => !sameServerWithoutUser(other, base))
      const mirrors = others.map((other) => withoutTrailingSlashes(other) + url.slice(cut))
      return { repository: name, server, mirrors: [url, ...mirrors] }
    }
  }
  return undefined
}

const withoutTrailingSlashes = (url: string) => url.replace(/\/+$/, '')
const withoutUser = (url: string) => url.replace(/^([a-z][a-z\d+.-]*:\/\/)[^/?#]*@/i, '$1')

const sameServer = (a: string, b: string) => withoutTrailingSlashes(a) === withoutTrailingSlashes(b)
const sameServerWithoutUser = (a: string, b: string) => sameServer(withoutUser(a), withoutUser(b))

/**
 * The name of the file that a URL is for: what follows the last slash, `%`-escapes decoded and, in http and
 * https, without query and fragment. Undefined when that is no plain file name.
 * pacman itself names the file by the raw text after the last slash.
 */
export function fileNameOfUrl(url: string): string | undefined {
  const [, scheme, rest] = /^([a-z][a-z\d+.-]*):\/\/([\s\S]*)$/i.exec(url) ?? []
  if (scheme === undefined || rest === undefined) return undefined
  const path = /^https?$/i.test(scheme) ? rest.replace(/[?#][\s\S]*$/, '') : rest
  const slash = path.lastIndexOf('/')
  if (slash < 0) return undefined
  const name = decodeEscapes(path.slice(slash + 1))
  return isFileName(name) ? name : undefined
}

/** As it is when the escapes are malformed: `%` may be a name's own. */
function decodeEscapes(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
