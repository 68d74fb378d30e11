// A disk that forgets, for tests that cannot mount one: it follows every step that node:fs/promises takes below a folder,
// and after each says what two unkind file systems would hold had the power gone then. One makes names durable at once and
// contents only by fsync of the file; the other keeps contents, and names only by fsync of their folder.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname, relative, sep } from 'node:path';

type File = { readonly kind: 'file'; data: Buffer; synced: Buffer };
type Folder = { readonly kind: 'folder'; readonly names: Map<string, Node>; synced: ReadonlyMap<string, Node> };
type Node = File | Folder;

/** Path below the folder → content. */
export type Remains = ReadonlyMap<string, Buffer>;
type Promises = typeof fs.promises;
type Handle = Awaited<ReturnType<Promises['open']>>;

export class CrashDisk {
  readonly #root: string;
  readonly #tree: Folder = makeFolder();
  readonly #original: Pick<Promises, 'open' | 'rename' | 'link' | 'mkdir' | 'rm'>;
  /** What each step would have left, in order. */
  readonly remains: Remains[] = [];

  constructor(root: string) {
    this.#root = root;
    const { open, rename, link, mkdir, rm } = fs.promises;
    this.#original = { open, rename, link, mkdir, rm };
    fs.promises.open = (async (path: string, flags = 'r') =>
      this.#watch(await open(path, flags), path, flags)) as never;
    fs.promises.rename = (async (from: string, to: string) => {
      await rename(from, to);
      this.#step(from, () => this.#put(to, this.#take(from)));
    }) as never;
    fs.promises.link = (async (from: string, to: string) => {
      await link(from, to);
      this.#step(to, () => this.#put(to, this.#find(from)));
    }) as never;
    fs.promises.mkdir = (async (path: string, options: fs.MakeDirectoryOptions) => {
      const made = await mkdir(path, options);
      this.#step(path, () => this.#makeFolders(path));
      return made;
    }) as never;
    fs.promises.rm = (async (path: string, options: fs.RmOptions) => {
      await rm(path, options);
      this.#step(path, () => this.#take(path));
    }) as never;
    syncBuiltinESMExports();
  }

  close(): void {
    Object.assign(fs.promises, this.#original);
    syncBuiltinESMExports();
  }

  #watch(handle: Handle, path: string, flags: string): Handle {
    if (!this.#isOurs(path)) return handle;
    if (flags === 'w') this.#step(path, () => this.#put(path, makeFile()));
    const node = this.#find(path);
    const after = (what: 'write' | 'writeFile' | 'truncate' | 'sync', change: (args: readonly unknown[]) => void) => {
      const original = handle[what].bind(handle) as (...args: readonly unknown[]) => Promise<unknown>;
      Object.assign(handle, {
        [what]: async (...args: readonly unknown[]) => {
          const result = await original(...args);
          this.#step(path, () => change(args));
          return result;
        },
      });
    };
    after('sync', () => sync(node));
    if (node?.kind !== 'file') return handle;
    after('write', ([bytes, , , at]) => write(node, bytes as Uint8Array, Number(at)));
    after('writeFile', ([bytes]) => write(node, Buffer.from(bytes as Uint8Array), 0));
    after('truncate', ([length]) => {
      node.data = node.data.subarray(0, Number(length));
    });
    return handle;
  }

  #step(path: string, change: () => unknown): void {
    if (!this.#isOurs(path)) return;
    change();
    this.remains.push(contentsOf(this.#tree, 'names'), contentsOf(this.#tree, 'contents'));
  }

  #isOurs(path: string): boolean {
    return path === this.#root || path.startsWith(this.#root + sep);
  }

  #find(path: string): Node | undefined {
    const parts = relative(this.#root, path).split(sep).filter(Boolean);
    let node: Node | undefined = this.#tree;
    for (const part of parts) node = node?.kind === 'folder' ? node.names.get(part) : undefined;
    return node;
  }

  #makeFolders(path: string): Folder {
    const found = this.#find(path);
    if (found?.kind === 'folder') return found;
    const folder = makeFolder();
    this.#makeFolders(dirname(path)).names.set(basename(path), folder);
    return folder;
  }

  #put(path: string, node: Node | undefined): void {
    if (node) this.#makeFolders(dirname(path)).names.set(basename(path), node);
  }

  #take(path: string): Node | undefined {
    const node = this.#find(path);
    const parent = this.#find(dirname(path));
    if (parent?.kind === 'folder') parent.names.delete(basename(path));
    return node;
  }
}

function makeFile(): File {
  return { kind: 'file', data: Buffer.alloc(0), synced: Buffer.alloc(0) };
}

function makeFolder(): Folder {
  return { kind: 'folder', names: new Map(), synced: new Map() };
}

function sync(node: Node | undefined): void {
  if (node?.kind === 'file') node.synced = Buffer.from(node.data);
  if (node?.kind === 'folder') node.synced = new Map(node.names);
}

function write(file: File, bytes: Uint8Array, at: number): void {
  const data = Buffer.alloc(Math.max(file.data.length, at + bytes.length));
  file.data.copy(data);
  data.set(bytes, at);
  file.data = data;
}

function contentsOf(folder: Folder, durable: 'names' | 'contents', prefix = ''): Map<string, Buffer> {
  const contents = new Map<string, Buffer>();
  for (const [name, node] of durable === 'names' ? folder.names : folder.synced) {
    if (node.kind === 'folder')
      for (const [path, data] of contentsOf(node, durable, `${prefix}${name}/`)) contents.set(path, data);
    else contents.set(prefix + name, durable === 'contents' ? node.data : torn(node));
  }
  return contents;
}

/** As long as it was written, and nothing but zeros where it was not synced. */
function torn({ data, synced }: File): Buffer {
  const left = Buffer.alloc(data.length);
  synced.copy(left, 0, 0, Math.min(synced.length, data.length));
  return left;
}
