/** A package file of the keep. Times are milliseconds since the epoch. */
export interface KeptFile {
  name: string
  /** Bytes, with its signature. */
  bytes: number
  /** When it came. */
  keptAt: number
  /** When somebody last had it, or when it came. */
  usedAt: number
}

/**
 * Which files go so that the rest takes `limit` bytes at most: first those of which a newer version is here, then the
 * others, each time what was used longest ago.
 */
export function whatGoes(files: readonly KeptFile[], limit: number): KeptFile[] {
  const isOld = superseded(files)
  const order = files.toSorted((a, b) => Number(isOld(b)) - Number(isOld(a)) || a.usedAt - b.usedAt)
  let left = bytesOf(files)
  return order.filter(({ bytes }) => {
    if (left <= limit) return false
    left -= bytes
    return true
  })
}

/** Whether a file of `size` bytes has room within the limit where only other versions of it, and what is old, go for it. */
export function hasRoom(
  files: readonly KeptFile[],
  limit: number,
  { name, size }: { name: string; size: number },
): boolean {
  const isOld = superseded(files)
  const own = packageOf(name)
  return bytesOf(files.filter((file) => !isOld(file) && packageOf(file.name) !== own)) + size <= limit
}

const bytesOf = (files: readonly KeptFile[]) => files.reduce((sum, { bytes }) => sum + bytes, 0)

/** Whether a newer version of a file is here. */
function superseded(files: readonly KeptFile[]) {
  const newest = new Map<string, number>()
  for (const { name, keptAt } of files) {
    const key = packageOf(name)
    newest.set(key, Math.max(keptAt, newest.get(key) ?? 0))
  }
  return ({ name, keptAt }: KeptFile) => keptAt < newest.get(packageOf(name))!
}

/** `NAME-VERSION-RELEASE-ARCH.pkg.tar.zst`: name and architecture; another name is a package of its own. */
function packageOf(fileName: string): string {
  const [, name, arch] = /^(.+)-[^-]+-[^-]+-([^-.]+)\.pkg\.tar/.exec(fileName) ?? []
  return name === undefined ? fileName : `${name} ${arch}`
}
