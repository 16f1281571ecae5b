/** A file that is open for reading: on the disk, as node:fs's FileHandle, or in memory. */
export interface ReadableFile {
  /** Its descriptor, on the disk. */
  readonly fd?: number
  /** All of it, in memory. */
  readonly bytes?: Uint8Array
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>
  stat(): Promise<{ mtime: Date }>
  close(): Promise<void>
}

/** Bytes as a file. `mtime`: since when they have been what they are. */
export function fileInMemory(bytes: Uint8Array, mtime: Date): ReadableFile {
  return {
    bytes,
    async read(buffer, offset, length, position) {
      const part = bytes.subarray(position, position + length)
      buffer.set(part, offset)
      return { bytesRead: part.length }
    },
    async stat() {
      return { mtime }
    },
    async close() {},
  }
}
